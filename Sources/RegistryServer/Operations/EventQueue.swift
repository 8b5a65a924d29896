import AsyncHTTPClient
import ByteStreams
import HTTPTypes
import Hummingbird
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

    init(_ configuration: ServerConfiguration.Notifications, logger: Logger) {
        self.configuration = configuration
        endpoints = configuration.endpoints.filter { !$0.isDisabled }.map { EndpointQueue($0, logger: logger) }
    }

    func run() async throws {
        await withDiscardingTaskGroup { group in
            for endpoint in endpoints { group.addTask { await endpoint.run() } }
            group.addTask { try? await gracefulShutdown() }
        }
    }

    func add(_ action: RegistryEvent.Action, blob: Digest, size: Int64?, in repository: String, _ exchange: Exchange) {
        guard !endpoints.isEmpty else { return }
        add(
            action,
            RegistryEvent.Target(
                mediaType: "application/octet-stream", digest: blob.description, size: size, length: size,
                repository: repository, url: exchange.address.url("/v2/\(repository)/blobs/\(blob)")), exchange)
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
                id: uniqueName(), addr: exchange.context.clientAddress, host: request.head.authority ?? "",
                method: request.method.rawValue, useragent: request.headers[.userAgent] ?? ""),
            actor: RegistryEvent.Actor(name: exchange.actor),
            source: RegistryEvent.Source(
                addr: exchange.context.channel.localAddress.map { "\($0.ipAddress ?? ""):\($0.port ?? 0)" } ?? "",
                instanceID: instance))
        for endpoint in endpoints { endpoint.add(event) }
    }
}

/// What one endpoint has not been told yet.
private final class EndpointQueue: Sendable {
    private let endpoint: ServerConfiguration.Notifications.Endpoint
    private let logger: Logger
    private let waiting = Mutex<[RegistryEvent]>([])
    private let arrived = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// An endpoint that is away for long misses the oldest events.
    private static let limit = 10_000

    init(_ endpoint: ServerConfiguration.Notifications.Endpoint, logger: Logger) {
        self.endpoint = endpoint
        self.logger = logger
    }

    func add(_ event: RegistryEvent) {
        guard !endpoint.ignoredActions.contains(event.action.rawValue),
            !endpoint.ignoredMediaTypes.contains(event.target.mediaType ?? "")
        else { return }
        let isFull = waiting.withLock { waiting in
            waiting.append(event)
            guard waiting.count > Self.limit else { return false }
            waiting.removeFirst(Self.limit / 10)
            return true
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
                        waiting.withLock { if $0.first?.id == event.id { $0.removeFirst() } }
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
        var request = HTTPClientRequest(url: endpoint.url)
        request.method = .POST
        for (name, values) in endpoint.headers { for value in values { request.headers.add(name: name, value: value) } }
        request.headers.replaceOrAdd(name: "content-type", value: RegistryEvent.Envelope.mediaType)
        request.body = .bytes(try Document.encode(RegistryEvent.Envelope(events: [event])))
        let response = try await HTTPClient.shared.execute(request, timeout: TimeAmount(endpoint.timeout))
        guard (200..<400).contains(response.status.code) else { throw Refusal(status: Int(response.status.code)) }
    }
}
