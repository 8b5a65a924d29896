import ByteStreams
import ImageLayouts
public import ImageTransfer
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOConcurrencyHelpers
import NIOPosix
import NIOSSL
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
    private let group: ServiceGroupHolder

    /// Serves the storage directory that the configuration names.
    ///
    /// - Parameters:
    ///   - upstream: every image of the registry that `configuration.proxy` names, where it names one.
    ///   - nullTags: whether a repository without tags lists `null`, as registry 2.x does, and not `[]`.
    public convenience init(
        _ configuration: ServerConfiguration, upstream: (any ImageSource)? = nil, nullTags: Bool = false
    ) {
        let store = Store(path: configuration.storage.root, servesOthers: true)
        let logger = Self.logger(configuration)
        if let upstream {
            let content = PullThroughContent(store, upstream: upstream, logger: logger)
            self.init(configuration, content: content, store: store, nullTags: nullTags)
        } else {
            self.init(configuration, content: StoreContent(store), store: store, nullTags: nullTags)
        }
    }

    /// Serves images from where they lie; nothing can be pushed.
    ///
    /// - Throws: `TransferError` if one of them cannot be read, or two claim one name.
    public convenience init(
        serving images: [NamedImage], _ configuration: ServerConfiguration, nullTags: Bool = false
    ) async throws {
        self.init(configuration, content: try await SourceContent(images), store: nil, nullTags: nullTags)
    }

    private init(
        _ configuration: ServerConfiguration, content: any RegistryContent, store: Store?, nullTags: Bool
    ) {
        self.configuration = configuration
        self.content = content
        self.store = store
        self.nullTags = nullTags
        logger = Self.logger(configuration)
        group = ServiceGroupHolder()
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
    /// - Throws: `StreamError.io` if the address cannot be listened at.
    @concurrent
    public func run() async throws {
        let metrics = ServerMetrics()
        let content: any RegistryContent =
            configuration.http.metricsPath == nil ? content : MeasuredContent(content: content, metrics: metrics)
        try await content.check()
        let health = HealthMonitor(configuration.health, content: content, logger: logger)
        let events = EventQueue(configuration.notifications, logger: logger)
        let responder = RegistryResponder(
            configuration: configuration, headers: Self.fields(configuration.http.headers), content: content,
            store: isCache ? nil : store,
            access: try configuration.access.makeAccessControl(logger: logger), health: health, metrics: metrics,
            events: events, validation: ManifestValidation(configuration.validation),
            accessLog: configuration.log.hasAccessLog ? AccessLog(writer: .standardOutput) : nil, logger: logger,
            nullTags: nullTags)
        var services: [any Service] = [health, events]
        if let store, let purging = configuration.storage.purging, !configuration.storage.isReadOnly {
            services.append(UploadPurger(configuration: purging, store: store, logger: logger))
        }
        if let store, let lifetime = configuration.proxy?.lifetime, isCache, lifetime > .zero {
            services.append(CacheExpiry(lifetime: lifetime, store: store, logger: logger))
        }
        if let address = configuration.http.debugAddress {
            services.append(
                try listener(
                    at: address, tls: nil, title: "debug server",
                    DebugResponder(health: health, metrics: metrics, metricsPath: configuration.http.metricsPath)))
        }
        services.append(try listener(at: configuration.http.address, tls: configuration.http.tls, responder))
        var settings = ServiceGroupConfiguration(services: services, logger: quiet)
        // A second is for closing what is idle, which takes a moment on a busy machine.
        settings.maximumGracefulShutdownDuration = max(configuration.http.drainTimeout, .seconds(1))
        let running = ServiceGroup(configuration: settings)
        group.set(running)
        defer { group.set(nil) }
        do {
            try await running.run()
        } catch is ServiceGroupError {
            // Requests that did not end within the time that they were given.
        }
        await LogWriter.standardError.flush()
        await LogWriter.standardOutput.flush()
    }

    /// Takes no more connections, lets requests end within `http.draintimeout`, and then makes `run` return.
    public func stop() async {
        logger.info("stopping")
        await group.stop()
    }

    /// Whether what is here is another registry's, and only fetched from there.
    private var isCache: Bool { content is PullThroughContent }

    /// For the libraries below, which say much that helps nobody.
    private var quiet: Logger {
        var logger = logger
        if logger.logLevel < .warning, configuration.log.level != .debug { logger.logLevel = .error }
        return logger
    }

    /// How long a connection may say nothing while something is expected of it.
    private static let patience = TimeAmount.seconds(120)

    private func listener<Responder: HTTPResponder>(
        at address: ServerConfiguration.HTTP.Address, tls: ServerConfiguration.TLS?, title: String = "listening",
        _ responder: Responder
    ) throws -> some Service where Responder.Context == RegistryContext {
        let bind: BindAddress =
            switch address {
            case .tcp(let host, let port): .hostname(host.isEmpty ? "::" : host, port: port)
            case .unix(let path): .unixDomainSocket(path: path)
            }
        let channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionEnd.Installer(patience: Self.patience)], idleTimeout: Self.patience)
        let plain = HTTPServerBuilder.http1(configuration: channel)
        let server = try tls.map { try .tls(plain, tlsConfiguration: TLSConfiguration($0)) } ?? plain
        let application = Application(
            responder: responder, server: server, configuration: ApplicationConfiguration(address: bind),
            onServerRunning: { [logger] channel in
                let place =
                    channel.localAddress.map { address in
                        address.port.map { "\(Self.bracketed(address.ipAddress ?? "")):\($0)" } ?? address.pathname
                            ?? ""
                    } ?? ""
                logger.info("\(title) on \(place)\(tls == nil ? "" : ", tls")")
            }, eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), logger: quiet)
        return Listener(address: "\(address)", service: application)
    }

    private static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}

/// Listens, and says where if it cannot.
private struct Listener: Service {
    let address: String
    let service: any Service

    func run() async throws {
        do {
            try await service.run()
        } catch let error as IOError {
            throw StreamError.io(operation: "listen at", path: address, errno: error.errnoCode)
        }
    }
}

/// The services that run at the moment.
private final class ServiceGroupHolder: Sendable {
    private let group = NIOLockedValueBox<ServiceGroup?>(nil)

    func set(_ new: ServiceGroup?) { group.withLockedValue { $0 = new } }
    func stop() async { await group.withLockedValue { $0 }?.triggerGracefulShutdown() }
}
