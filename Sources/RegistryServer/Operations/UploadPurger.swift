import ByteStreams
import Logging
import RegistryStore
import ServiceLifecycle

/// Takes away, at regular intervals, uploads that nobody finished.
struct UploadPurger: Service {
    let configuration: ServerConfiguration.Purging
    let store: Store
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // Not all registries over one store at the same moment.
            let first = min(configuration.interval, .seconds(Int.random(in: 0..<3600)))
            logger.info("upload purge begins in \(first.components.seconds / 60)m")
            var wait = first
            while (try? await Task.sleep(for: wait)) != nil {
                wait = configuration.interval
                do {
                    let purge = try await Workers.blobs.run {
                        try store.purgeUploads(olderThan: configuration.age, dryRun: configuration.isDryRun)
                    }
                    for upload in purge.purged {
                        logger.info(
                            "upload \(upload) \(configuration.isDryRun ? "would be purged" : "purged")")
                    }
                    for problem in purge.problems { logger.error("\(problem)") }
                } catch {
                    logger.error("upload purge: \(error)")
                }
            }
        }
    }
}
