package import ByteStreams
import FileTrees
import Glibc
import ImageModel

/// The bytes of an upload that have arrived. Whoever holds one of these holds the upload's lock. Used by one thread at a
/// time.
package protocol UploadFile: AnyObject {
    /// Bytes that have arrived.
    var size: Int64 { get }
    func append(_ bytes: UnsafeRawBufferPointer) throws
    /// Makes what was appended last until somebody goes on with the upload.
    func pause() throws
    /// What changes when the bytes change: a hash of them is good only as long as it stays.
    func stamp() throws -> UploadStamp
    /// The bytes that have arrived, from the first.
    ///
    /// - Throws: `UploadChanged`.
    func source() throws -> any ByteSource
    /// What has arrived, and what is still going to, by offset.
    func reader() throws -> OpenFile
    /// Gives the bytes their final name, unless they are there already, and runs `link`, with no garbage collection in
    /// between; `remove` has to follow.
    ///
    /// - Parameter file: the path, which other bytes cannot have.
    /// - Throws: `UploadChanged`.
    func publish(at file: String, link: () throws -> Void) throws
    /// Finds out anew where the upload stands.
    func refresh() throws
    /// Deletes the upload, with what belongs to it.
    func remove() throws
    /// Gives the lock back.
    func close()
}

/// A state of an upload.
package struct UploadStamp: Hashable, Sendable {
    /// Bytes.
    var size: Int64
    var text: String
}

/// Another process went on with an upload, so that what is known of it, its hash among that, counts no more.
struct UploadChanged: Error {}

/// Somebody else is writing to an upload.
package struct UploadBusy: Error {
    package init() {}
}

/// An upload in a store's directory.
///
/// ```
/// _uploads/<uuid>/data         what has arrived; nobody can read it, or lock it, who may not write in the store
/// _uploads/<uuid>/startedat    when it began: RFC 3339, in UTC
/// ```
final class UploadInDirectory: UploadFile {
    private(set) var size: Int64
    private let directory: String
    private let tree: StoreDirectory
    private let area: StagingArea
    private let descriptor: Int32
    private var isOpen = true
    private var pace = WritePace()

    /// - Parameter descriptor: of its data, and closed with it.
    init(_ directory: String, _ tree: StoreDirectory, _ area: StagingArea, _ descriptor: Int32) throws {
        self.directory = directory
        self.tree = tree
        self.area = area
        self.descriptor = descriptor
        size = 0
        guard try tryLock(descriptor, LOCK_EX, path) else { throw UploadBusy() }
        size = try FileStamp(of: descriptor, path: path).size
    }

    private var data: String { "\(directory)/data" }
    private var path: String { "\(area.root.path)/\(data)" }

    deinit { close() }

    func close() {
        guard isOpen else { return }
        isOpen = false
        // Where it fails, a little of the disk stays taken until the upload goes on, or goes.
        try? pace.end(at: size, in: descriptor, path: path)
        // For those who go on reading, too: they have copies of the descriptor.
        flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        try writeAll(bytes, to: descriptor, at: size, path: path)
        size += Int64(bytes.count)
        pace.advance(to: size, in: descriptor)
    }

    func pause() {}
    func refresh() {}

    func stamp() throws -> UploadStamp {
        // Giving back what was reserved beyond the end changes the file.
        try pace.end(at: size, in: descriptor, path: path)
        let stamp = try FileStamp(of: descriptor, path: path)
        return UploadStamp(size: stamp.size, text: stamp.text)
    }

    /// Whether nobody has removed it meanwhile.
    func isThere() throws -> Bool { try FileStamp(of: descriptor, path: path).isLinked }

    func source() throws -> any ByteSource { FileSource(try reader(), length: size) }
    func reader() throws -> OpenFile { try OpenFile(sharing: descriptor, path: path) }

    private func flush() throws {
        try pace.end(at: size, in: descriptor, path: path)
        try systemCall("sync", path) { fsync(descriptor) }
    }

    func publish(at file: String, link: () throws -> Void) throws {
        // The slow part needs no lock.
        let isNew = try tree.size(of: file) != size
        if isNew { try flush() }
        try tree.whileUsing {
            if try tree.keep(file) != size {
                // It may have been collected in between.
                if !isNew { try flush() }
                try move(to: file)
            }
            try link()
        }
    }

    private func move(to file: String) throws {
        // It becomes a blob like the others, which everybody may read who may read the store.
        try area.ownership.apply(toNewFile: descriptor, path: path)
        try area.adopt(data, as: file)
    }

    func remove() throws { try area.root.removeTree(directory) }
}
