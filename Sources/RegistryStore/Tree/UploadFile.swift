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
    /// What changes when the bytes change: a hash of them is good only as long as it stays.
    func stamp() throws -> FileStamp
    /// What has arrived, and what is still going to, by offset.
    func reader() throws -> OpenFile
    /// Makes all of it last through a power cut.
    func flush() throws
    /// Gives the bytes their final name; `remove` has to follow.
    func move(to file: String) throws
    /// Deletes the upload, with what belongs to it.
    func remove() throws
    /// Gives the lock back.
    func close()
}

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
    private let area: StagingArea
    private let descriptor: Int32
    private var isOpen = true
    private var pace = WritePace()

    /// - Parameter descriptor: of its data, and closed with it.
    init(_ directory: String, _ area: StagingArea, _ descriptor: Int32) throws {
        self.directory = directory
        self.area = area
        self.descriptor = descriptor
        size = 0
        guard try tryLock(descriptor, LOCK_EX, path) else { throw UploadBusy() }
        size = try stamp().size
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

    func stamp() throws -> FileStamp { try FileStamp(of: descriptor, path: path) }
    func reader() throws -> OpenFile { try OpenFile(sharing: descriptor, path: path) }

    func flush() throws {
        try pace.end(at: size, in: descriptor, path: path)
        try systemCall("sync", path) { fsync(descriptor) }
    }

    func move(to file: String) throws {
        // It becomes a blob like the others, which everybody may read who may read the store.
        try area.ownership.apply(toNewFile: descriptor, path: path)
        try area.adopt(data, as: file)
    }

    func remove() throws { try area.root.removeTree(directory) }
}
