import ByteStreams
import HTTPTypes
import HummingbirdCore
import ImageModel
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Synchronization

/// Tells the endpoints of `notifications` what happened: in order, each at its own pace, and again where it fails.
final class EventQueue: Service {
    private let configuration: ServerConfiguration.Notifications
    private let endpoints: [EndpointQueue]
    private let instance = uniqueName()

    init(_ configuration: ServerConfiguration.Notifications, metrics: ServerMetrics, logger: Logger) {
        self.configuration = configuration
        endpoints = configuration.endpoints.filter { !$0.isDisabled }.map {
            EndpointQueue($0, metrics: metrics, logger: logger)
        }
    }

    func run() async throws {
        await withDiscardingTaskGroup { group in
            for endpoint in endpoints { group.addTask { await endpoint.run() } }
            group.addTask { try? await gracefulShutdown() }
        }
    }

    /// - Parameter origin: the repository that a blob was mounted from.
    func add(
        _ action: RegistryEvent.Action, blob: Digest, size: Int64?, in repository: String, from origin: String? = nil,
        _ exchange: Exchange
    ) {
        guard !endpoints.isEmpty else { return }
        add(
            action,
            RegistryEvent.Target(
                mediaType: "application/octet-stream", digest: blob.description, size: size, length: size,
                repository: repository, fromRepository: origin,
                url: exchange.address.url("/v2/\(repository)/blobs/\(blob)")), exchange)
    }

    func add(
        _ action: RegistryEvent.Action, manifest: Manifest, tag: String?, in repository: String, _ exchange: Exchange
    ) {
        guard !endpoints.isEmpty else { return }
        add(
            action,
            RegistryEvent.Target(
                mediaType: manifest.mediaType.rawValue, digest: manifest.digest.description, size: manifest.size,
                length: manifest.size, repository: repository,
                url: exchange.address.url("/v2/\(repository)/manifests/\(manifest.digest)"), tag: tag,
                references: configuration.includesReferences ? manifest.blobs + manifest.children : nil), exchange)
    }

    func add(_ action: RegistryEvent.Action, digest: Digest, tag: String?, in repository: String, _ exchange: Exchange)
    {
        guard !endpoints.isEmpty else { return }
        add(
            action, RegistryEvent.Target(digest: digest.description, repository: repository, tag: tag), exchange)
    }

    private func add(_ action: RegistryEvent.Action, _ target: RegistryEvent.Target, _ exchange: Exchange) {
        let request = exchange.request
        let event = RegistryEvent(
            id: uniqueName(), timestamp: Timestamp.rfc3339(Timestamp.now), action: action, target: target,
            request: RegistryEvent.RequestRecord(
                id: uniqueName(), addr: exchange.client.text,
                host: Self.cut(request.head.authority, to: Self.hostLimit), method: request.method.rawValue,
                useragent: Self.cut(request.headers[.userAgent], to: Self.userAgentLimit)),
            actor: RegistryEvent.Actor(name: exchange.actor),
            source: RegistryEvent.Source(
                addr: exchange.context.channel.localAddress.map(ClientAddress.hostAndPort) ?? "",
                instanceID: instance))
        for endpoint in endpoints { endpoint.add(event) }
    }

    /// Bytes of the headers that an event repeats: a client may send up to 64 KiB. The longest host has 253 bytes, and up
    /// to 8 for brackets and port.
    private static let hostLimit = 261
    private static let userAgentLimit = 256

    private static func cut(_ text: String?, to limit: Int) -> String {
        String(decoding: (text ?? "").utf8.prefix(limit), as: UTF8.self)
    }
}

/// Events in the order in which they happened. An endpoint that is away for long misses the oldest ones of the clients that
/// cause the most.
private struct WaitingEvents {
    private static let countLimit = 10_000
    /// Bytes.
    private static let weightLimit = 8 << 20

    private var events: [RegistryEvent] = []
    private var weight = 0

    var first: RegistryEvent? { events.first }
    var count: Int { events.count }

    /// - Returns: whether that was too much: then a tenth is removed, so that it happens seldom.
    mutating func append(_ event: RegistryEvent) -> Bool {
        var event = event
        // One large manifest must not cost others their events.
        if event.weight > Self.weightLimit / 128 { event.target.references = nil }
        events.append(event)
        weight += event.weight
        guard events.count > Self.countLimit || weight > Self.weightLimit, events.count > 1 else { return false }
        makeRoom()
        return true
    }

