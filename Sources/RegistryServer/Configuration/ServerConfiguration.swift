package import ImageModel

/// What a registry's `config.yml` says, checked, with the original's defaults where it says nothing.
///
/// Source: distribution, docs/content/about/configuration.md. `ServerConfiguration.read` reads one.
public struct ServerConfiguration: Sendable {
    public var log = Log()
    public var storage: Storage
    public var http = HTTP()
    public var access = Access.open
    public var health = Health()
    public var validation = Validation()
    public var notifications = Notifications()
    /// Most entries of one page of `_catalog`.
    public var catalogLimit = 1000
    /// Most entries of one page of `tags/list`.
    public var tagsLimit = 1000
    /// The registry that this one fetches from what it has not got; nil where it is nobody's cache.
    public var proxy: Proxy?

    public init(storage: Storage) { self.storage = storage }

    public struct Log: Sendable {
        public enum Level: String, Sendable, CaseIterable { case error, warn, info, debug }
        public enum Formatter: String, Sendable, CaseIterable { case text, json, logstash }

        public var level = Level.info
        public var formatter = Formatter.text
        /// Added to every line.
        public var fields: [String: String] = [:]
        /// Apache's combined format, on standard output.
        public var hasAccessLog = true

        public init() {}
    }

    public struct Storage: Sendable {
        /// The directory above `docker/registry/v2`.
        public var root: String
        /// The bucket that holds the images; nil for the directory `root`.
        public var bucket: Bucket?
        /// Whether clients fetch large blobs from the bucket itself.
        public var redirects = true
        public var allowsDeletion = false
        public var isReadOnly = false
        /// When uploads that nobody finished go; nil for never.
        public var purging: Purging? = Purging()

        public init(root: String) { self.root = root }
    }

    public struct Purging: Sendable, Equatable {
        public var age = Duration.seconds(168 * 3600)
        public var interval = Duration.seconds(24 * 3600)
        public var isDryRun = false

        public init() {}
    }

    public struct HTTP: Sendable {
        /// `http.addr`, `http.net`.
        public enum Address: Sendable, Equatable, CustomStringConvertible {
            /// Host may be empty: all interfaces. Port 0: any that is free.
            case tcp(host: String, port: Int)
            case unix(path: String)

            public var description: String {
                switch self {
                case .tcp(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port)"
                case .unix(let path): path
                }
            }
        }

        public var address = Address.tcp(host: "", port: 0)
        /// `scheme://host[:port][/path]`, without a slash at its end, that Locations begin with, whatever the request
        /// says.
        public var host: String?
        /// Begins and ends with `/`.
        public var prefix = "/"
        public var hasRelativeURLs = false
        /// Read for the original's sake: an upload's Location holds nothing here that would have to be signed.
        public var secret: String?
        /// Added to the API's answers.
        public var headers: [(name: String, values: [String])] = []
        public var tls: TLS?
        public var connections = Connections()
        /// Networks (`ADDRESS/BITS`) of the proxies whose word is taken for the address of a client; nil for loopback
        /// and private networks, and only for those that connect themselves.
        public var trustedProxies: [String]?
        /// How long requests may go on after SIGTERM; zero ends them at once.
        public var drainTimeout = Duration.zero
        /// Where `/debug/health` and the metrics are.
        public var debugAddress: Address?
        /// Path of Prometheus' metrics at the debug address; nil where they are off.
        public var metricsPath: String?

        public init() {}
    }

    /// Limits on open connections. More are closed before anything is read from them.
    public struct Connections: Sendable, Equatable {
        /// In all.
        public var most = 8192
        /// From one client: one IPv4 address, or one /64 network of IPv6.
        public var mostOfClient = 4096

        public init() {}
    }

    public struct TLS: Sendable {
        public enum ClientAuthentication: String, Sendable, CaseIterable {
            case requestClientCert = "request-client-cert"
            case requireAnyClientCert = "require-any-client-cert"
            case verifyClientCertIfGiven = "verify-client-cert-if-given"
            case requireAndVerifyClientCert = "require-and-verify-client-cert"
        }
        public enum Version: String, Sendable, CaseIterable {
            case tls10 = "tls1.0"
            case tls11 = "tls1.1"
            case tls12 = "tls1.2"
            case tls13 = "tls1.3"
        }

