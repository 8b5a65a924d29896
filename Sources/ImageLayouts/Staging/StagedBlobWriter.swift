import ByteStreams
import ImageModel
import ImageTransfer

/// A blob that becomes a file of its own.
final class StagedBlobWriter: BlobWriter {
    private let file: StagedFile
    private let area: StagingArea
    private let place: (Digest) throws -> String

    /// - Parameter place: the final path of a blob.
    init(in area: StagingArea, place: @escaping (Digest) throws -> String) throws {
        self.area = area
        self.place = place
        file = try area.makeFile()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try file.write(bytes) }

    func written() throws -> any ByteSource { try file.written() }

    func flush() throws { try file.flush() }

    func commit(_ digest: Digest) throws {
        let path = try place(digest)
        if try fileSize(path) == file.count {
            file.cancel()
            return
        }
        try makeDirectories(parent(of: path), ownership: area.ownership)
        try file.commit(to: path)
    }

    func cancel() { file.cancel() }
}
