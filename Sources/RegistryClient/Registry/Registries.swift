package import ImageModel

/// Registries that references lead to, each opened once: where it is, which tokens it gives and which uploads it takes
/// is found out once, however many references there are.
package actor Registries {
    private struct Key: Hashable {
        var place: RegistriesFile.Place
        var prefix: String
        /// Of a name that matches a wildcard.
        var host: String?
        var isMirror: Bool
    }

    private let options: @Sendable (_ host: String) throws -> RegistryOptions
    private var file: RegistriesFile?
    private var routes: [Key: Task<RegistryRoute, any Error>] = [:]
    private var sources: [[Key]: RegistrySource] = [:]

    /// - Parameter options: how the registry `HOST[:PORT]` is to be talked to; called when it is first named.
    package init(_ options: @escaping @Sendable (_ host: String) throws -> RegistryOptions) { self.options = options }

    /// The registry that a reference names, to be read, with the mirrors that `registries.conf` gives it.
    ///
    /// - Throws: `ImageError`, `ImageError.refused`.
    package func source(_ reference: ImageReference) async throws -> RegistrySource {
        let keys = try keys(reference)
        if let known = sources[keys] { return known }
        let main = try await route(keys[0], for: reference)
        var mirrors: [RegistryRoute] = []
        for key in keys.dropFirst() { mirrors.append(try await route(key, for: reference)) }
        if let known = sources[keys] { return known }
        let source = RegistrySource(RegistryPlaces(host: reference.location, main: main, mirrors: mirrors))
        sources[keys] = source
        return source
    }

    /// The registry that a reference names, to be written to.
    package func destination(_ reference: ImageReference) async throws -> RegistryDestination {
        guard reference.location != "docker.io" || reference.name?.contains("/") == true else {
            throw ImageError.usage("\(reference): a destination needs its registry: docker://HOST/REPOSITORY:TAG")
        }
        let route = try await route(keys(reference)[0], for: reference)
        return RegistryDestination(host: reference.location, route: route, name: reference.name)
    }

    /// The registry itself, and its mirrors.
    private func keys(_ reference: ImageReference) throws -> [Key] {
        let host = reference.location
        let full = reference.fullRepository
        let file = try self.file ?? RegistriesFile.load()
        self.file = file
        guard let entry = file.entry(for: full) else {
            let place = RegistriesFile.Place(location: host, isInsecure: false)
            return [Key(place: place, prefix: host, isMirror: false)]
        }
        guard !entry.isBlocked else {
            throw ImageError.refused("\(full) is blocked in registries.conf (prefix \(entry.prefix))")
        }
        return ([entry.place] + entry.mirrors).enumerated().map { index, place in
            Key(place: place, prefix: entry.prefix, host: host, isMirror: index > 0)
        }
    }

    private func route(_ key: Key, for reference: ImageReference) async throws -> RegistryRoute {
        if let known = routes[key] { return try await known.value }
        var options = try options(reference.location)
        if key.isMirror {
            // What was given is for the registry that was named; `insecure` in registries.conf is for the mirror.
            options.credentials = nil
            options.clientCertificate = nil
            options.certificateDirectory = nil
            options.plainHTTP = false
            options.verifiesTLS = true
            // There is somebody else to ask.
            options.retryTimes = min(1, options.retryTimes)
        }
        let final = options
        let task = Task {
            try await RegistryRoute(to: key.place, for: reference.fullRepository, prefix: key.prefix, options: final)
        }
        routes[key] = task
        return try await task.value
    }
}

extension ImageReference {
    /// `HOST[/REPOSITORY]`
    fileprivate var fullRepository: String {
        location + (name.flatMap { ImageName(withoutHost: $0)?.repository }.map { "/\($0)" } ?? "")
    }
}