        /// PEM files.
        public var certificate: String
        public var key: String
        /// Authorities of clients' certificates: then every client needs one.
        public var clientAuthorities: [String] = []
        public var clientAuthentication = ClientAuthentication.requireAndVerifyClientCert
        public var minimumVersion = Version.tls12
        /// Go's names; empty for the library's choice.
        public var cipherSuites: [String] = []

        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    public enum Access: Sendable {
        case open
        case htpasswd(realm: String, path: String)
        case token(Token)
        /// Asks for any Authorization header at all: `auth.silly`, for tests.
        case silly(realm: String, service: String)
    }

    public struct Token: Sendable {
        /// URL of the token server.
        public var realm: String
        public var service: String
        public var issuer: String
        /// PEM file of certificates that tokens are signed by.
        public var rootCertificates: String?
        /// JSON file of a key set.
        public var keySet: String?
        public var redirectsAutomatically = false
        public var redirectPath = "/auth/token"
        /// Empty for all that are safe.
        public var signingAlgorithms: [String] = []

        public init(realm: String, service: String, issuer: String) {
            self.realm = realm
            self.service = service
            self.issuer = issuer
        }
    }

    public struct Health: Sendable {
        public struct Check: Sendable {
            public enum Target: Sendable {
                /// Fails while the file exists.
                case file(String)
                case http(url: String, status: Int, headers: [(name: String, value: String)], timeout: Duration)
                case tcp(address: String, timeout: Duration)
            }
            public var target: Target
            public var interval = Duration.seconds(10)
            /// So many failures in a row count.
            public var threshold = 1

            public init(_ target: Target) { self.target = target }
        }

        public var checksStorage = true
        public var storageInterval = Duration.seconds(10)
        public var storageThreshold = 3
        public var checks: [Check] = []

        public init() {}
    }

    public struct Validation: Sendable {
        public var isDisabled = false
        /// URLs that layers may have: one of these has to match somewhere. Empty for all that are not denied.
        package var allowedURLs: [TextPattern] = []
        /// URLs that layers must not have.
        package var deniedURLs: [TextPattern] = []

        /// Whether the configuration says anything about the URLs of layers.
        package var restrictsURLs: Bool { !allowedURLs.isEmpty || !deniedURLs.isEmpty }

        /// Whether a layer may have this URL, where URLs are restricted.
        package func allows(layerURL url: String) -> Bool {
            guard url.hasPrefix("http://") || url.hasPrefix("https://"), !url.contains("#") else { return false }
            return (allowedURLs.isEmpty || allowedURLs.contains { $0.matches(url) })
                && !deniedURLs.contains { $0.matches(url) }
        }

        /// Whether an index may name images that are not there.
        public enum IndexPlatforms: Sendable, Equatable {
            case all
            case none
            case list([(architecture: String, os: String)])

            public static func == (a: Self, b: Self) -> Bool {
                switch (a, b) {
                case (.all, .all), (.none, .none): true
                case (.list(let a), .list(let b)): a.elementsEqual(b, by: ==)
                default: false
                }
            }
        }
        /// Of which platforms the images of an index have to be there.
        public var indexPlatforms = IndexPlatforms.all

        public init() {}
    }

    public struct Notifications: Sendable {
        public struct Endpoint: Sendable {
            public var name: String
            public var url: String
            public var isDisabled = false
            public var headers: [(name: String, values: [String])] = []
            public var timeout = Duration.seconds(1)
            /// After so many failures in a row, it is left alone for `backoff`.
            public var threshold = 10
            public var backoff = Duration.seconds(1)
            public var ignoredMediaTypes: [String] = []
            public var ignoredActions: [String] = []

            public init(name: String, url: String) {
                self.name = name
                self.url = url
            }
        }

        public var endpoints: [Endpoint] = []
        public var includesReferences = false

        public init() {}
    }

    public struct Proxy: Sendable {
        /// A program of docker/docker-credential-helpers' protocol.
        public struct CredentialCommand: Sendable, Equatable {
            public var program: String
            /// Time after which it is run again: zero for each request, nil for never.
            public var lifetime: Duration?

            public init(program: String) { self.program = program }
        }

        /// The registry's URL, with its scheme; the API is below its path.
        public var url: String
        public var username: String?
        public var password: String?
        /// Instead of user name and password.
        public var credentialCommand: CredentialCommand?
        /// Time for which fetched content is kept; zero for ever.
        public var lifetime = Duration.seconds(168 * 3600)
        /// Time after which a tag is looked up in the other registry again; zero for each request.
        public var checkInterval = Duration.seconds(60)
        /// Whether the other registry may lead to the internal network from wherever it is.
        public var allowsInternalRedirects = false

        public init(url: String) { self.url = url }
    }
}
