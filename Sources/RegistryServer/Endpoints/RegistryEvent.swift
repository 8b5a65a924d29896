import ImageModel

/// What happened, as the endpoints of `notifications` are told it.
/// Source: distribution, docs/content/about/notifications.md.
struct RegistryEvent: Encodable, Sendable {
    enum Action: String, Encodable, Sendable { case pull, push, mount, delete }

    struct Target: Encodable, Sendable {
        var mediaType: String?
        var digest: String
        var size: Int64?
        /// The same as `size`, for readers of the first version.
        var length: Int64?
        var repository: String
        /// Of a blob that was mounted.
        var fromRepository: String?
        var url: String?
        var tag: String?
        var references: [Descriptor]?
    }

    struct RequestRecord: Encodable, Sendable {
        var id: String
        var addr: String
        var host: String
        var method: String
        var useragent: String
    }

    struct Actor: Encodable, Sendable { var name: String? }

    struct Source: Encodable, Sendable {
        var addr: String
        var instanceID: String
    }

    var id: String
    var timestamp: String
    var action: Action
    var target: Target
    var request: RequestRecord
    var actor: Actor
    var source: Source

    /// Approximate memory in bytes. What a manifest refers to takes a few times the manifest's own size.
    var weight: Int {
        let references = target.references == nil ? 0 : 4 * Int(target.size ?? 0)
        let texts = [target.mediaType, target.repository, target.url, request.host, request.useragent, actor.name]
        return texts.reduce(512 + references) { $0 + ($1?.utf8.count ?? 0) }
    }

    /// The address of the client, without its port.
    var client: Substring { request.addr.prefix(upTo: request.addr.lastIndex(of: ":") ?? request.addr.endIndex) }

    /// The body of a notification, and its type.
    struct Envelope: Encodable {
        static let mediaType = "application/vnd.docker.distribution.events.v2+json"
        var events: [RegistryEvent]
    }
}
