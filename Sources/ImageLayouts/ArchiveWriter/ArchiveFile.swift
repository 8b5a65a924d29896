import ByteStreams
import ImageModel
import ImageTransfer

/// A document of an archive that is being written. It may be large, and is made anew whenever it is written.
struct ArchiveFile {
    let path: String
    /// Bytes.
    let size: Int64
    private let body: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void

    init(_ path: String, _ bytes: [UInt8]) {
        self.path = path
        size = Int64(bytes.count)
        body = { sink in try bytes.withUnsafeBytes(sink) }
    }

    /// A list, which is measured here.
    ///
    /// - Throws: `ImageError` if it is larger than what is read.
    init(_ path: String, list: @escaping (inout DocumentWriter) throws -> Void) throws {
        func write(to sink: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
            try DocumentWriter.write(name: path, to: sink, list)
        }
        var size = 0
        try withoutActuallyEscaping({ size += $0.count }) { try write(to: $0) }
        self.path = path
        self.size = Int64(size)
        body = write
    }

    func write(to sink: any ByteSink) throws { try body { try sink.write($0) } }

    /// What identifies its bytes.
    func record() throws -> BlobRecord {
        var hasher = DigestHasher(.sha256)
        try withoutActuallyEscaping({ hasher.update($0) }) { try body($0) }
        return BlobRecord(digest: hasher.finalize(), size: size)
    }
}
