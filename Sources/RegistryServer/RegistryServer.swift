import ByteStreams
import HTTPTypes
import Hummingbird
import HummingbirdCore
import ImageModel
package import ImageTransfer
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RegistryStore
import ServiceLifecycle

/// A registry: the HTTP API over a storage directory, or over anything that images can be read from.
///
/// ```swift
/// let configuration = try ServerConfiguration.read(path: "config.yml").configuration
/// try await RegistryServer(configuration).run()
/// ```
public final class RegistryServer: Sendable {
    private let configuration: ServerConfiguration
    private let content: any RegistryContent
    private let store: Store?
    private let nullTags: Bool
    private let logger: Logger
    private let metrics: ServerMetrics
    private let state = NIOLockedValueBox(State.starting)

    private enum State {
        case starting
        case running(Running)
        case stopped

        var running: Running? { if case .running(let running) = self { running } else { nil } }
    }

    /// What runs, and what of it can be read again.
    private struct Running {
        let services: ServiceGroup
        let access: any AccessControl
        let certificates: TLSCertificates?
    }

    /// Serves the storage directory that the configuration names.
    ///
    /// - Parameters:
    ///   - nullTags: whether a repository without tags lists `null`, as registry 2.x does, and not `[]`.
    /// - Throws: `ImageError` if `configuration.proxy` has no URL of a registry.
    public convenience init(_ configuration: ServerConfiguration, nullTags: Bool = false) throws {
        let store = try Self.store(configuration.storage)
        let logger = Self.logger(configuration)
        let metrics = ServerMetrics()
        let content: any RegistryContent
        if let proxy = configuration.proxy {
            let clock = SystemClock()
            content = PullThroughContent(
                store, upstream: try RegistryUpstream(proxy, clock: clock, logger: logger),
                checkInterval: proxy.checkInterval, clock: clock, metrics: metrics, logger: logger)
        } else {
            content = StoreContent(store)
        }
        self.init(configuration, content: content, store: store, metrics: metrics, nullTags: nullTags)
    }

    /// Serves images from where they lie; nothing can be pushed.
    ///
    /// - Throws: `ImageError` if one of them cannot be read, or two claim one name.
    package convenience init(
        serving images: [NamedImage], _ configuration: ServerConfiguration, nullTags: Bool = false
    ) async throws {
        self.init(
            configuration, content: try await SourceContent(images), store: nil, metrics: ServerMetrics(),
            nullTags: nullTags)
    }

    private init(
        _ configuration: ServerConfiguration, content: any RegistryContent, store: Store?, metrics: ServerMetrics,
        nullTags: Bool
    ) {
        self.configuration = configuration
        self.content = content
        self.store = store
        self.metrics = metrics
        self.nullTags = nullTags
        logger = Self.logger(configuration)
    }

    /// How long a request waits for the end of a garbage collection, which clients are then told to do.
    private static let collectionPatience = Duration.seconds(5)

    private static func store(_ storage: ServerConfiguration.Storage) throws -> Store {
        guard let bucket = storage.bucket else { return Store(path: storage.root, servesOthers: true) }
        let tree = StoreBucket(
            try bucket.place, patience: collectionPatience, publicEndpoint: bucket.redirectEndpoint)
        return Store(tree, servesOthers: true)
    }

    private static func fields(_ headers: [(name: String, values: [String])]) -> [HTTPField] {
        headers.flatMap { name, values in
            HTTPField.Name(name).map { name in values.map { HTTPField(name: name, value: $0) } } ?? []
        }
    }

    private static func logger(_ configuration: ServerConfiguration) -> Logger {
        Logger(label: "registry") { _ in ServerLogHandler(configuration.log, writer: .standardError) }
    }

    /// Serves until `stop` is called, or the task is cancelled.
    ///
    /// - Parameter program: name and version, for the log.
    /// - Throws: `ImageError.io` if the address cannot be listened at.
    @concurrent
    public func run(as program: String = "dray") async throws {
        let content: any RegistryContent =
            configuration.http.metricsPath == nil ? content : MeasuredContent(content: content, metrics: metrics)
        try await prepare(content, program)
        let health = HealthMonitor(configuration.health, content: content, logger: logger)
        let events = EventQueue(configuration.notifications, metrics: metrics, logger: logger)
        let access = try configuration.access.makeAccessControl(logger: logger)
        let certificates = try configuration.http.tls.map { try TLSCertificates($0, logger: logger) }
        let connections = ConnectionTable(
            configuration.http.connections.limited(byFiles: DescriptorLimit.raise(), logger), logger: logger)
        let responder = RegistryResponder(
            configuration: configuration, headers: Self.fields(configuration.http.headers), content: content,
            store: isCache ? nil : store,
            access: access, health: health, metrics: metrics, events: events,
            validation: ManifestValidation(configuration.validation),
            accessLog: configuration.log.hasAccessLog ? AccessLog(writer: .standardOutput) : nil,
            proxies: TrustedProxies(configuration.http.trustedProxies), connections: connections,
            documents: DocumentMemory(), logger: logger, nullTags: nullTags)
        var services: [any Service] = [health, events]
        if let certificates { services.append(certificates) }
        if let store, let purging = configuration.storage.purging, !configuration.storage.isReadOnly {
            services.append(UploadPurger(configuration: purging, store: store, logger: logger))
        }
        if let store, let lifetime = configuration.proxy?.lifetime, isCache, lifetime > .zero {
            services.append(CacheExpiry(lifetime: lifetime, store: store, logger: logger))
        }
        if let address = configuration.http.debugAddress {
            services += try listeners(
                at: address, certificates: nil, title: "debug server", ConnectionTable(.init(), logger: logger),
                DebugResponder(health: health, metrics: metrics, metricsPath: configuration.http.metricsPath))
        }
        services += try listeners(at: configuration.http.address, certificates: certificates, connections, responder)
        var settings = ServiceGroupConfiguration(services: services, logger: quiet)
        // A second is for closing what is idle, which takes a moment on a busy machine.
        settings.maximumGracefulShutdownDuration = max(configuration.http.drainTimeout, .seconds(1))
        let group = ServiceGroup(configuration: settings)
        let isWanted = state.withLockedValue { state in
            if case .stopped = state { return false }
            state = .running(Running(services: group, access: access, certificates: certificates))
            return true
        }
        // It was stopped while it started.
        guard isWanted else { return }
        defer { state.withLockedValue { $0 = .stopped } }
        do {
            try await group.run()
        } catch is ServiceGroupError {
            // Requests that did not end within the time that they were given.
        }
        await LogWriter.standardError.flush()
        await LogWriter.standardOutput.flush()
    }

