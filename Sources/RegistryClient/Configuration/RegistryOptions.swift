/// How a registry is to be talked to.
public struct RegistryOptions: Sendable {
    static let userAgent = "dray/0.1"

    /// Whether the registry's certificate has to be right. Without, plain HTTP will do, too.
    public var verifiesTLS = true
    /// No TLS at all.
    public var plainHTTP = false
    /// PEM files of certificate authorities, beside the system's.
    public var authorityFiles: [String] = []
    /// PEM files of this side's certificate and its key.
    public var clientCertificate: (certificate: String, key: String)?
    /// Instead of what the credential files say.
    public var credentials: Credentials?
    /// How often a request is tried again.
    public var retryTimes = 5
    /// How long something is tried again without anything coming through.
    public var retryTimeout = Duration.seconds(300)
    /// How long the other side may be silent.
    public var timeout = Duration.seconds(60)
    public var rateLimiter: RateLimiter?
    /// Tags that are looked up at once.
    public var lookups = 8
    /// Whether deleting a tag may take the other tags of its manifest along, where a registry cannot do else.
    public var deletesAllTags = false
    /// Whether deleting a tag may take its manifest along, where a registry cannot do else.
    public var deletesManifests = true
    public var fallbackTags = FallbackTags.maintained
    /// Is told what a user should know.
    public var remark: @Sendable (String) -> Void = { _ in }

    public init() {}
}
