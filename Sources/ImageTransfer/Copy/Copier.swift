import ByteStreams
import ImageModel

/// Copies images from anywhere to anywhere: the one way through.
///
/// It plans (names, the graph below each image, what changes its form), then moves the blobs that the
/// destination has not got, several at a time and each once, then puts manifests child-first, then names. Only what
/// comes once has to be taken in before there can be a plan.
package struct Copier: Sendable {
    private let options: CopyOptions
    private let progress: Progress

    package init(options: CopyOptions = CopyOptions(), progress: Progress = Progress()) {
        self.options = options
        self.progress = progress
    }

    /// - Throws: what stopped it; with `keepGoing`, failures of single images are in the report instead.
    @concurrent
    package func copy(
        _ selections: [CopySelection], to destination: any ImageDestination
    ) async throws -> CopyReport {
        let staged = EarlyBlobs()
        defer { staged.cancelAll() }
        do {
            if try await keepsFile(destination) { return CopyReport(isDryRun: options.dryRun) }
            var readable: [CopySelection] = []
            var failures: [CopyReport.Failure] = []
            for selection in selections {
                do {
                    if let stream = selection.source as? any StreamedSource, stream.access == .once {
                        try await drain(stream, into: destination, staged)
                    }
                    readable.append(selection)
                } catch  where !(error is CancellationError) {
                    let failure = CopyReport.Failure(source: selection.retryReference, error: error)
                    guard options.keepGoing else {
                        progress.tell(.failure(failure))
                        throw error
                    }
                    failures.append(failure)
                }
            }
            let report = try await CopyRun(CopyContext(options, progress, to: destination), staged)
                .copy(readable, failures: failures)
            guard !options.dryRun else { return report }
            guard !report.images.isEmpty else {
                staged.cancelAll()
                await destination.abandon()
                return report
            }
            (destination as? any ListsAllImages)?.leaveOut(report.failures)
            try await destination.finish()
            if report.bytesMoved > 0 { for advice in await destination.advice() { progress.remark(advice) } }
            return report
        } catch {
            staged.cancelAll()
            let isIntact = destination.takesMore
            await destination.abandon()
            guard isIntact else {
                throw ImageError.damaged(
                    "\(error); \(destination.title) breaks off in the middle of a blob, without the end of the archive")
            }
            throw error
        }
    }

    /// Whether the destination is a file that exists and is to stay as it is.
    private func keepsFile(_ destination: any ImageDestination) async throws -> Bool {
        let mayReplace = options.onExistingFile == .overwrite
        guard let place = destination as? any ReplacesFile,
            let file = try await place.existingFile(mayReplace: mayReplace), !mayReplace
        else { return false }
        guard options.onExistingFile == .skip else {
            throw ImageError.refused(
                "\(file): the file exists and would be replaced"
                    + options.names.advice(\.onExisting) { "pass \($0) overwrite to replace it, or skip to keep it" })
        }
        progress.remark("\(file): the file exists; skipped")
        return true
    }

    private func drain(
        _ stream: any StreamedSource, into destination: any ImageDestination, _ staged: EarlyBlobs
    ) async throws {
        if !destination.sharesBlobs, destination.requestedName == nil {
            throw ImageError.refused(
                "\(stream.title) tells its images' names only at its end, and \(destination.title) has to know the "
                    + "repository before the first byte: name it, as docker://\(destination.title)/REPOSITORY, or put the "
                    + "archive into a file")
        }
        if destination.traits.blobs == .sizeFirst, options.compression(from: stream, to: destination) != .keep {
            throw ImageError.refused(
                "layers of \(stream.title) would be packed on their way, and \(destination.title) has to know the result's "
                    + "size before its first byte; write to a file, or read from one"
                    + options.names.advice(\.compression) { "or pass \($0) keep" })
        }
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
                    blob, of: stream, options: options, into: destination, progress: progress, stop: stop)
            }
        })
    }
}
