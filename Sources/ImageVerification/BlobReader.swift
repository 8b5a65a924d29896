import ByteStreams
import ImageModel
import ImageTransfer

/// Reads the blobs of a place, each once, several at a time.
struct BlobReader: Sendable {
    let place: any VerifiedPlace
    let options: VerifyOptions
    let journal: VerifyJournal
    let progress: Progress

    struct Task: Sendable {
        var blob: Descriptor
        var repository: String?
        /// Of a layer, whose tar matters: how configs say what it holds. Empty for everything else.
        var diffIDs: Set<Digest.Algorithm> = []
        /// No manifest says that it has more; nil where it does not matter.
        var mostBytes: Int64?
    }

    /// - Parameter streamed: what was found while a stream went by.
    func read(_ tasks: [Task], streamed: [Digest: BlobState]) async throws -> [Digest: BlobState] {
        var states = streamed
        // The largest first: none of them is left alone at the end.
        let rest = tasks.filter { states[$0.blob.digest] == nil }.sorted {
            ($0.blob.size, $0.blob.digest) > ($1.blob.size, $1.blob.digest)
        }
        for task in rest { progress.plan(max(0, task.blob.size)) }
        let jobs = options.jobs ?? (place.isRemote ? 6 : Workers.coreCount)
        let found = try await rest.mapConcurrently(limit: jobs) { try await read($0) }
        for (task, state) in zip(rest, found) { states[task.blob.digest] = state }
        return states
    }

    private func read(_ task: Task) async throws -> BlobState {
        try Swift.Task.checkCancellation()
        let (digest, title) = (task.blob.digest, "\(place.title): \(task.blob.digest)")
        let stamp: String?
        let source: Handover<any ByteSource>
        do {
            stamp = try await place.stamp(of: task.blob, in: task.repository)
            if let known = journal.state(of: digest, stamp: stamp, diffIDs: task.diffIDs) {
                progress.move(max(0, task.blob.size))
                return known
            }
            source = Handover(try await place.storedBlob(task.blob, in: task.repository))
        } catch {
            return try BlobState.failure(error)
        }
        let state = try await Workers.blobs.run(stoppable: { stop in
            try BlobState.read(
                MeteredSource(source.value, progress: progress, stop: stop), as: digest, diffIDs: task.diffIDs,
                mostBytes: task.mostBytes, inflation: options.inflation, title: title)
        })
        if case .damaged = state, await isSignedManifest(task) { return .sound(size: task.blob.size, tar: nil) }
        // Of a file that changed while it was read nobody knows what was read.
        if try await place.stamp(of: task.blob, in: task.repository) == stamp {
            try journal.add(digest, stamp: stamp, state)
        }
        return state
    }

    /// A schema1 manifest that nothing refers to any more: it goes by what its signatures sign.
    private func isSignedManifest(_ task: Task) async -> Bool {
        guard task.blob.size <= Int64(Document.sizeLimit) else { return false }
        let manifest = try? await place.storedManifest(task.blob, in: task.repository)
        return manifest?.mediaType.isSchema1 == true
    }

    /// Reads an archive from front to back.
    ///
    /// - Returns: what its blobs are, by the digests that they go by.
    func drain(_ stream: any StreamedSource) async throws -> [Digest: BlobState] {
        try await Workers.blobs.run(stoppable: { stop in
            var states: [Digest: BlobState] = [:]
            try stream.drain { blob in
                let algorithm = blob.digest?.algorithm ?? .sha256
                let bytes = HashingSource(
                    MeteredSource(blob.content, progress: progress, stop: stop), algorithm: algorithm)
                // Whose layer it is comes later, if it is one, and how its config says what it holds.
                let tar =
                    options.isDeep || stream is any HoldsRawLayers
                    ? try BlobState.layer(
                        bytes, diffIDs: [.sha256], inflation: options.inflation, title: blob.title) : nil
                _ = try bytes.drain()
                let found = bytes.digest()
                states[found] = .sound(size: bytes.count, tar: tar)
                if let claimed = blob.digest, claimed != found {
                    states[claimed] = .damaged("its digest is \(found), and it has \(bytes.count) bytes")
                }
                return found
            }
            return states
        })
    }
}
