import NIOCore
import NIOHTTP1

/// Names the whole address in each request, as a proxy wants it for plain HTTP: RFC 9112, section 3.2.2.
final class AbsoluteForm: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private let origin: String

    init(_ origin: String) { self.origin = origin }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        head.uri = origin + head.uri
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    /// Puts it between what makes requests and what writes them.
    static func add(_ origin: String, to channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let encoder = try pipeline.context(handlerType: HTTPRequestEncoder.self)
            try pipeline.addHandler(AbsoluteForm(origin), position: .after(encoder.handler))
        }
    }
}