    /// Makes the storage directory if it is missing, and logs what is served.
    private func prepare(_ content: any RegistryContent, _ program: String) async throws {
        let missing = try await Workers.blobs.run { [store] in
            try store.flatMap { store in
                try !store.tree.isRemote && fileKind(store.title) == nil ? store.title : nil
            }
        }
        try await content.check()
        if let missing { logger.info("created the storage directory \(StartSummary.absolute(missing))") }
        let summary = try await Workers.blobs.run { [configuration, store] in StartSummary(configuration, store) }
        logger.info("\(summary.line(program))")
        if let advice = summary.advice { logger.info("\(advice)") }
        if let warning = summary.warning { logger.warning("\(warning)") }
    }

    /// Takes no more connections, lets requests end within `http.draintimeout`, and then makes `run` return.
    public func stop() async {
        logger.info("stopping")
        let running = state.withLockedValue { state in
            if case .starting = state { state = .stopped }
            return state.running
        }
        await running?.services.triggerGracefulShutdown()
    }

    /// Reads the TLS certificate with its key, and the password file again, as they do by themselves when they change.
    /// The configuration itself is not read again.
    public func reload() async {
        logger.info(
            "reload: reading the TLS certificate and the password file again; restart to apply changes of config.yml")
        guard let running = state.withLockedValue({ $0.running }) else { return }
        await running.certificates?.reload()
        await running.access.reload()
    }

    /// Whether what is here is another registry's, and only fetched from there.
    private var isCache: Bool { content is PullThroughContent }

    /// For the libraries below, whose messages are dumps of their values. What matters of them is thrown as well.
    private var quiet: Logger {
        var logger = logger
        logger.logLevel = .critical
        return logger
    }

    /// How long a connection may say nothing while something is expected of it.
    private static let patience = TimeAmount.seconds(120)

    /// Tokens are the only large headers that clients send.
    private var headLimits: HTTP1Channel.Configuration.DecoderConfiguration {
        guard case .token = configuration.access else {
            return .init(maxHeaderFieldSize: 32 << 10, maxHeaderListSize: 32 << 10)
        }
        return .init()
    }

    /// One service for each address that the configured one stands for.
    private func listeners<Responder: HTTPResponder>(
        at address: ServerConfiguration.HTTP.Address, certificates: TLSCertificates?, title: String = "listening",
        _ connections: ConnectionTable, _ responder: Responder
    ) throws -> [any Service] where Responder.Context == RegistryContext {
        switch address {
        case .tcp(let host, let port):
            try ListeningHosts.numeric(host, port: port).map {
                listener(
                    at: .hostname($0, port: port), "\(ServerConfiguration.HTTP.Address.tcp(host: $0, port: port))",
                    certificates: certificates, title: title, connections, responder)
            }
        case .unix(let path):
            [
                listener(
                    at: .unixDomainSocket(path: path), path, certificates: certificates, title: title, connections,
                    responder)
            ]
        }
    }

    private func listener<Responder: HTTPResponder>(
        at bind: BindAddress, _ address: String, certificates: TLSCertificates?, title: String,
        _ connections: ConnectionTable, _ responder: Responder
    ) -> some Service where Responder.Context == RegistryContext {
        let channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionEnd.Installer(patience: Self.patience, connections: connections)],
            idleTimeout: Self.patience, httpDecoderConfiguration: headLimits)
        let server = HTTPServerBuilder { responder in
            let plain = HTTP1Channel(responder: responder, configuration: channel)
            guard let certificates else { return plain }
            return TLSConnections(base: plain, certificates: certificates)
        }
        let application = Application(
            responder: responder, server: server, configuration: ApplicationConfiguration(address: bind),
            onServerRunning: { [logger] channel in
                // This fails if the channel is closed already.
                try? await channel.eventLoop.submit {
                    let gate = ConnectionTable.Gate(connections)
                    try channel.pipeline.syncOperations.addHandler(gate, position: .first)
                }.get()
                let place = channel.localAddress.map(ClientAddress.hostAndPort) ?? ""
                logger.info("\(title) on \(place)\(certificates == nil ? "" : ", tls")")
            }, eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), logger: quiet)
        return Listener(address: address, service: application)
    }
}

/// Listens, and says where if it cannot.
private struct Listener: Service {
    let address: String
    let service: any Service

    func run() async throws {
        do {
            try await service.run()
        } catch let error as IOError {
            throw ImageError.io(operation: "listen at", path: address, errno: error.errnoCode)
        }
    }
}
