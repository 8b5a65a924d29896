import ByteStreams
package import ImageModel
import ImageTransfer

/// A blob that becomes a file of its own.
package final class StagedBlobWriter: BlobWriter {
    private let file: StagedFile
    private let area: StagingArea
    private let replaces: Bool
    private let place: (Digest) throws -> String

    /// - Parameters:
    ///   - replaces: whether a file of the same size is put aside, too: it is damaged.
    ///   - place: the final path of a blob, below the root.
    package init(in area: StagingArea, replaces: Bool, place: @escaping (Digest) throws -> String) throws {
        self.area = area
        self.replaces = replaces
        self.place = place
        file = try area.makeFile()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try file.write(bytes) }

    func written() throws -> any ByteSource { try file.written() }

    func flush() throws { try file.flush() }

    func commit(_ digest: Digest) throws {
        let path = try place(digest)
        if try !replaces && area.root.size(path) == file.count {
            file.cancel()
            return
        }
        try area.commit(file, to: path)
    }

    func cancel() { file.cancel() }
}
