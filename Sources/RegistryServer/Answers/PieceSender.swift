import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Sends pieces of a response's body, and waits until they have left.
///
/// Hummingbird's writer waits until the channel is writable. That shows only when the event loop gets to it, and a loop
/// that is busy with TLS gets to it late: until then, each connection would queue all that it can read.
struct PieceSender {
    private let channel: any Channel
    /// The piece that was sent last. While it leaves, the next one is read.
    private var last: EventLoopFuture<Void>?

    init(_ channel: any Channel) { self.channel = channel }

    /// Sends a piece, and waits until the one before has left.
    ///
    /// - Throws: if the connection has ended.
    mutating func send(_ piece: ByteBuffer) async throws {
        let sent = channel.eventLoop.makePromise(of: Void.self)
        channel.sendBody(sent) {
            $0.writeAndFlush(NIOAny(HTTPServerResponsePart.body(.byteBuffer(piece))), promise: sent)
        }
        let previous = last
        last = sent.futureResult
        if let previous { try await channel.wait(for: previous) }
    }

    /// Waits until everything has left.
    mutating func finish() async throws {
        guard let last else { return }
        self.last = nil
        try await channel.wait(for: last)
    }
}

extension Channel {
    /// Writes parts of a response's body where Hummingbird's end: behind there are NIO's own parts.
    ///
    /// - Parameter sent: fails if the connection has ended already.
    func sendBody(_ sent: EventLoopPromise<Void>, _ write: @escaping @Sendable (ChannelHandlerContext) -> Void) {
        eventLoop.execute {
            do {
                write(try self.pipeline.syncOperations.context(handlerType: HTTP1ToHTTPServerCodec.self))
            } catch {
                sent.fail(error)
            }
        }
    }

    /// Waits until something has been sent. A client that does not read would keep a server that is to stop.
    func wait(for sent: EventLoopFuture<Void>) async throws {
        try await withTaskCancellationHandler {
            try await sent.get()
        } onCancel: {
            self.close(promise: nil)
        }
    }
}
