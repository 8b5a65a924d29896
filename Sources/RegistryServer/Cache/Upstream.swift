package import ByteStreams
import HTTPTypes
package import ImageModel

/// The registry that a cache fetches from. Nil stands for content that it does not have, or does not show to this cache.
///
/// Calls block, but for `prepare`, and throw `UpstreamFailure`.
package protocol Upstream: Sendable {
    /// For messages.
    var title: String { get }

    /// Renews credentials that have expired.
    func prepare() async

    /// Looks a tag or digest up, without its content; the size is -1 where that is not told.
    func descriptor(_ reference: String, in repository: String) throws -> Descriptor?
    /// A manifest by its tag or digest, checked against the digest.
    func manifest(_ reference: String, in repository: String) throws -> UpstreamManifest?
    /// - Parameter isWanted: whether anybody still waits for the list; else this throws `CancellationError`.
    func tags(
        of repository: String, _ request: TagsRequest, isWanted: @escaping @Sendable () -> Bool
    ) throws -> TagsPage?
    /// Looks a blob up; the size is -1 where that is not told.
    func blob(_ digest: Digest, in repository: String) throws -> Descriptor?
    /// Begins to fetch a blob; the size is -1 where that is not told. Its bytes are not checked.
    func download(_ digest: Digest, in repository: String) throws -> (source: any ByteSource, size: Int64)?
    /// Hands over each referrer while the list is read.
    ///
    /// - Parameter isWanted: as for `tags`.
    func referrers(
        of digest: Digest, in repository: String, isWanted: @escaping @Sendable () -> Bool,
        _ take: (Descriptor) throws -> Void
    ) throws
}

/// A manifest as an upstream sent it.
package enum UpstreamManifest: Sendable {
    case parsed(Manifest)
    /// One of more than `Document.ordinarySize`, which takes long to parse, and many times its size in memory. To parse it
    /// checks it, and throws `UpstreamFailure`.
    case large(parse: @Sendable () throws -> Manifest)
}

/// A cache's upstream that gives no good answer.
package struct UpstreamFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// It limits requests: 429.
        case limited
        /// It is down for the time being: 503.
        case unavailable
        /// It cannot be reached, or has a problem of its own: 502.
        case failing
        /// It does not answer in time: 504.
        case silent
        /// It answers, but not with what was asked for: 502.
        case wrong
    }

    package var kind: Kind
    /// For the operator; may name the upstream.
    package var description: String
    /// Pause that it asks for.
    package var retryAfter: Duration?
    /// Whether another host gave the answer, to which the upstream redirected the request.
    package var isOfAnotherHost = false
    /// Whether there was no answer at all.
    package var isOfConnection = false

    package init(_ kind: Kind, _ description: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.description = description
        self.retryAfter = retryAfter
    }

    /// Too much is asked of the upstream at once.
    package static let busy = UpstreamFailure(
        .unavailable, "too many requests wait for the upstream", retryAfter: .seconds(5))

    /// Whether it says something about the upstream as a whole.
    var isGeneral: Bool { kind != .wrong && self != .busy && !isOfAnotherHost }
}

extension APIError {
    /// Never 404: a client that hears that an image is missing does not try again.
    init(_ failure: UpstreamFailure) {
        switch failure.kind {
        case .limited: self.init(.tooManyRequests, "the upstream registry limits requests")
        case .unavailable: self.init(.unavailable, "the upstream registry is temporarily unavailable; retry later")
        case .failing:
            self.init(.unavailable, "the upstream registry failed")
            status = .badGateway
        case .silent:
            self.init(.unavailable, "the upstream registry did not answer in time")
            status = .gatewayTimeout
        case .wrong:
            self.init(.unavailable, "the upstream registry sent an invalid answer")
            status = .badGateway
        }
        if let pause = failure.retryAfter {
            let seconds = pause.components.seconds + (pause.components.attoseconds > 0 ? 1 : 0)
            headers[.retryAfter] = String(max(1, seconds))
        }
    }
}
