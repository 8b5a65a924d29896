import ByteStreams
import ImageModel
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import RegistryClient
import ServiceLifecycle
import Synchronization

/// Looks at regular intervals whether the registry can work. While something has failed too often in a row,
/// requests are answered with 503.
final class HealthMonitor: Service {
    private let configuration: ServerConfiguration.Health
    private let content: any RegistryContent
    private let logger: Logger
    /// What fails, by check.
    private let failures = Mutex<[String: String]>([:])

    init(_ configuration: ServerConfiguration.Health, content: any RegistryContent, logger: Logger) {
        self.configuration = configuration
        self.content = content
        self.logger = logger
    }

    /// What is wrong, by check; empty while all is well.
    var status: [String: String] { failures.withLock { $0 } }

    var isFailing: Bool { failures.withLock { !$0.isEmpty } }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            if configuration.checksStorage {
                group.addTask { [self] in
                    await watch(
                        "storagedriver_filesystem", every: configuration.storageInterval,
                        threshold: configuration.storageThreshold
                    ) { try await self.content.check() }
                }
            }
            for check in configuration.checks {
                group.addTask { [self] in
                    await watch(check.target.title, every: check.interval, threshold: check.threshold) {
                        try await Self.check(check.target)
                    }
                }
            }
            // Without checks there is nothing to do but to wait for the end.
            group.addTask { try? await gracefulShutdown() }
            try await group.waitForAll()
        }
    }

    private func watch(
        _ name: String, every interval: Duration, threshold: Int,
        _ check: @escaping @Sendable () async throws -> Void
    ) async {
        await cancelWhenGracefulShutdown {
            var count = 0
            repeat {
                do {
                    try await check()
                    count = 0
                    let wasFailing = self.failures.withLock { $0.removeValue(forKey: name) != nil }
                    if wasFailing { self.logger.info("health check \(name) succeeds again") }
                } catch is CancellationError {
                    return
                } catch {
                    count += 1
                    guard count >= threshold else { continue }
                    let isNew = self.failures.withLock { $0.updateValue("\(error)", forKey: name) == nil }
                    if isNew { self.logger.error("health check \(name) fails: \(error)") }
                }
            } while (try? await Task.sleep(for: interval)) != nil
        }
    }

    private struct Failure: Error, CustomStringConvertible { let description: String }

    private static func check(_ target: ServerConfiguration.Health.Check.Target) async throws {
        switch target {
        case .file(let path):
            if try await Workers.blobs.run({ try fileKind(path) != nil }) {
                throw Failure(description: "the file \(path) exists")
            }
        case .http(let url, let status, let headers, let timeout):
            let answer = try await AskedPlace.status(
                .HEAD, url, HTTPHeaders(headers.map { ($0.name, $0.value) }), timeout: timeout)
            guard answer == status else { throw Failure(description: "it answered \(answer), not \(status)") }
        case .tcp(let address, let timeout):
            guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]) else {
                throw Failure(description: "'\(address)': invalid address; expected HOST:PORT")
            }
            do {
                let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connectTimeout(TimeAmount(timeout)).connect(host: String(address[..<colon]), port: port).get()
                try await channel.close()
            } catch  where !(error is CancellationError) {
                throw Failure(description: NetworkFailure.reason(error))
            }
        }
    }
}

extension ServerConfiguration.Health.Check.Target {
    fileprivate var title: String {
        switch self {
        case .file(let path): path
        case .http(let url, _, _, _): String(PrintableURL.value(url).prefix { $0 != "?" && $0 != "#" })
        case .tcp(let address, _): address
        }
    }
}
