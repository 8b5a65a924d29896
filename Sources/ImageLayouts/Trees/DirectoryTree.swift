package import ByteStreams
import Glibc
import ImageModel
import ImageTransfer
import Synchronization

/// A directory. A link inside it may lead anywhere below its root, and nowhere else.
///
/// One directory in it may be a link to elsewhere: the blobs of a layout, which several layouts may share, and which
/// are verified by their names whoever wrote them.
package final class DirectoryTree: FileTree {
    package let path: String
    private let root: ReadDirectory
    /// Where it is below the root; empty for the whole.
    private let place: String
    /// What `blobs` in it says if it leads to the root's; nil for a tree that has blobs of its own.
    private let blobsLink: String?
    private let hasRootsBlobs = Mutex<Bool?>(nil)

    private init(_ path: String, _ root: ReadDirectory, _ place: String = "", blobsLink: String? = nil) {
        self.path = path
        self.root = root
        self.place = place
        self.blobsLink = blobsLink
    }

    /// - Parameter shared: the directory that may be elsewhere.
    package convenience init(_ path: String, shared: String? = nil) {
        self.init(path, ReadDirectory(path, shared: shared))
    }

    /// One that is open, and stays so.
    convenience init(_ handle: DirectoryHandle) { self.init(handle.path, ReadDirectory(handle)) }

    /// A directory in this one, which is the whole of its root.
    ///
    /// - Parameter blobsLink: what `blobs` in the directory says if it leads to the root's.
    func directory(_ place: String, blobsLink: String? = nil) -> DirectoryTree {
        DirectoryTree("\(path)/\(place)", root, place, blobsLink: blobsLink)
    }

    /// A path in it as a path below the root.
    private func full(_ path: String) throws -> String {
        if place.isEmpty { return path }
        if ByteStreams.path(path, below: OCIPaths.blobs) != nil, try leadsToRootsBlobs() { return path }
        return "\(place)/\(path)"
    }

    private func leadsToRootsBlobs() throws -> Bool {
        guard let blobsLink else { return false }
        return try hasRootsBlobs.withLock { known in
            let answer = try known ?? (root.ifThere()?.target(ofLink: "\(place)/\(OCIPaths.blobs)") == blobsLink)
            known = answer
            return answer
        }
    }

    package var title: String { path }

    package func size(of path: String) throws -> Int64? {
        try root.ifThere()?.look(at: full(path)) { $0 }.flatMap { $0.isFile ? $0.size : nil }
    }

    package func read(_ path: String, limit: Int) throws -> [UInt8]? {
        do {
            return try root.ifThere()?.read(full(path), limit: limit)
        } catch StreamError.io(_, _, EISDIR) {
            return nil
        }
    }

    package func open(_ path: String) throws -> (any ByteSource)? {
        guard try size(of: path) != nil else { return nil }
        return try root.ifThere()?.file(full(path)).map { FileSource($0) }
    }

    package func list(_ path: String) throws -> [String]? { try root.ifThere()?.list(full(path)) }

    package func resolved(_ path: String) throws -> String? {
        guard let real = try root.ifThere()?.resolved(full(path)) else { return nil }
        return ByteStreams.path(real, below: self.path) ?? real
    }

    package func facts(of path: String) throws -> FileFacts? {
        guard let source = try open(path) else { return nil }
        return try FileFacts(reading: source)
    }

    package func stamp(of path: String) throws -> String? { try root.ifThere()?.look(at: full(path)) { $0.text } }
}
