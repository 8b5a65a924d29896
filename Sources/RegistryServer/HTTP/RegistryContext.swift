import Hummingbird
import NIOCore

/// The context of one request: Hummingbird's own, and the connection.
struct RegistryContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// The other end of the connection when the request began; nil if it had gone already.
    let peer: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        peer = source.channel.remoteAddress
    }
}
