import ImageModel

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
