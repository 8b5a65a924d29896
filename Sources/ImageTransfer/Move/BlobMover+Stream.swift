import ByteStreams
import ImageModel

extension BlobMover {
    /// A blob that is wanted of a stream, and the repositories that it goes from and into.
    struct RoutedJob: Sendable {
        var job: BlobJob
        var from: String?
        var into: String
    }

    /// Moves blobs of a source that is read from front to back, in the order in which they lie there, and leaves
    /// them with `staged`. What is missing there afterwards is moved by itself: documents, which the source has
    /// kept, and what the destination lost.
    ///
    /// - Throws: what stopped it; with `keepGoing`, what is wrong with a single blob is left for whoever takes it.
    func collect(_ wanted: [RoutedJob], of stream: any StreamedSource) async throws {
        var wantedBlobs: [Digest: PreparedBlob] = [:]
        for item in wanted where wantedBlobs[item.job.blob.digest] == nil {
            if let mounted = try await mounted(item.job, from: item.from, into: item.into) {
                staged.keep(.success(mounted), for: item.job.key)
            } else {
                wantedBlobs[item.job.blob.digest] = try await prepare(item.job, into: item.into)
            }
        }
        if destination.traits.blobs == .sizeFirst, wantedBlobs.values.contains(where: { $0.job.compression != nil }) {
            let unmeasured = wantedBlobs.filter { $0.value.job.compression != nil }
            for (digest, target) in try await run(unmeasured, over: stream, measured) {
                wantedBlobs[digest]?.target = target
            }
        }
        _ = try await run(wantedBlobs, over: stream) { prepared, bytes, stop in
            let moved: Result<MovedBlob, any Error>
            do {
                moved = .success(try carry(prepared, bytes, stop: stop))
            } catch is BlobLost {
                return
            } catch {
                guard options.keepGoing, !(error is CancellationError), destination.takesMore else { throw error }
                moved = .failure(error)
            }
            staged.keep(moved, for: prepared.job.key)
        }
    }

    /// Makes all forms but one of each blob that came by in a stream and is wanted in several. The last one is made when
    /// it is moved, of what then is no longer needed.
    func makeForms(_ wanted: [RoutedJob]) async throws {
        for (_, forms) in Dictionary(grouping: wanted, by: \.job.blob.digest) where forms.count > 1 {
            for item in forms.dropLast() {
                do {
                    guard let moved = try await makeForm(prepare(item.job, into: item.into)) else { continue }
                    staged.keep(.success(moved), for: item.job.key)
                } catch  where options.keepGoing && !(error is CancellationError) {
                    staged.keep(.failure(error), for: item.job.key)
                }
            }
        }
    }

    /// - Returns: what `body` made of each blob that blob came by.
    private func run<T: Sendable>(
        _ wantedBlobs: [Digest: PreparedBlob], over stream: any StreamedSource,
        _ body: @Sendable @escaping (PreparedBlob, any ByteSource, StopFlag) throws -> T
    ) async throws -> [Digest: T] {
        guard !wantedBlobs.isEmpty else { return [:] }
        return try await Workers.blobs.run(stoppable: { stop in
            var results: [Digest: T] = [:]
            try stream.drain { blob in
                guard let digest = blob.digest else { throw ImageError.refused("\(blob.title) has no digest") }
                if let prepared = wantedBlobs[digest], results[digest] == nil {
                    results[digest] = try body(prepared, blob.content, stop)
                }
                return digest
            }
            return results
        })
    }
}
