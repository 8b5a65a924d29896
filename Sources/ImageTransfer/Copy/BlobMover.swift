import ByteStreams
import ImageModel

/// Moves single blobs from a source into a destination.
struct BlobMover: Sendable {
    let source: any ImageSource
    let destination: any ImageDestination
    let staged: StagedBlobs
    let options: CopyOptions
    let progress: Progress

    /// One blob's way, and what is known before its first byte.
    struct Errand: Sendable {
        let move: BlobMove
        var target: BlobTarget
        /// Of a layer that stays compressed, where nothing but its diffID vouches for it.
        let expectedDiffID: Digest?
        let title: String
    }

    /// - Parameters:
    ///   - from: the repository in the source.
    ///   - into: the repository at the destination.
    /// - Returns: what the blob is at the destination: type, digest and size.
    func move(_ move: BlobMove, from: String?, into: String) async throws -> MovedBlob {
        if let moved = staged.takeMoved(move.key) { return try moved.get() }
        if let adopted = try await adopted(move, from: from, into: into) { return adopted }
        var errand = try await errand(move, into: into)
        if let entry = staged.take(move.blob.digest) { return try await settle(Handover(entry), errand) }
        if move.compression != nil, destination.traits.needsSizeFirst { try await measure(&errand, from: from) }
        while true {
            let final = errand
            let bytes = Handover(try await bytes(of: move.blob, from: from))
            do {
                return try await Workers.blobs.run(stoppable: { try carry(final, bytes.value, stop: $0) })
            } catch let lost as BlobLost {
                guard source.access != .once else { throw lost }
                if lost.needsDigest, errand.target.digest == nil { try await measure(&errand, from: from) }
            }
        }
    }

    private func bytes(of blob: Descriptor, from repository: String?) async throws -> any ByteSource {
        if let base = options.bases.first(where: { $0.has(blob) }),
            try await source.absence(of: blob, in: repository) != nil
        {
            return try await base.part(blob)
        }
        return try await source.part(blob, in: repository)
    }

    /// What the destination can take over from where it is already.
    func adopted(_ move: BlobMove, from: String?, into: String) async throws -> MovedBlob? {
        guard move.compression == nil, try await destination.adopt(move.blob, from: source, in: from, into: into)
        else { return nil }
        return MovedBlob(move.blob.plain)
    }

    func errand(_ move: BlobMove, into: String) async throws -> Errand {
        let isKept = move.compression == nil
        let kind = move.blob.mediaType.layerCompression == nil ? "blob" : "layer"
        return Errand(
            move: move,
            target: BlobTarget(
                digest: isKept ? move.blob.digest : nil, size: isKept && move.blob.size >= 0 ? move.blob.size : nil,
                repository: into, source: move.blob.digest),
            expectedDiffID: isKept ? try await source.expectedDiffID(of: move.blob.digest) : nil,
            title: "\(source.title(of: move.blob.digest)): \(kind) \(move.blob.digest)")
    }

    private func pipe(_ errand: Errand, _ bytes: any ByteSource, _ stop: StopFlag) throws -> BlobPipe {
        try BlobPipe(
            errand.move, bytes: MeteredSource(bytes, progress: progress, stop: stop), title: errand.title,
            level: options.level, inflation: options.inflation)
    }

    /// Brings the bytes to the destination, where they wait for their name.
    func carry(_ errand: Errand, _ bytes: any ByteSource, stop: StopFlag) throws -> MovedBlob {
        let pipe = try pipe(errand, bytes, stop)
        let writer = try destination.writer(for: errand.target)
        do {
            if let expected = errand.expectedDiffID {
                let output = PeekingSource(pipe.output)
                let format = CompressionFormat.sniff(try output.peek(6))
                let found = try DiffIDCheck.pump(
                    output, format: format, into: writer, limit: options.inflation, title: errand.title)
                try DiffIDCheck.compare(found, with: expected, title: errand.title)
            } else {
                try pipe.output.pump(into: writer)
            }
            let result = try pipe.finish()
            try writer.flush()
            // A destination that takes one blob after another cannot leave one open.
            guard destination.traits.concurrentBlobs == 1 || destination.traits.commitsBlobsAtOnce else {
                return MovedBlob(result, writer, isOfUseAlone: destination.traits.keepsLooseBlobs)
            }
            try writer.commit(result.digest)
            return MovedBlob(result)
        } catch {
            writer.cancel()
            throw error
        }
    }

    /// Packs the blob to nowhere, for a destination that has to know the result's size before its bytes.
    func measured(_ errand: Errand, _ bytes: any ByteSource, stop: StopFlag) throws -> BlobTarget {
        let pipe = try pipe(errand, bytes, stop)
        _ = try pipe.output.drain()
        let result = try pipe.finish()
        var target = errand.target
        target.digest = result.digest
        target.size = result.size
        return target
    }

    private func measure(_ errand: inout Errand, from: String?) async throws {
        let bytes = Handover(try await bytes(of: errand.move.blob, from: from))
        errand.target = try await Workers.blobs.run(stoppable: { [errand] stop in
            try measured(errand, bytes.value, stop: stop)
        })
    }

    /// Gives a blob that came by in a stream its final form and name.
    private func settle(_ staged: Handover<StagedBlobs.Entry>, _ errand: Errand) async throws -> MovedBlob {
        try await Workers.blobs.run(stoppable: { stop in
            let (entry, move, title) = (staged.value, errand.move, errand.title)
            do {
                if entry.move.blob.size != move.blob.size, move.blob.size >= 0 {
                    throw TransferError.damaged(
                        "\(title) has \(entry.move.blob.size) bytes, its descriptor says \(move.blob.size)")
                }
                if let expected = errand.expectedDiffID, let found = entry.diffID {
                    try DiffIDCheck.compare(found, with: expected, title: title)
                }
                if entry.move.compression == move.compression {
                    if let diffID = move.diffID, move.compression != nil, diffID != move.blob.digest {
                        throw TransferError.damaged("\(title): the config gives it the diffID \(diffID)")
                    }
                    var result = entry.result
                    if let compression = move.compression {
                        let family = move.blob.mediaType.manifestFamilyOfLayer
                        result.mediaType = .layer(compression, in: family) ?? result.mediaType
                    } else {
                        result = move.blob.plain
                    }
                    return entry.isCommitted
                        ? MovedBlob(result)
                        : MovedBlob(result, entry.writer, isOfUseAlone: destination.traits.keepsLooseBlobs)
                }
                var bytes = try entry.writer.written()
                if let format = entry.move.compression?.streamFormat {
                    bytes = try InflatingSource(bytes, format: format, limit: options.inflation, name: title)
                }
                let result = try carry(errand, bytes, stop: stop)
                entry.writer.cancel()
                return result
            } catch {
                entry.writer.cancel()
                throw error
            }
        })
    }
}
