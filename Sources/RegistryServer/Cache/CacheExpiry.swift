import ByteStreams
import Logging
import RegistryStore
import ServiceLifecycle

/// Lets go, once an hour, of what a cache fetched longer ago than it is to keep it; garbage collection then
/// frees the bytes. What is asked for again is fetched again.
struct CacheExpiry: Service {
    let lifetime: Duration
    let store: Store
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: min(.seconds(3600), lifetime))) != nil {
                do {
                    let count = try await Workers.commits.run { try store.forgetCached(olderThan: lifetime) }
                    guard count > 0 else { continue }
                    var options = CollectionOptions()
                    options.graceTime = lifetime
                    let report = try await store.tree.collect(options)
                    logger.info("cache: \(count) links expired, \(report.bytes) bytes freed")
                } catch {
                    logger.error("cache: \(error)")
                }
            }
        }
    }
}
