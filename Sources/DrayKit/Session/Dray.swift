package import RegistryClient

/// A session: opens whatever references lead to. Connections, tokens and what was found out about registries are shared
/// by all that is opened.
///
/// ```swift
/// let dray = Dray()
/// let report = try await dray.copy("app.tar", to: "store:/srv/registry")
/// let image = try await dray.image("docker://registry.example/team/app:1.2")
/// ```
/// References are those of the command line. Errors are described in words for people.
public final class Dray: Sendable {
    package let references: ReferenceReader
    let sources: Registries
    let destinations: Registries
    package let buckets: Buckets

    /// How registries are talked to. Logins are those of Docker and podman.
    public struct Settings: Sendable {
        /// Whether a registry's certificate has to be right. Without, plain HTTP will do, too.
        public var verifiesTLS = true
        /// No TLS at all.
        public var plainHTTP = false
        /// PEM files of certificate authorities, beside the system's.
        public var authorityFiles: [String] = []
        /// A file as Docker and podman keep logins in, instead of theirs.
        public var authFile: String?
        /// `https://host[:port]` of the server of `store:s3://`, and its region; nil for what AWS's tools would use.
        public var s3Endpoint: String?
        public var s3Region: String?
        /// Bytes a second to and from registries; nil for no limit.
        public var bytesPerSecond: Int64?
        /// Is told what a user should know.
        public var remark: @Sendable (String) -> Void = { _ in }

        public init() {}
    }

    public convenience init(_ settings: Settings = Settings()) {
        var options = RegistryOptions()
        options.verifiesTLS = settings.verifiesTLS
        options.plainHTTP = settings.plainHTTP
        options.authorityFiles = settings.authorityFiles
        options.authFile = settings.authFile
        options.rateLimiter = settings.bytesPerSecond.map { RateLimiter(bytesPerSecond: $0) }
        options.remark = settings.remark
        var storage = StorageSettings()
        storage.endpoint = settings.s3Endpoint
        storage.region = settings.s3Region
        storage.authorityFiles = settings.authorityFiles
        storage.verifiesTLS = settings.verifiesTLS
        storage.remark = settings.remark
        self.init(options, storage: storage)
    }

    package convenience init(
        _ options: RegistryOptions, destinations: RegistryOptions? = nil,
        references: ReferenceReader = ReferenceReader(), storage: StorageSettings = StorageSettings()
    ) {
        let destinations = destinations ?? options
        self.init(
            options: { _ in options }, destinations: { _ in destinations }, references: references, storage: storage)
    }

    /// - Parameters:
    ///   - options: how registries are talked to that are read or changed; called when a registry is first named.
    ///   - destinations: likewise for those that are copied to.
    ///   - references: which has read the references of the session.
    package init(
        options: @escaping @Sendable (_ host: String) throws -> RegistryOptions,
        destinations: (@Sendable (_ host: String) throws -> RegistryOptions)? = nil,
        references: ReferenceReader = ReferenceReader(), storage: StorageSettings = StorageSettings()
    ) {
        self.references = references
        buckets = Buckets(storage)
        sources = Registries(options)
        // Two: a download must not wait for the connection of the upload that waits for it.
        self.destinations = Registries(destinations ?? options)
    }
}
