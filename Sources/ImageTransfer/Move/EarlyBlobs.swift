import ByteStreams
import ImageModel
import Synchronization

/// Blobs of a stream that were brought to the destination before anybody asked for them.
///
/// Of what comes once, each waits without a final name until the archive's documents tell what it is for: then it
/// is committed, or packed anew from what was written where the guess was wrong, or dropped. Of what comes in
/// order, only those are here that the plan wants, in the form that it wants.
final class EarlyBlobs: Sendable {
    struct Entry {
        /// What was read, and what it became on the guess.
        var job: BlobJob
        var result: Descriptor
        var writer: any BlobWriter
        /// A destination that writes a stream of its own cannot wait.
        var isCommitted: Bool
        /// Of a compressed member, where somebody may want to know.
        var diffID: Result<Digest, any Error>?
    }

    /// Guards the writers in it: each is taken out before it is used.
    private struct Table: @unchecked Sendable {
        var entries: [Digest: Entry] = [:]
        var moved: [BlobJob.Key: Result<MovedBlob, any Error>] = [:]
    }

    private let table = Mutex(Table())

    /// Takes a member in, gzipping it if it looks like a layer that will be wanted so.
    ///
    /// - Returns: the digest of the member's own bytes.
    func accept(
        _ blob: StreamedBlob, of stream: any StreamedSource, options: CopyOptions,
        into destination: any ImageDestination, progress: Progress, stop: StopFlag
    ) throws -> Digest {
        let choice = options.compression(from: stream, to: destination)
        let compression = blob.isPlainTar ? choice.change(of: .ociLayer) : nil
        let metered = MeteredSource(blob.content, progress: progress, stop: stop)
        let algorithm = blob.digest?.algorithm ?? .sha256
        if let claimed = blob.digest, table.withLock({ $0.entries[claimed] != nil }) {
            let known = HashingSource(metered, algorithm: algorithm)
            _ = try known.drain()
            return try Self.checked(known.digest(), blob)
        }
        let raw: any Hashed
        let out: any Hashed
        let bytes: any ByteSource
        switch compression {
        case .gzip:
            let (input, output) = (LaneHasher(algorithm), LaneHasher())
            bytes = GzipCompressor(metered, level: options.level, hashingInput: input, output: output)
            (raw, out) = (input, output)
        case .zstd:
            let input = HashingSource(metered, algorithm: algorithm)
            let output = HashingSource(ZstdCompressor(input, level: options.level))
            (raw, out, bytes) = (input, output, output)
        case nil, .some(.none):
            let hashing = HashingSource(metered, algorithm: algorithm)
            (raw, out, bytes) = (hashing, hashing, hashing)
        }
        let isKept = compression == nil
        let writer = try destination.writer(
            for: BlobTarget(digest: isKept ? blob.digest : nil, size: isKept ? blob.size : nil, repository: ""))
        do {
            var diffID: Result<Digest, any Error>?
            if stream is any HoldsRawLayers, blob.compression == .gzip || blob.compression == .zstd {
                diffID = try DiffIDCheck.pump(
                    bytes, format: blob.compression, into: writer, limit: options.inflation, title: blob.title)
            } else {
                try bytes.pump(into: writer)
            }
            let digest = try Self.checked(raw.digest(), blob)
            let mediaType = isKept ? MediaType("") : MediaType.layer(compression ?? .none, in: .oci) ?? .ociLayer
            let source = Descriptor(mediaType: .ociLayer, digest: digest, size: raw.count)
            let result = Descriptor(mediaType: mediaType, digest: out.digest(), size: out.count)
            // The same member again, under a name that does not tell.
            if table.withLock({ $0.entries[digest] != nil }) {
                writer.cancel()
                return digest
            }
            try writer.flush()
            let commitsNow = destination.traits.blobs != .anyOrder
            if commitsNow { try writer.commit(result.digest) }
            let entry = Handover(
                Entry(
                    job: BlobJob(blob: source, compression: compression), result: result, writer: writer,
                    isCommitted: commitsNow, diffID: diffID))
            table.withLock { $0.entries[digest] = entry.value }
            return digest
        } catch {
            writer.cancel()
            throw error
        }
    }

    private static func checked(_ digest: Digest, _ blob: StreamedBlob) throws -> Digest {
        guard blob.digest == nil || blob.digest == digest else {
            throw ImageError.damaged("\(blob.title) claims \(blob.digest!), but its bytes are \(digest)")
        }
        return digest
    }

    func take(_ digest: Digest) -> Handover<Entry>? {
        table.withLock { table in table.entries.removeValue(forKey: digest).map { Handover($0) } }
    }

    /// Gives back what was taken and not used.
    func putBack(_ entry: Handover<Entry>) { table.withLock { $0.entries[entry.value.job.blob.digest] = entry.value } }

    func keep(_ moved: Result<MovedBlob, any Error>, for key: BlobJob.Key) {
        table.withLock { $0.moved[key] = moved }
    }

    func takeMoved(_ key: BlobJob.Key) -> Result<MovedBlob, any Error>? {
        table.withLock { $0.moved.removeValue(forKey: key) }
    }

    /// Drops what nobody wanted.
    func cancelAll() {
        let rest = table.withLock { table in
            let rest = table
            table = Table()
            return Handover(rest)
        }
        for entry in rest.value.entries.values where !entry.isCommitted { entry.writer.cancel() }
        for case .success(let moved) in rest.value.moved.values { moved.cancel() }
    }
}
