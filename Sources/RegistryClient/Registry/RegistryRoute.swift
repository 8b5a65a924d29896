/// A registry, and how the repositories that a user names are called there.
struct RegistryRoute: Sendable {
    let registry: Registry
    /// What of `HOST/REPOSITORY` is put aside for `location`; both empty where names stay as they are.
    private let prefix: String
    private let location: String
    /// Whether it is asked only for what is named by digest, or only for what is named by tag.
    let onlyDigests: Bool
    let onlyTags: Bool
    let health = RouteHealth()

    init(_ registry: Registry) {
        self.registry = registry
        (prefix, location) = ("", "")
        (onlyDigests, onlyTags) = (false, false)
    }

    /// - Parameter name: `HOST[/REPOSITORY]`, as the user has it.
    init(
        to place: RegistriesFile.Place, for name: String, prefix: String, options: RegistryOptions
    ) async throws {
        var options = options
        let isExposed = options.plainHTTP || !options.verifiesTLS
        let isShared = options.isSharedByRegistries && !place.isInsecure
        options.verifiesTLS = options.verifiesTLS && !place.isInsecure
        let isWildcard = prefix.hasPrefix("*.")
        self.prefix = isWildcard ? String(name.prefix { $0 != "/" }) : prefix
        location = isWildcard && place.location == prefix ? self.prefix : place.location
        onlyDigests = place.onlyDigests
        onlyTags = place.onlyTags
        let host = String(location.prefix { $0 != "/" })
        var keyring = options.credentials == nil ? try await Keyring.load(for: host, in: options.authFile) : Keyring()
        if isExposed, isShared, Address("https://\(host)/")?.isLoopback != true { keyring = keyring.withheld() }
        registry = try Registry(host: host, options: options, keyring: keyring)
    }

    /// - Parameters:
    ///   - repository: as the user names it.
    ///   - host: likewise.
    func repository(_ repository: String, at host: String) -> String {
        guard !prefix.isEmpty else { return repository }
        let name = location + "\(host)/\(repository)".dropFirst(prefix.count)
        return String(name.drop { $0 != "/" }.dropFirst())
    }
}
