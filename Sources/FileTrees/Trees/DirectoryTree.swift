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
    private let rootsOwn: RootsOwn?
    private let leadsToRoot = Mutex<Bool?>(nil)

    /// A directory of the root's, to which a link of the same name leads.
    package struct RootsOwn: Sendable {
        let name: String
        /// What the link says.
        let link: String

        package init(_ name: String, link: String) {
            self.name = name
            self.link = link
        }
    }

    private init(_ path: String, _ root: ReadDirectory, _ place: String = "", _ rootsOwn: RootsOwn? = nil) {
        self.path = path
        self.root = root
        self.place = place
        self.rootsOwn = rootsOwn
    }

    /// - Parameter shared: the directory that may be elsewhere.
    package convenience init(_ path: String, shared: String? = nil) {
        self.init(path, ReadDirectory(path, shared: shared))
    }

    /// One that is open, and stays so.
    package convenience init(_ handle: DirectoryHandle) { self.init(handle.path, ReadDirectory(handle)) }

    /// A directory in this one, which is the whole of its root.
    ///
    /// - Parameter rootsOwn: what in it may be the root's; nil for a tree that has all of its own.
    package func directory(_ place: String, _ rootsOwn: RootsOwn? = nil) -> DirectoryTree {
        DirectoryTree("\(path)/\(place)", root, place, rootsOwn)
    }

    /// A path in it as a path below the root.
    private func full(_ path: String) throws -> String {
        if place.isEmpty { return path }
        if let rootsOwn, ByteStreams.path(path, below: rootsOwn.name) != nil, try isRoots(rootsOwn) { return path }
        return "\(place)/\(path)"
    }

    private func isRoots(_ own: RootsOwn) throws -> Bool {
        try leadsToRoot.withLock { known in
            let answer = try known ?? (root.ifThere()?.target(ofLink: "\(place)/\(own.name)") == own.link)
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
        } catch let error as ImageError where error.errno == EISDIR {
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
