package import ByteStreams
package import ImageModel
import ImageTransfer
import Synchronization

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

    package func write(_ bytes: UnsafeRawBufferPointer) throws { try file.write(bytes) }

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

/// A staging area that is made when it is needed first: a place that is only looked at is not written to.
package final class LazyStagingArea: Sendable {
    private let root: LazyDirectory
    private let quarantine: Quarantine?
    private let patience: Duration?
    private let opened = Mutex<StagingArea?>(nil)

    /// - Parameters:
    ///   - root: is made with it.
    ///   - patience: as for `DirectoryLock`.
    package init(_ root: LazyDirectory, quarantine: Quarantine? = nil, patience: Duration? = nil) {
        self.root = root
        self.quarantine = quarantine
        self.patience = patience
    }

    package func area() throws -> StagingArea {
        try opened.withLock { opened in
            if let opened { return opened }
            let new = try StagingArea(root.made(), quarantine: quarantine, patience: patience)
            opened = new
            return new
        }
    }

    /// Gives it up; the next who needs one makes it anew.
    package func close() { opened.withLock { $0 = nil } }
}
