import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// Leads to a proxy that is reached by TLS. The HTTP client speaks to proxies without TLS only: it connects to this
/// instead, on the own machine, and what it sends travels on encrypted.
///
/// Others on this machine could use the relay as they could use the proxy: it adds no credentials.
final class ProxyRelay: Sendable {
    static let host = "127.0.0.1"

    let port: Int
    private let channel: any Channel
    private let trouble = RelayTrouble()

    /// Why the proxy could not be reached, the last time it was tried.
    var failure: (any Error)? { trouble.error.withLock { $0 } }

    /// Blocks until it listens.
    init(toHost proxyHost: String, port proxyPort: Int, tls: TLSConfiguration) throws {
        let context = try NIOSSLContext(configuration: tls)
        // A certificate for an address is checked against the connection's own.
        let name = IPAddress(proxyHost) == nil ? proxyHost : nil
        let trouble = trouble
        channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .connectTimeout(.seconds(30))
                    .channelInitializer { proxy in
                        proxy.eventLoop.makeCompletedFuture {
                            let (near, far) = RelayEnd.pair(trouble)
                            let outgoing = proxy.pipeline.syncOperations
                            try outgoing.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                            try outgoing.addHandler(far)
                            try client.pipeline.syncOperations.addHandler(near)
                        }
                    }
                    .connect(host: proxyHost, port: proxyPort)
                    .map { _ in }
                    .flatMapErrorThrowing { error in
                        trouble.note(error)
                        throw error
                    }
            }
            .bind(host: Self.host, port: 0).wait()
        port = channel.localAddress?.port ?? 0
    }

    deinit { channel.close(promise: nil) }
}

private final class RelayTrouble: Sendable {
    let error = Mutex<(any Error)?>(nil)

    /// - Parameter new: nil once the proxy has been reached.
    func note(_ new: (any Error)?) { error.withLock { $0 = new } }
}

/// One end of a relayed connection: what arrives here leaves at the other end, at the pace at which that takes it. Both
/// ends are on one event loop.
private final class RelayEnd: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var other: RelayEnd?
    private var context: ChannelHandlerContext?
    private var isReadPending = false
    private var hasRead = false
    private let trouble: RelayTrouble

    private init(_ trouble: RelayTrouble) { self.trouble = trouble }

    static func pair(_ trouble: RelayTrouble) -> (near: RelayEnd, far: RelayEnd) {
        let (near, far) = (RelayEnd(trouble), RelayEnd(trouble))
        (near.other, far.other) = (far, near)
        return (near, far)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        other = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasRead = true
        other?.context?.write(wrapOutboundOut(unwrapInboundIn(data)), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) { other?.context?.flush() }

    /// The other end is closed once all that arrived has left.
    func channelInactive(context: ChannelHandlerContext) {
        guard let end = other?.context else { return }
        let last = end.eventLoop.makePromise(of: Void.self)
        let channel = end.channel
        last.futureResult.whenComplete { _ in channel.close(promise: nil) }
        end.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: last)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent { trouble.note(nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !hasRead { trouble.note(error) }
        context.close(promise: nil)
    }

    /// Waits while the other end takes no more.
    func read(context: ChannelHandlerContext) {
        if let end = other?.context, !end.channel.isWritable {
            isReadPending = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { other?.resumeReading() }
        context.fireChannelWritabilityChanged()
    }

    private func resumeReading() {
        guard isReadPending else { return }
        isReadPending = false
        context?.read()
    }
}
