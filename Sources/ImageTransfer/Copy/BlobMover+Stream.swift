import ByteStreams
import ImageModel

extension BlobMover {
    /// A blob that is wanted of a stream, and the repositories that it goes from and to.
    struct Wanted: Sendable {
        var move: BlobMove
        var from: String?
        var into: String
    }

    /// Moves blobs of a source that is read from front to back, in the order in which they lie there, and leaves
    /// them with `staged`. What is missing there afterwards is moved by itself: documents, which the source has
    /// kept, and what the destination lost.
    ///
    /// - Throws: what stopped it; with `keepGoing`, what is wrong with a single blob is left for whoever takes it.
    func collect(_ wanted: [Wanted], of stream: any StreamedSource) async throws {
        var errands: [Digest: Errand] = [:]
        for item in wanted where errands[item.move.blob.digest] == nil {
            if let adopted = try await adopted(item.move, from: item.from, into: item.into) {
                staged.keep(.success(adopted), for: item.move.key)
            } else {
                errands[item.move.blob.digest] = try await errand(item.move, into: item.into)
            }
        }
        if destination.traits.needsSizeFirst, errands.values.contains(where: { $0.move.compression != nil }) {
            let unmeasured = errands.filter { $0.value.move.compression != nil }
            for (digest, target) in try await run(unmeasured, over: stream, measured) {
                errands[digest]?.target = target
            }
        }
        _ = try await run(errands, over: stream) { errand, bytes, stop in
            let moved: Result<MovedBlob, any Error>
            do {
                moved = .success(try carry(errand, bytes, stop: stop))
            } catch is BlobLost {
                return
            } catch {
                guard options.keepGoing, !(error is CancellationError), destination.isIntact else { throw error }
                moved = .failure(error)
            }
            staged.keep(moved, for: errand.move.key)
        }
    }

    /// - Returns: what `body` made of each errand whose blob came by.
    private func run<T: Sendable>(
        _ errands: [Digest: Errand], over stream: any StreamedSource,
        _ body: @Sendable @escaping (Errand, any ByteSource, StopFlag) throws -> T
    ) async throws -> [Digest: T] {
        guard !errands.isEmpty else { return [:] }
        return try await Workers.blobs.run(stoppable: { stop in
            var results: [Digest: T] = [:]
            try stream.drain { blob in
                guard let digest = blob.digest else { throw TransferError.refused("\(blob.title) has no digest") }
                if let errand = errands[digest], results[digest] == nil {
                    results[digest] = try body(errand, blob.content, stop)
                }
                return digest
            }
            return results
        })
    }
}
