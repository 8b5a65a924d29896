import Glibc
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Ends connections whose client expects that: `close` in any spelling, and HTTP/1.0, whose `keep-alive` nobody
/// here answers. Hummingbird looks for one spelling only, and does not see the version. Also those on which something else
/// than HTTP/1.1 may follow, `Upgrade` and CONNECT: NIO reads no more requests from them.
final class ConnectionEnd: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data),
            !head.isKeepAlive || head.version != .http1_1 || head.method == .CONNECT
                || head.headers.contains(name: "upgrade")
        else {
            context.fireChannelRead(data)
            return
        }
        head.headers.replaceOrAdd(name: "connection", value: "close")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// Puts one where NIO's own parts pass by, which is before Hummingbird's handlers, and goes.
    final class Installer: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = NIOAny

        private let patience: TimeAmount
        private let connections: ConnectionTable

        /// - Parameter patience: after how long a client is given up that takes nothing of what is sent.
        init(patience: TimeAmount, connections: ConnectionTable) {
            self.patience = patience
            self.connections = connections
        }

        func handlerAdded(context: ChannelHandlerContext) {
            let pipeline = context.pipeline.syncOperations
            do {
                try context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
                try context.channel.syncOptions?.setOption(.recvAllocator, value: ReceiveBuffers())
                // Nothing here sees whether a client still takes what is sent. The system does; but not of a socket file.
                if context.channel.localAddress?.port != nil {
                    try context.channel.syncOptions?.setOption(
                        ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: TCP_USER_TIMEOUT)),
                        value: SocketOptionValue(patience.nanoseconds / 1_000_000))
                }
                let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
                let framing = RequestFraming(connections.heads)
                let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
                try pipeline.addHandler(RequestFraming.Meter(framing), position: .before(parser))
                try pipeline.addHandler(framing, position: .before(codec))
                try pipeline.addHandler(ConnectionTable.Activity(connections), position: .before(codec))
                try pipeline.addHandler(UnreadBody(), position: .before(codec))
                try pipeline.addHandler(ConnectionEnd(), position: .before(codec))
                try pipeline.addHandler(ClientEnd(), position: .before(codec))
            } catch {
                context.fireErrorCaught(error)
            }
        }
    }
}
