package import RegistryClient

/// What is particular about one registry.
package struct SyncRegistry: Sendable {
    /// Where its credentials are.
    package enum Account: Sendable {
        /// The first line is USER:PASSWORD.
        case file(String)
        /// A variable of the environment that holds USER:PASSWORD.
        case variable(String)
        case plain(Credentials)

        func read() throws -> Credentials {
            switch self {
            case .file(let path): try Credentials.read(file: path)
            case .variable(let name): try Credentials.read(variable: name)
            case .plain(let credentials): credentials
            }
        }
    }

    package var account: Account?
    package var verifiesTLS: Bool?
    package var plainHTTP: Bool?
    /// PEM files of certificate authorities.
    package var authorityFiles: [String] = []
    /// Bytes a second, to and from it together.
    package var rateLimiter: RateLimiter?
    /// Blobs at once, and images at once.
    package var jobs: Int?

    package init() {}

    /// - Throws: `ImageError.refused` if the credentials cannot be read.
    func apply(to options: inout RegistryOptions) throws {
        if let account { options.credentials = try account.read() }
        if verifiesTLS == false || plainHTTP == true { options.isSharedByRegistries = false }
        options.verifiesTLS = verifiesTLS ?? options.verifiesTLS
        options.plainHTTP = plainHTTP ?? options.plainHTTP
        options.authorityFiles += authorityFiles
        options.rateLimiter = rateLimiter ?? options.rateLimiter
        options.lookups = jobs ?? options.lookups
    }
}
