package import NIOCore
package import NIOHTTP1
import Synchronization

/// Refuses requests that a proxy may understand differently: with a missing or second `Host`, or with another
/// `Transfer-Encoding` than `chunked`. It also refuses a chunked body that is mostly chunk extensions or trailers, and
/// counts the memory of heads.
/// Source: RFC 9112, sections 3.2, 6 and 7.1.
package final class RequestFraming: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPServerRequestPart
    package typealias InboundOut = HTTPServerRequestPart
    package typealias OutboundIn = HTTPServerResponsePart
    package typealias OutboundOut = HTTPServerResponsePart

    /// Bytes of a body that are neither content nor the sizes of chunks.
    private static let excessLimit = 16 << 10
    /// Bytes of memory that each header takes beyond its text.
    private static let headerSize = 64

    private let memory: HeadMemory
    private var context: ChannelHandlerContext?
    /// Number of heads so far.
    private var seen = 0
    private var isInBody = false
    private var excess = 0
    private var isRefused = false
    /// Bytes that came and are not parsed: of an unfinished head, or of a chunk's size.
    private var unparsed = 0
    /// Bytes of the heads of requests without an answer, and of the last request: its body may still be awaited, and
    /// the connection's task may keep it until the next one.
    private var heads: [Int] = []
    private var unanswered = 0
    /// Bytes that are counted in `memory`.
    private var counted = 0

    package init(_ memory: HeadMemory) { self.memory = memory }

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    package func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard Self.isSound(head) else { return refuse(.invalidHeaderToken) }
            let text = head.headers.reduce(head.uri.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
            // `: ` and a line end each, and of the request line all but the path.
            unparsed -= text + 4 * head.headers.count + 14
            heads.append(text + Self.headerSize * head.headers.count)
            (seen, unanswered) = (seen + 1, unanswered + 1)
            forgetHeads()
            (isInBody, excess) = (true, 0)
        case .body(let bytes):
            unparsed -= bytes.readableBytes
            // A chunk of one byte has five more for its size and line ends.
            excess = max(0, excess - 16 - 3 * bytes.readableBytes)
        case .end: isInBody = false
        }
        context.fireChannelRead(data)
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            unanswered = max(0, unanswered - 1)
            forgetHeads()
            _ = count()
        }
        context.write(data, promise: promise)
    }

    /// Forgets the heads of requests that are answered, except for the last one.
    private func forgetHeads() { heads.removeFirst(max(0, heads.count - max(1, unanswered))) }

    /// - Returns: false if the memory of heads is used up.
    private func count() -> Bool {
        let new = unparsed + heads.reduce(0, +)
        defer { counted = new }
        return memory.change(from: counted, to: new)
    }

    private static func isSound(_ head: HTTPRequestHead) -> Bool {
        let isOld = head.version.minor == 0
        let hosts = head.headers["host"].count
        guard hosts == 1 || hosts == 0 && isOld else { return false }
        let codings = head.headers["transfer-encoding"]
        return codings.isEmpty
            || codings.count == 1 && codings[0].lowercased() == "chunked" && !isOld
                && !head.headers.contains(name: "content-length")
    }

    /// Reports an error of the parser, which is answered with 400.
    private func refuse(_ error: HTTPParserError) {
        guard !isRefused else { return }
        isRefused = true
        context?.fireErrorCaught(error)
    }

    /// Counts the bytes that arrive, before they are parsed.
    package final class Meter: ChannelInboundHandler, RemovableChannelHandler {
        package typealias InboundIn = ByteBuffer

        private let framing: RequestFraming

        package init(_ framing: RequestFraming) { self.framing = framing }

        package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let (count, seen) = (unwrapInboundIn(data).readableBytes, framing.seen)
            framing.unparsed += count
            if framing.isInBody {
                framing.excess += count
            } else if !framing.count() {
                // An answer would keep the memory in use until the client has read it.
                return context.close(promise: nil)
            }
            context.fireChannelRead(data)
            if framing.isInBody {
                framing.unparsed = 0
            } else if framing.seen != seen {
                // The next head begins in what has just come. How long the last one was is not known to the byte.
                framing.unparsed = min(count, max(0, framing.unparsed))
            }
            if !framing.count() { return context.close(promise: nil) }
            if framing.isInBody, framing.excess > RequestFraming.excessLimit { framing.refuse(.invalidChunkSize) }
        }

        package func channelInactive(context: ChannelHandlerContext) {
            (framing.unparsed, framing.heads) = (0, [])
            _ = framing.count()
            context.fireChannelInactive()
        }
    }
}

/// The memory that the request heads of all connections share, from their first byte to the next request.
package final class HeadMemory: Sendable {
    /// Bytes of each connection that do not count: nearly all heads are smaller.
    private static let ordinarySize = 8 << 10

    private let limit: Int
    private let used = Mutex(0)

    /// - Parameter limit: bytes.
    package init(limit: Int = 16 << 20) { self.limit = limit }

    /// - Returns: false if that is more than the limit. It counts nevertheless, until the connection ends.
    fileprivate func change(from old: Int, to new: Int) -> Bool {
        let difference = max(0, new - Self.ordinarySize) - max(0, old - Self.ordinarySize)
        guard difference != 0 else { return true }
        return used.withLock { used in
            used += difference
            return difference < 0 || used <= limit
        }
    }
}
