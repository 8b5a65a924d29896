import HTTPTypes
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

    /// The body of a notification, and its type.
    struct Envelope: Encodable {
        static let mediaType = "application/vnd.docker.distribution.events.v2+json"
        var events: [RegistryEvent]
    }
}
