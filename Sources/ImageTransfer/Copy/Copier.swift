import ByteStreams
import ImageModel

/// Copies images from anywhere to anywhere: the one way through.
///
/// It plans (names, the graph below each image, what changes its form), then moves the blobs that the
/// destination has not got, several at a time and each once, then puts manifests child-first, then names.
public struct Copier: Sendable {
    private let options: CopyOptions
    private let progress: Progress

    public init(options: CopyOptions = CopyOptions(), progress: Progress = Progress()) {
        self.options = options
        self.progress = progress
    }

    /// - Throws: what stopped it; with `keepGoing`, failures of single images are in the report instead.
    @concurrent
    public func copy(
        _ selections: [CopySelection], to destination: any ImageDestination
    ) async throws -> CopyReport {
        let staged = StagedBlobs()
        defer { staged.cancelAll() }
        do {
            for selection in selections {
                guard let stream = selection.source as? any StreamedSource, stream.comesOnce else { continue }
                try await drain(stream, into: destination, staged)
            }
            let plan = try await Planner(options: options, progress: progress, destination: destination).plan(
                selections)
            let transfer = Transfer(
                options: options, progress: progress, destination: destination, staged: staged)
            let report = try await transfer.run(plan)
            if !options.dryRun { try await destination.finish() }
            return report
        } catch {
            staged.cancelAll()
            await destination.abandon()
            throw error
        }
    }

    private func drain(
        _ stream: any StreamedSource, into destination: any ImageDestination, _ staged: StagedBlobs
    ) async throws {
        if destination.traits.needsRepositoryFirst, destination.requestedName == nil {
            throw TransferError.refused(
                "\(stream.title) tells its images' names only at its end, and \(destination.title) has to know the "
                    + "repository before the first byte: name it, as docker://\(destination.title)/REPOSITORY, or give an "
                    + "archive that is a file and not compressed")
        }
        let choice = options.compression(from: stream, to: destination)
        try await Workers.blobs.run(stoppable: { stop in
            try stream.drain { blob in
                if options.dryRun {
                    let hashing = HashingSource(
                        MeteredSource(blob.content, progress: progress, stop: stop),
                        algorithm: blob.digest?.algorithm ?? .sha256)
                    _ = try hashing.drain()
                    return hashing.digest()
                }
                return try staged.accept(
                    blob, choice: choice, level: options.level, into: destination, progress: progress, stop: stop)
            }
        })
    }
}

extension CopyOptions {
    /// What becomes of layers between these two when nobody says.
    func compression(from source: any ImageSource, to destination: any ImageDestination) -> CompressionChoice {
        if let compression { return compression }
        return destination.traits.keepsRawLayers ? .keep : source.defaultCompression
    }
}
