import Hummingbird
import NIOCore

/// What belongs to one request: Hummingbird's own, and the connection.
struct RegistryContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    var clientAddress: String { channel.remoteAddress?.ipAddress ?? "-" }
}
