import ByteStreams
import ImageModel
import Synchronization

/// Blobs of a stream that were written to the destination before it was known what they are for.
///
/// Each waits, without a final name, until the archive's documents tell: then it is committed, or packed
/// anew from what was written where the guess was wrong, or dropped.
final class StagedBlobs: Sendable {
    struct Entry {
        /// What was read, and what it became on the guess.
        var move: BlobMove
        var result: Descriptor
        var writer: any BlobWriter
        /// A destination that writes a stream of its own cannot wait.
        var isCommitted: Bool
    }

    /// Guards the writers in it: each is taken out before it is used.
    private struct Table: @unchecked Sendable {
        var entries: [Digest: Entry] = [:]
    }

    private let table = Mutex(Table())

    /// Takes a member in, gzipping it if it looks like a layer that will be wanted so.
    ///
    /// - Returns: the digest of the member's own bytes.
    func accept(
        _ blob: StreamedBlob, choice: CompressionChoice, level: Int?, into destination: any ImageDestination,
        progress: Progress, stop: StopFlag
    ) throws -> Digest {
        let compression = blob.isPlainTar ? choice.change(of: .ociLayer) : nil
        let metered = MeteredSource(blob.content, progress: progress, stop: stop)
        let raw = HashingSource(metered, algorithm: blob.digest?.algorithm ?? .sha256)
        let packed: any ByteSource =
            switch compression {
            case nil, .some(.none): raw
            case .gzip: GzipSource(raw, level: level)
            case .zstd: ZstdSource(raw, level: level)
            }
        let out = compression == nil ? raw : HashingSource(packed)
        let isKept = compression == nil
        let writer = try destination.writer(
            for: BlobTarget(digest: isKept ? blob.digest : nil, size: isKept ? blob.size : nil, repository: ""))
        do {
            try out.pump(into: writer)
            let digest = raw.digest()
            if let claimed = blob.digest, claimed != digest {
                throw TransferError.damaged("\(blob.title) claims \(claimed), but its bytes are \(digest)")
            }
            let mediaType = isKept ? MediaType("") : MediaType.layer(compression ?? .none, in: .oci) ?? .ociLayer
            let source = Descriptor(mediaType: .ociLayer, digest: digest, size: raw.count)
            let result = Descriptor(mediaType: mediaType, digest: out.digest(), size: out.count)
            try writer.flush()
            let commitsNow = destination.traits.concurrentBlobs == 1
            if commitsNow { try writer.commit(result.digest) }
            let entry = Entry(
                move: BlobMove(blob: source, compression: compression), result: result, writer: writer,
                isCommitted: commitsNow)
            let replaced = table.withLock { table in
                let old = table.entries[digest]
                table.entries[digest] = entry
                return old.map { Handover($0) }
            }
            replaced?.value.writer.cancel()
            return digest
        } catch {
            writer.cancel()
            throw error
        }
    }

    func take(_ digest: Digest) -> Entry? {
        table.withLock { table in table.entries.removeValue(forKey: digest).map { Handover($0) } }?.value
    }

    /// Drops what nobody wanted.
    func cancelAll() {
        let rest = table.withLock { table in
            let rest = table.entries
            table.entries = [:]
            return Handover(rest)
        }
        for entry in rest.value.values where !entry.isCommitted { entry.writer.cancel() }
    }
}
