import ByteStreams
import ImageModel
import ImageTransfer
import TarArchive

/// A blob as a member of the archive that is being written, or as several, where it is larger than a volume.
///
/// Where digest and size are known, the header goes first; else room is left for it, and it is written when
/// they are, which a stream does not allow.
final class ArchiveBlobWriter: BlobWriter {
    private let volumes: ArchiveVolumes
    private let target: BlobTarget
    private let headerSize: Int64
    private let isWanted: (BlobRecord) -> Bool
    private var pieces: [Piece] = []
    private var isDone = false

    /// What of the blob lies in one volume.
    private struct Piece {
        let volume: Int
        let start: Int64
        var count: Int64 = 0
    }

    /// - Parameter isWanted: is told what was written; what is not wanted is forgotten.
    init(_ volumes: ArchiveVolumes, target: BlobTarget, isWanted: @escaping (BlobRecord) -> Bool) throws {
        self.volumes = volumes
        self.target = target
        self.isWanted = isWanted
        let path = OCIPaths.blob(target.digest ?? Digest(of: []))
        headerSize = Int64(TarFormat.header(path: path, size: 0, isDirectory: false).count)
        let whole = target.size.map { headerSize + TarFormat.padded($0) }
        if let whole, whole > volumes.room, whole <= volumes.largest { try volumes.startNext() }
        try startPiece(target.digest.flatMap { digest in target.size.map { (digest, $0) } })
    }

    private func startPiece(_ known: (digest: Digest, size: Int64)?) throws {
        if volumes.room <= headerSize { try volumes.startNext() }
        let output = volumes.output
        pieces.append(Piece(volume: volumes.count - 1, start: output.position))
        if let known {
            try output.write(
                TarFormat.header(path: OCIPaths.blob(known.digest), size: known.size, isDirectory: false))
        } else {
            try output.write([UInt8](repeating: 0, count: Int(headerSize)))
        }
    }

    private var count: Int64 { pieces.reduce(0) { $0 + $1.count } }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            if volumes.room == 0 { try goOn() }
            let count = Int(min(Int64(rest.count), volumes.room))
            try volumes.output.write(UnsafeRawBufferPointer(rebasing: rest[..<count]))
            pieces[pieces.count - 1].count += Int64(count)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// The volume is full. What began in the middle of it may fit into the next as a whole, as far as that can be
    /// known.
    private func goOn() throws {
        let first = pieces[0]
        guard pieces.count == 1, target.size == nil, first.start > volumes.firstOffset else {
            try volumes.startNext()
            return try startPiece(nil)
        }
        let full = volumes.output
        try volumes.startNext()
        pieces = []
        try startPiece(nil)
        try full.written(from: first.start + headerSize, length: first.count).pump(into: volumes.output)
        pieces[0].count = first.count
        try full.forget(from: first.start, to: full.position)
    }

    func written() throws -> any ByteSource {
        ConcatenatedSource(
            try pieces.map { piece in
                try volumes.output(piece.volume).written(from: piece.start + headerSize, length: piece.count)
            })
    }

    /// The archive is made to last as a whole.
    func flush() {}

    func commit(_ digest: Digest) throws {
        guard !isDone else { return }
        guard isWanted(BlobRecord(digest: digest, size: count)) else { return try forget() }
        try volumes.output.write(TarFormat.padding(after: pieces[pieces.count - 1].count))
        isDone = true
        if pieces.count == 1 {
            if target.digest == nil || target.size == nil { try patch(pieces[0], OCIPaths.blob(digest)) }
            volumes.note(BlobRecord(digest: digest, size: count), in: pieces[0].volume)
            return
        }
        var offset: Int64 = 0
        for piece in pieces {
            try patch(piece, VolumePaths.part(digest, at: offset))
            let bytes = HashingSource(
                try volumes.output(piece.volume).written(from: piece.start + headerSize, length: piece.count))
            _ = try bytes.drain()
            volumes.note(
                PackingList.Part(blob: digest, offset: offset, digest: bytes.digest(), size: piece.count),
                in: piece.volume)
            offset += piece.count
        }
    }

    private func patch(_ piece: Piece, _ path: String) throws {
        try volumes.output(piece.volume).patch(
            at: piece.start, TarFormat.header(path: path, size: piece.count, isDirectory: false))
    }

    func cancel() {
        guard !isDone else { return }
        // A failure here leaves a file that is thrown away, or ends in the middle of a stream.
        try? forget()
    }

    private func forget() throws {
        isDone = true
        guard let first = pieces.first, let last = pieces.last else { return }
        volumes.drop(after: first.volume)
        let output = volumes.output(first.volume)
        // Of one that goes on elsewhere, everything behind its start is its own.
        let end = last.volume == first.volume ? first.start + headerSize + first.count : output.position
        try output.forget(from: first.start, to: end)
    }
}
