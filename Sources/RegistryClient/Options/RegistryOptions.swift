package import ImageModel
import Synchronization

/// The PEM files with which a client shows who it is.
package struct ClientCertificate: Hashable, Sendable {
    package var certificate: String
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// How a registry is to be talked to.
package struct RegistryOptions: Sendable {
    static let userAgent = "dray/\(drayVersion)"

    /// Whether the registry's certificate has to be right. Without, plain HTTP will do, too.
    package var verifiesTLS = true
    /// No TLS at all.
    package var plainHTTP = false
    /// PEM files of certificate authorities, beside the system's: for the registry, and for where it redirects to.
    package var authorityFiles: [String] = []
    /// For the registry alone, and not for where it redirects to.
    package var clientCertificate: ClientCertificate?
    /// A directory with a registry's certificates, as those in `certs.d`, instead of these.
    package var certificateDirectory: String?
    /// Whether `certs.d` of this user and this machine is used. A server has its own configuration.
    package var readsCertificateDirectories = true
    /// Whether redirects and token realms may lead from a registry of the internet to addresses of the internal network.
    /// A server must not be led there.
    package var entersInternalNetwork = true
    /// Whether `plainHTTP` and `verifiesTLS` were given for several registries at once. Credentials from files and helpers
    /// are then not sent to a registry on another machine over a connection that these leave unprotected.
    package var isSharedByRegistries = false
    /// Instead of what the credential files say.
    package var credentials: Credentials?
    /// A file as Docker and podman keep credentials in, instead of theirs.
    package var authFile: String?
    /// How often a request is tried again.
    package var retryTimes = 5
    /// How long something is tried again without anything coming through.
    package var retryTimeout = Duration.seconds(300)
    /// How long the other side may be silent.
    package var timeout = Duration.seconds(60)
    package var rateLimiter: RateLimiter?
    /// Connections to one host at once.
    package var connections = 16
    /// Tags that are looked up at once.
    package var lookups = 8
    /// Whether deleting a tag may take the other tags of its manifest along, where a registry cannot do else.
    package var deletesAllTags = false
    /// Whether deleting a tag may take its manifest along, where a registry cannot do else.
    package var deletesManifests = true
    package var fallbackTags = FallbackTags.maintained
    /// Whether a refused HEAD is sent again as GET, whose answer has the registry's reasons.
    package var asksForReasons = true
    /// Is told what a user should know.
    package var remark: @Sendable (String) -> Void = { _ in }

    package init() {}
}

/// What becomes of the tags under which registries without a referrers API list referrers.
package enum FallbackTags: Sendable {
    /// A referrer that is put is listed, and one that is listed stays so.
    case maintained
    /// None is made for what is put. One that is given is put, with what is listed there already.
    case merged
    /// Tags like any other.
    case exact
}

/// Keeps the bytes of all transfers together below so many a second.
package final class RateLimiter: Sendable {
    private let nanosecondsPerByte: Double
    /// When the next byte may pass.
    private let next = Mutex(ContinuousClock.now)

    package init(bytesPerSecond: Int64) {
        nanosecondsPerByte = 1e9 / Double(max(1, bytesPerSecond))
    }

    /// Reads a rate: a size, for each second.
    ///
    /// - Throws: `ImageError`.
    package static func bytesPerSecond(_ text: String) throws(ImageError) -> Int64 {
        try ByteSize(text.hasSuffix("/s") ? String(text.dropLast(2)) : text).bytes
    }

    /// Blocks until `count` bytes may pass.
    func pass(_ count: Int) {
        let cost = Duration.nanoseconds(Int64(nanosecondsPerByte * Double(count)))
        let start = next.withLock { next in
            // What was not used is not saved up, but for a tenth of a second.
            let start = max(next, .now - .milliseconds(100))
            next = start + cost
            return next
        }
        sleep(for: start - .now)
    }
}
