import ImageModel

/// Tells what a copy would do.
struct DryRun {
    private let context: CopyContext
    private var moved: Set<BlobJob.Key> = []
    private var foreseen: Set<ManifestPlace> = []

    /// Where a manifest is counted once.
    private struct ManifestPlace: Hashable {
        var digest: Digest
        var repository: String
    }

    init(_ context: CopyContext) { self.context = context }

    mutating func foresee(_ jobs: [ImageJob], _ report: inout CopyReport) async throws {
        for job in jobs {
            do {
                let entry = try await foresee(job)
                report.images.append(entry)
                context.progress.tell(.image(entry))
            } catch {
                try context.note(error, of: job.plan, in: &report)
            }
        }
    }

    private mutating func foresee(_ job: ImageJob) async throws -> CopyReport.Image {
        guard job.missing.isEmpty else { throw MissingBlobs(context).error([job]) }
        var entry = job.entry(.copied)
        for (blob, decision) in job.blobs {
            var guess = blob.guess
            if case .there(let descriptor) = decision { guess = descriptor }
            if case .move = decision, moved.insert(blob.key).inserted {
                entry.bytesMoved = entry.bytesMoved.addingSaturated(max(0, guess.size))
            } else {
                entry.bytesSkipped = entry.bytesSkipped.addingSaturated(max(0, guess.size))
            }
        }
        let forecast = try job.forecast()
        let (destination, repository) = (context.destination, job.plan.name.repository)
        for manifest in forecast.manifests {
            let place = ManifestPlace(
                digest: manifest.digest, repository: destination.traits.isOneRepository ? "" : repository)
            guard try await !destination.has(manifest: manifest.digest, in: repository),
                foreseen.insert(place).inserted
            else { continue }
            entry.bytesMoved = entry.bytesMoved.addingSaturated(manifest.size)
        }
        entry.estimate = forecast.estimate
        entry.kept = job.plan.keepsDigests
        if forecast.estimate == nil { entry.descriptor = forecast.root }
        job.note(tag: &entry)
        return entry
    }
}
