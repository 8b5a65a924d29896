import ByteStreams
import ImageModel

/// Moves single blobs from a source into a destination.
struct BlobMover: Sendable {
    let source: any ImageSource
    let destination: any ImageDestination
    let staged: StagedBlobs
    let options: CopyOptions
    let progress: Progress

    /// How often a blob is sent from its start.
    private static let mostLosses = 20

    /// - Parameters:
    ///   - from: the repository in the source.
    ///   - into: the repository at the destination.
    /// - Returns: what the blob is at the destination: type, digest and size.
    func move(_ move: BlobMove, from: String?, into: String) async throws -> MovedBlob {
        let title =
            "\(source.title): \(move.blob.mediaType.layerCompression == nil ? "blob" : "layer") \(move.blob.digest)"
        if move.compression == nil, try await destination.adopt(move.blob, from: source, in: from, into: into) {
            return MovedBlob(move.blob.plain, nil)
        }
        if let entry = staged.take(move.blob.digest) {
            return try await settle(Handover(entry), move, into: into, title: title)
        }
        let expected = move.compression == nil ? try await source.expectedDiffID(of: move.blob.digest) : nil
        var target = BlobTarget(
            digest: move.blob.digest, size: move.blob.size < 0 ? nil : move.blob.size, repository: into)
        if move.compression != nil {
            target.digest = nil
            target.size = nil
            if destination.traits.needsSizeFirst { try await measure(move, from: from, title: title, into: &target) }
        }
        var losses = 0
        while true {
            let final = target
            let bytes = Handover(try await source.blob(move.blob, in: from))
            do {
                return try await Workers.blobs.run(stoppable: { stop in
                    let metered = MeteredSource(bytes.value, progress: progress, stop: stop)
                    let pipe = try BlobPipe(
                        move, bytes: metered, title: title, level: options.level, inflation: options.inflation)
                    return try write(pipe, move, target: final, expectedDiffID: expected, title: title)
                })
            } catch let lost as BlobLost {
                losses += 1
                guard losses < Self.mostLosses, (source as? any StreamedSource)?.comesOnce != true else { throw lost }
                if lost.needsDigest, target.digest == nil {
                    try await measure(move, from: from, title: title, into: &target)
                }
            }
        }
    }

    private func write(
        _ pipe: BlobPipe, _ move: BlobMove, target: BlobTarget, expectedDiffID: Digest?, title: String
    ) throws -> MovedBlob {
        let writer = try destination.writer(for: target)
        do {
            if let expectedDiffID {
                try pumpChecking(pipe.output, into: writer, diffID: expectedDiffID, title: title)
            } else {
                try pipe.output.pump(into: writer)
            }
            let result = try pipe.finish()
            try writer.flush()
            return try moved(result, writer)
        } catch {
            writer.cancel()
            throw error
        }
    }

    /// A destination that takes one blob after another cannot leave one open.
    private func moved(_ result: Descriptor, _ writer: any BlobWriter) throws -> MovedBlob {
        guard destination.traits.concurrentBlobs == 1 else { return MovedBlob(result, writer) }
        try writer.commit(result.digest)
        return MovedBlob(result, nil)
    }

    /// Stores compressed bytes as they are, and inflates them on the side to see that they are the layer
    /// that the config speaks of.
    private func pumpChecking(
        _ bytes: any ByteSource, into writer: any BlobWriter, diffID: Digest, title: String
    ) throws {
        let tee = PeekingSource(TeeSource(bytes, into: writer))
        let format = try tee.peek(6).withUnsafeBytes { CompressionFormat.sniff($0) }
        let inflated = try InflatingSource(tee, format: format, limit: options.inflation, name: title)
        _ = try VerifyingSource(inflated, digest: diffID, size: nil, name: "\(title), inflated,").drain()
        _ = try tee.drain()
    }

    /// Packs the blob to nowhere, for a destination that has to know the result's size before its bytes.
    private func measure(
        _ move: BlobMove, from: String?, title: String, into target: inout BlobTarget
    ) async throws {
        let bytes = Handover(try await source.blob(move.blob, in: from))
        let measured = try await Workers.blobs.run(stoppable: { stop in
            let metered = MeteredSource(bytes.value, progress: progress, stop: stop)
            let pipe = try BlobPipe(
                move, bytes: metered, title: title, level: options.level, inflation: options.inflation)
            _ = try pipe.output.drain()
            return try pipe.finish()
        })
        target.digest = measured.digest
        target.size = measured.size
    }

    /// Gives a blob that came by in a stream its final form and name.
    private func settle(
        _ staged: Handover<StagedBlobs.Entry>, _ move: BlobMove, into: String, title: String
    ) async throws -> MovedBlob {
        try await Workers.blobs.run(stoppable: { stop in
            let entry = staged.value
            do {
                if entry.move.blob.size != move.blob.size, move.blob.size >= 0 {
                    throw TransferError.damaged(
                        "\(title) has \(entry.move.blob.size) bytes, its descriptor says \(move.blob.size)")
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
                    return MovedBlob(result, entry.isCommitted ? nil : entry.writer)
                }
                guard !entry.isCommitted else {
                    throw TransferError.refused(
                        "\(title) was packed on its way before its role was known, and \(destination.title) cannot "
                            + "take it back: put the archive into a file first")
                }
                var bytes = try entry.writer.written()
                if let format = entry.move.compression?.streamFormat {
                    bytes = try InflatingSource(bytes, format: format, limit: options.inflation, name: title)
                }
                let pipe = try BlobPipe(
                    move, bytes: MeteredSource(bytes, progress: progress, stop: stop), title: title,
                    level: options.level, inflation: options.inflation)
                let isKept = move.compression == nil
                let target = BlobTarget(
                    digest: isKept ? move.blob.digest : nil, size: isKept ? move.blob.size : nil, repository: into)
                let result = try write(pipe, move, target: target, expectedDiffID: nil, title: title)
                entry.writer.cancel()
                return result
            } catch {
                entry.writer.cancel()
                throw error
            }
        })
    }
}

/// Writes what is read from it.
private final class TeeSource: ByteSource {
    private let upstream: any ByteSource
    private let sink: any ByteSink

    init(_ upstream: any ByteSource, into sink: any ByteSink) {
        self.upstream = upstream
        self.sink = sink
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = try upstream.read(into: buffer)
        if count > 0 { try sink.write(UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
        return count
    }
}
