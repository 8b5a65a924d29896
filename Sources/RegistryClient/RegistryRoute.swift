public import ImageModel
import ImageTransfer

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
        options.verifiesTLS = options.verifiesTLS && !place.isInsecure
        let isWildcard = prefix.hasPrefix("*.")
        self.prefix = isWildcard ? String(name.prefix { $0 != "/" }) : prefix
        location = isWildcard && place.location == prefix ? self.prefix : place.location
        onlyDigests = place.onlyDigests
        onlyTags = place.onlyTags
        let host = String(location.prefix { $0 != "/" })
        let keyring = options.credentials == nil ? try await Keyring.load(for: host) : Keyring()
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

extension ImageReference {
    /// The registry that this names, to be read, with the mirrors that `registries.conf` gives it.
    ///
    /// - Throws: `ReferenceError`, `TransferError.refused`.
    public func registrySource(_ options: RegistryOptions = RegistryOptions()) async throws -> RegistrySource {
        let (main, mirrors) = try await routes(options)
        return RegistrySource(RegistryPlaces(host: location, main: main, mirrors: mirrors))
    }

    /// The registry that this names, to be written to.
    public func registryDestination(_ options: RegistryOptions = RegistryOptions()) async throws -> RegistryDestination
    {
        let (main, _) = try await routes(options)
        return RegistryDestination(host: location, route: main, name: name)
    }

    private func routes(_ options: RegistryOptions) async throws -> (main: RegistryRoute, mirrors: [RegistryRoute]) {
        let repository = name.flatMap { ImageName("host.invalid/\($0)")?.repository }
        let full = location + (repository.map { "/\($0)" } ?? "")
        guard let entry = try RegistriesFile.load().entry(for: full) else {
            let place = RegistriesFile.Place(location: location, isInsecure: false)
            return (try await RegistryRoute(to: place, for: full, prefix: location, options: options), [])
        }
        guard !entry.isBlocked else {
            throw TransferError.refused("\(full) is blocked in registries.conf (prefix \(entry.prefix))")
        }
        var mirrors: [RegistryRoute] = []
        for mirror in entry.mirrors {
            // Credentials that were given are for the registry that was named.
            var own = options
            own.credentials = nil
            // There is somebody else to ask.
            own.retryTimes = min(1, own.retryTimes)
            mirrors.append(try await RegistryRoute(to: mirror, for: full, prefix: entry.prefix, options: own))
        }
        return (try await RegistryRoute(to: entry.place, for: full, prefix: entry.prefix, options: options), mirrors)
    }
}