    private mutating func makeRoom() {
        var shares = Dictionary(grouping: events.indices.dropLast()) { events[$0].client }.mapValues { indices in
            (rest: indices[...], weight: indices.reduce(0) { $0 + events[$1].weight })
        }
        var removed: Set<Int> = []
        var rest = weight
        while events.count - removed.count > Self.countLimit / 10 * 9 || rest > Self.weightLimit / 10 * 9 {
            guard let client = shares.max(by: { $0.value.weight < $1.value.weight })?.key,
                let oldest = shares[client]?.rest.popFirst()
            else { break }
            removed.insert(oldest)
            shares[client]?.weight -= events[oldest].weight
            rest -= events[oldest].weight
        }
        events = events.indices.filter { !removed.contains($0) }.map { events[$0] }
        weight = rest
    }

    mutating func removeFirst(_ count: Int) {
        weight -= events.prefix(count).reduce(0) { $0 + $1.weight }
        events.removeFirst(count)
    }
}

/// What one endpoint has not been told yet.
private final class EndpointQueue: Sendable {
    private let endpoint: ServerConfiguration.Notifications.Endpoint
    private let metrics: ServerMetrics
    private let logger: Logger
    private let waiting = Mutex(WaitingEvents())
    private let arrived = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(_ endpoint: ServerConfiguration.Notifications.Endpoint, metrics: ServerMetrics, logger: Logger) {
        self.endpoint = endpoint
        self.metrics = metrics
        self.logger = logger
    }

    func add(_ event: RegistryEvent) {
        guard !endpoint.ignoredActions.contains(event.action.rawValue),
            !endpoint.ignoredMediaTypes.contains(event.target.mediaType ?? "")
        else { return }
        metrics.notification(.events, of: endpoint.name)
        let isFull = waiting.withLock { waiting in
            defer { metrics.pendingNotifications(waiting.count, of: endpoint.name) }
            return waiting.append(event)
        }
        if isFull { logger.error("notifications: \(endpoint.name) does not keep up, its oldest events are dropped") }
        arrived.continuation.yield()
    }

    func run() async {
        await cancelWhenGracefulShutdown { [self] in
            var failures = 0
            for await _ in arrived.stream {
                while let event = waiting.withLock({ $0.first }) {
                    do {
                        try await send(event)
                        failures = 0
                        waiting.withLock { waiting in
                            if waiting.first?.id == event.id { waiting.removeFirst(1) }
                            metrics.pendingNotifications(waiting.count, of: endpoint.name)
                        }
                    } catch {
                        if Task.isCancelled { return }
                        failures += 1
                        logger.warning(
                            "notifications: \(endpoint.name) was not told of \(event.action.rawValue): \(error)")
                        let pause = failures < endpoint.threshold ? .milliseconds(100) : endpoint.backoff
                        guard (try? await Task.sleep(for: pause)) != nil else { return }
                    }
                }
            }
        }
        let rest = waiting.withLock(\.count)
        if rest > 0 { logger.warning("notifications: \(endpoint.name) was not told of the last \(rest) events") }
    }

    private struct Refusal: Error, CustomStringConvertible {
        let status: Int
        var description: String { "it answered \(status)" }
    }

    private func send(_ event: RegistryEvent) async throws {
        var headers = HTTPHeaders()
        for (name, values) in endpoint.headers { for value in values { headers.add(name: name, value: value) } }
        headers.replaceOrAdd(name: "content-type", value: RegistryEvent.Envelope.mediaType)
        let body = try Document.encode(RegistryEvent.Envelope(events: [event]))
        let status: Int
        do {
            status = try await AskedPlace.status(.POST, endpoint.url, headers, body: body, timeout: endpoint.timeout)
        } catch {
            metrics.notification(.errors, of: endpoint.name)
            throw error
        }
        let isTaken = (200..<400).contains(status)
        metrics.notification(isTaken ? .successes : .failures, of: endpoint.name, status: status)
        guard isTaken else { throw Refusal(status: status) }
    }
}
