package import NIOCore
package import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Reads no request's body before it is wanted: until then the body stays at the client, and takes no memory here.
///
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
    static let drainedRest: Int64 = 64 << 10
    /// Bytes of a larger rest that are read and dropped, so that a client can send them and then see the answer.
    static let droppedRest: Int64 = 1 << 20
    static let patience = TimeAmount.seconds(2)

    package init() {}

    private enum State {
        /// The body of the last request arrives, or none does.
        case open
        /// The last request is answered, with its body not at its end.
        case answered
        /// No answer any more; what arrives is dropped.
        case closing
    }

    private var state = State.open
    /// Requests without an answer: a client may send the next one before it has the answer to the last one.
    private var unanswered = 0
    /// Of the last request; those before it are complete.
    private var isBodyComplete = true
    /// Bytes of the body that are still to come; nil where the client does not say.
    private var rest: Int64?
    /// Bytes that came after the answer.
    private var late: Int64 = 0
    private var isReading = true
    /// Whether no more of the body is wanted yet.
    private var isHeld = false
    /// Bytes that are wanted and have not come.
    private var wanted: Int64 = 0
    private var isReadDelayed = false
    private var context: ChannelHandlerContext?

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    package func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Begins to read the body of the first request without an answer, or goes on with it.
    ///
    /// - Parameter count: bytes after which no more is read until it is wanted. A few more may come with them.
    package func want(_ count: Int64 = .max) {
        // Nothing is missing of a request that another one follows, and the other one's body is not wanted yet.
        guard unanswered <= 1 else { return }
        (isHeld, wanted) = (false, count)
        guard isReadDelayed, let context else { return }
        isReadDelayed = false
        read(context: context)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch part {
        case .head(let head):
            unanswered += 1
            (state, isBodyComplete, late) = (state == .closing ? .closing : .open, false, 0)
            rest = head.headers.first(name: "content-length").flatMap { Int64($0) }
            if rest == nil, !head.headers.contains(name: "transfer-encoding") { rest = 0 }
            (isHeld, wanted) = (rest != 0, 0)
        case .body(let bytes):
            rest? -= Int64(bytes.readableBytes)
            if state != .open { return drop(part, bytes.readableBytes, context) }
            wanted -= Int64(bytes.readableBytes)
            if wanted <= 0 { isHeld = true }
        case .end: (isBodyComplete, isHeld) = (true, false)
        }
        if state != .closing { context.fireChannelRead(wrapInboundOut(part)) }
    }

    /// What comes after the answer is passed on to be drained, as long as it may be the whole rest.
    private func drop(_ part: HTTPServerRequestPart, _ count: Int, _ context: ChannelHandlerContext) {
        late += Int64(count)
        if state == .answered {
            if late <= Self.drainedRest { return context.fireChannelRead(wrapInboundOut(part)) }
            close(context)
        }
        if late > Self.droppedRest { isReading = false }
    }

    package func read(context: ChannelHandlerContext) {
        if isHeld {
            isReadDelayed = true
        } else if isReading {
            context.read()
        }
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { unanswered = max(0, unanswered - 1) }
        guard case .end = unwrapOutboundIn(data), unanswered == 0, !isBodyComplete, state == .open else {
            context.write(data, promise: promise)
            return
        }
        state = .answered
        defer { want() }
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

extension Channel {
    /// Begins to read the request's body, or goes on with it.
    ///
    /// - Parameters:
    ///   - count: bytes after which no more is read until it is wanted.
    ///   - isContinueAwaited: whether the client waits for the status 100 before it sends the body.
    func wantBody(_ count: Int64, isContinueAwaited: Bool) {
        eventLoop.execute {
            let pipeline = self.pipeline.syncOperations
            if isContinueAwaited, let context = try? pipeline.context(handlerType: HTTP1ToHTTPServerCodec.self) {
                let head = HTTPResponseHead(version: .http1_1, status: .continue)
                context.writeAndFlush(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
            }
            (try? pipeline.handler(type: UnreadBody.self))?.want(count)
        }
    }
}
