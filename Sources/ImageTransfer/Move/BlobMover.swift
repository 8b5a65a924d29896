import ByteStreams
import ImageModel

/// Moves single blobs from a source into a destination.
struct BlobMover: Sendable {
    let source: any ImageSource
    let destination: any ImageDestination
    let staged: EarlyBlobs
    let options: CopyOptions
    let progress: Progress

    /// A blob that is about to move, and what is known before its first byte.
    struct PreparedBlob: Sendable {
        let job: BlobJob
        var target: BlobTarget
        /// Of a layer that stays compressed, where nothing but its diffID vouches for it.
        let expectedDiffID: Digest?
        let title: String
    }

    /// - Parameters:
    ///   - from: the repository in the source.
    ///   - into: the repository at the destination.
    /// - Returns: what the blob is at the destination: type, digest and size.
    func move(_ job: BlobJob, from: String?, into: String) async throws -> MovedBlob {
        if let moved = staged.takeMoved(job.key) { return try moved.get() }
        if let mounted = try await mounted(job, from: from, into: into) { return mounted }
        var prepared = try await prepare(job, into: into)
        if let entry = staged.take(job.blob.digest) { return try await settle(entry, prepared) }
        if job.compression != nil, destination.traits.blobs == .sizeFirst { try await measure(&prepared, from: from) }
        while true {
            let final = prepared
            let bytes = Handover(try await bytes(of: job.blob, from: from))
            do {
                return try await Workers.blobs.run(stoppable: { try carry(final, bytes.value, stop: $0) })
            } catch let lost as BlobLost {
                guard source.access != .once else { throw lost }
                if lost.needsDigest, prepared.target.digest == nil { try await measure(&prepared, from: from) }
            }
        }
    }

    private func bytes(of blob: Descriptor, from repository: String?) async throws -> any ByteSource {
        if let base = options.bases.first(where: { $0.has(blob) }),
            try await source.findAbsence(of: blob, in: repository) != nil
        {
            return try await base.part(blob)
        }
        return try await source.part(blob, in: repository)
    }

    /// A blob that the destination has in another repository.
    func mounted(_ job: BlobJob, from: String?, into: String) async throws -> MovedBlob? {
        guard job.compression == nil, let place = destination as? any MountsBlobs,
            try await place.mount(job.blob, from: source, in: from, into: into)
        else { return nil }
        return MovedBlob(job.blob.plain)
    }

    func prepare(_ job: BlobJob, into: String) async throws -> PreparedBlob {
        let isKept = job.compression == nil
        let kind = job.blob.mediaType.layerCompression == nil ? "blob" : "layer"
        return PreparedBlob(
            job: job,
            target: BlobTarget(
                digest: isKept ? job.blob.digest : nil, size: isKept && job.blob.size >= 0 ? job.blob.size : nil,
                repository: into, source: job.blob.digest),
            expectedDiffID: isKept ? try await source.findExpectedDiffID(of: job.blob.digest) : nil,
            title: "\(source.fileTitle(of: job.blob.digest)): \(kind) \(job.blob.digest)")
    }

    private func pipe(_ prepared: PreparedBlob, _ bytes: any ByteSource, _ stop: StopFlag) throws -> BlobPipe {
        try BlobPipe(
            prepared.job, bytes: MeteredSource(bytes, progress: progress, stop: stop), title: prepared.title,
            level: options.level, inflation: options.inflation)
    }

