package import NIOCore
package import NIOHTTP1

/// Ends a connection whose request was answered long before its body's end: a refused upload of gigabytes is not
/// read for the sake of the next request. A small rest is left to whoever drains it, and the connection stays. Where
/// what comes is no HTTP, nothing more is read at all.
///
/// The server's side of the connection is closed first, and the rest with some patience, since a client that goes on
/// sending to a connection that is gone may never see the answer.
package final class UnreadBody: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPServerRequestPart
    package typealias InboundOut = HTTPServerRequestPart
    package typealias OutboundIn = HTTPServerResponsePart
    package typealias OutboundOut = HTTPServerResponsePart

    /// Bytes of a rest that is worth a connection.
    static let drainedRest: Int64 = 1 << 20
    static let patience = TimeAmount.seconds(2)

    package init() {}

    private enum State {
        /// A request's body arrives, or none does.
        case open
        /// Answered, with the body not at its end.
        case answered
        /// No answer any more; what arrives is dropped.
        case closing
    }

    private var state = State.open
    private var isBodyComplete = true
    /// Bytes of the body that are still to come; nil where the client does not say.
    private var rest: Int64?
    /// Bytes that came after the answer.
    private var late: Int64 = 0
    private var isReading = true

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch part {
        case .head(let head):
            (state, isBodyComplete, late) = (state == .closing ? .closing : .open, false, 0)
            rest = head.headers.first(name: "content-length").flatMap { Int64($0) }
            if rest == nil, !head.headers.contains(name: "transfer-encoding") { rest = 0 }
        case .body(let bytes):
            rest? -= Int64(bytes.readableBytes)
            if state != .open { return drop(part, bytes.readableBytes, context) }
        case .end: isBodyComplete = true
        }
        if state != .closing { context.fireChannelRead(wrapInboundOut(part)) }
    }

    /// What comes after the answer is passed on to be drained, as long as it may be the whole rest.
    private func drop(_ part: HTTPServerRequestPart, _ count: Int, _ context: ChannelHandlerContext) {
        late += Int64(count)
        guard late > Self.drainedRest else {
            if state == .answered { context.fireChannelRead(wrapInboundOut(part)) }
            return
        }
        // Of a rest without end, no more than that is read.
        isReading = false
        if state == .answered { close(context) }
    }

    package func read(context: ChannelHandlerContext) {
        if isReading { context.read() }
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data), !isBodyComplete, state == .open else {
            context.write(data, promise: promise)
            return
        }
        state = .answered
        guard let rest, rest > Self.drainedRest else {
            context.write(data, promise: promise)
            return
        }
        context.writeAndFlush(data, promise: promise)
        close(context)
    }

    /// What cannot be understood is answered by others; there is nothing to be said after that.
    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError, state != .closing {
            isReading = false
            closeLater(context)
        }
        context.fireErrorCaught(error)
    }

    private func close(_ context: ChannelHandlerContext) {
        closeLater(context)
        // What was written goes first. Where one side alone cannot be closed, patience does it.
        context.close(mode: .output, promise: nil)
    }

    private func closeLater(_ context: ChannelHandlerContext) {
        state = .closing
        let channel = context.channel
        channel.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
    }
}
