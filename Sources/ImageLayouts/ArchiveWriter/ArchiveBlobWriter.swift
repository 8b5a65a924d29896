import ByteStreams
import ImageModel
import ImageTransfer
import TarArchive

/// A blob as a member of the archive that is being written.
///
/// Where digest and size are known, the header goes first; else room is left for it, and it is written when
/// they are, which a stream does not allow.
final class ArchiveBlobWriter: BlobWriter {
    private let output: ArchiveOutput
    private let target: BlobTarget
    private let start: Int64
    private let headerSize: Int64
    private let onCommit: (Digest) -> Void
    private var count: Int64 = 0
    private var isDone = false

    init(_ output: ArchiveOutput, target: BlobTarget, onCommit: @escaping (Digest) -> Void) throws {
        self.output = output
        self.target = target
        self.onCommit = onCommit
        start = output.position
        if let digest = target.digest, let size = target.size {
            let header = TarFormat.header(path: OCIPaths.blob(digest), size: size, isDirectory: false)
            headerSize = Int64(header.count)
            try output.write(header)
        } else {
            headerSize = Int64(TarFormat.blockSize)
            try output.write([UInt8](repeating: 0, count: TarFormat.blockSize))
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        count += Int64(bytes.count)
        try output.write(bytes)
    }

    func written() throws -> any ByteSource {
        try output.written(from: start + headerSize, length: count)
    }

    /// The archive is made to last as a whole.
    func flush() {}

    func commit(_ digest: Digest) throws {
        try output.write(TarFormat.padding(after: count))
        if target.digest == nil || target.size == nil {
            try output.patch(at: start, TarFormat.header(path: OCIPaths.blob(digest), size: count, isDirectory: false))
        }
        isDone = true
        onCommit(digest)
    }

    func cancel() {
        guard !isDone else { return }
        isDone = true
        // A failure here leaves a file that is thrown away, or ends in the middle of a stream.
        try? output.forget(from: start, to: start + headerSize + count)
    }
}