    /// Brings the bytes to the destination, where they wait for their name.
    func carry(_ prepared: PreparedBlob, _ bytes: any ByteSource, stop: StopFlag) throws -> MovedBlob {
        let pipe = try pipe(prepared, bytes, stop)
        let writer = try destination.writer(for: prepared.target)
        do {
            if let expected = prepared.expectedDiffID {
                let output = PeekingSource(pipe.output)
                let format = CompressionFormat.sniff(try output.peek(6))
                let found = try DiffIDCheck.pump(
                    output, format: format, into: writer, limit: options.inflation, title: prepared.title)
                try DiffIDCheck.compare(found, with: expected, title: prepared.title)
            } else {
                try pipe.output.pump(into: writer)
            }
            let result = try pipe.finish()
            try writer.flush()
            // A destination that takes one blob after another cannot leave one open.
            guard destination.traits.blobs != .anyOrder || destination.traits.commitsBlobsAtOnce else {
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
    func measured(_ prepared: PreparedBlob, _ bytes: any ByteSource, stop: StopFlag) throws -> BlobTarget {
        let pipe = try pipe(prepared, bytes, stop)
        _ = try pipe.output.drain()
        let result = try pipe.finish()
        var target = prepared.target
        target.digest = result.digest
        target.size = result.size
        return target
    }

    private func measure(_ prepared: inout PreparedBlob, from: String?) async throws {
        let bytes = Handover(try await bytes(of: prepared.job.blob, from: from))
        prepared.target = try await Workers.blobs.run(stoppable: { [prepared] stop in
            try measured(prepared, bytes.value, stop: stop)
        })
    }

    /// Whether a blob that came by in a stream is what an image says of it.
    private func check(_ entry: EarlyBlobs.Entry, _ prepared: PreparedBlob) throws {
        let (job, title) = (prepared.job, prepared.title)
        if entry.job.blob.size != job.blob.size, job.blob.size >= 0 {
            throw ImageError.damaged(
                "\(title) has \(entry.job.blob.size) bytes, its descriptor says \(job.blob.size)")
        }
        if let expected = prepared.expectedDiffID, let found = entry.diffID {
            try DiffIDCheck.compare(found, with: expected, title: title)
        }
        if let diffID = job.diffID, entry.job.compression != nil, diffID != job.blob.digest,
            diffID.algorithm == job.blob.digest.algorithm
        {
            throw ImageError.damaged("\(title): the config gives it the diffID \(diffID)")
        }
    }

    /// The bytes of a blob that came by in a stream, as they were there.
    private func bytes(of entry: EarlyBlobs.Entry, title: String) throws -> any ByteSource {
        let written = try entry.writer.written()
        guard let format = entry.job.compression?.streamFormat else { return written }
        return try InflatingSource(written, format: format, limit: options.inflation, name: title)
    }

    /// Makes one more form of a blob that came by in a stream, which stays there for another one.
    func makeForm(_ prepared: PreparedBlob) async throws -> MovedBlob? {
        guard let staged = staged.take(prepared.job.blob.digest) else { return nil }
        defer { self.staged.putBack(staged) }
        return try await Workers.blobs.run(stoppable: { stop in
            try check(staged.value, prepared)
            return try carry(prepared, bytes(of: staged.value, title: prepared.title), stop: stop)
        })
    }

    /// Gives a blob that came by in a stream its final form and name.
    private func settle(_ staged: Handover<EarlyBlobs.Entry>, _ prepared: PreparedBlob) async throws -> MovedBlob {
        try await Workers.blobs.run(stoppable: { stop in
            let (entry, job) = (staged.value, prepared.job)
            do {
                try check(entry, prepared)
            } catch {
                // Another image may be right about it.
                self.staged.putBack(staged)
                throw error
            }
            do {
                let isVerified =
                    job.compression == nil || job.diffID.map { $0.algorithm == job.blob.digest.algorithm } ?? true
                if entry.job.compression == job.compression, isVerified {
                    var result = entry.result
                    if let compression = job.compression {
                        let family = job.blob.mediaType.manifestFamilyOfLayer
                        result.mediaType = .layer(compression, in: family) ?? result.mediaType
                    } else {
                        result = job.blob.plain
                    }
                    return entry.isCommitted
                        ? MovedBlob(result)
                        : MovedBlob(result, entry.writer, isOfUseAlone: destination.traits.keepsLooseBlobs)
                }
                let result = try carry(prepared, bytes(of: entry, title: prepared.title), stop: stop)
                entry.writer.cancel()
                return result
            } catch {
                entry.writer.cancel()
                throw error
            }
        })
    }
}
