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
    /// Its own real path, and that of the directory that may be elsewhere; or why they cannot be told.
    private let roots: Result<[String], any Error>
    /// Directories above those that files lie in, with no link on the way from the root.
    private let plain = Mutex<Set<String>>([])

    /// - Parameter shared: the directory that may be elsewhere.
    package init(_ path: String, shared: String? = nil) {
        self.path = path
        roots = Result {
            let elsewhere = try shared.flatMap { try realPath("\(path)/\($0)") }
            return [try realPath(path) ?? path] + (elsewhere.map { [$0] } ?? [])
        }
    }

    package var title: String { path }

    /// The path on disk; nil if nothing is there.
    private func locate(_ relative: String) throws -> String? {
        let direct = "\(try roots.get()[0])/\(relative)"
        let parts = relative.split(separator: "/", omittingEmptySubsequences: false)
        if !parts.contains(where: { ["", ".", ".."].contains($0) }),
            try isPlain(parent(of: direct), isRemembered: false)
        {
            guard let kind = try fileKind(direct, followingLinks: false) else { return nil }
            if kind != .link { return direct }
        }
        return try locateFollowingLinks(relative)
    }

    /// Whether there is a directory that no link leads to. Looking at each part of each path anew, as following
    /// links does, is most of the work in a large tree.
    private func isPlain(_ directory: String, isRemembered: Bool) throws -> Bool {
        let root = try roots.get()[0]
        if directory == root || plain.withLock({ $0.contains(directory) }) { return true }
        guard directory.utf8.count > root.utf8.count, try isPlain(parent(of: directory), isRemembered: true),
            try fileKind(directory, followingLinks: false) == .directory
        else { return false }
        if isRemembered { plain.withLock { _ = $0.insert(directory) } }
        return true
    }

    private func locateFollowingLinks(_ relative: String) throws -> String? {
        let full = "\(path)/\(relative)"
        guard let real = try realPath(full) else { return nil }
        guard try roots.get().contains(where: { real == $0 || real.hasPrefix($0 == "/" ? "/" : $0 + "/") }) else {
            throw TransferError.damaged("\(full) is a link that leads out of \(path), to \(real)")
        }
        return real
    }

    package func size(of path: String) throws -> Int64? { try locate(path).flatMap { try fileSize($0) } }

    package func read(_ path: String, limit: Int) throws -> [UInt8]? {
        try locate(path).flatMap { try fileKind($0) == .directory ? nil : readFile($0, limit: limit) }
    }

    package func open(_ path: String) throws -> (any ByteSource)? {
        guard let located = try locate(path), try fileKind(located) == .file else { return nil }
        return FileSource(try OpenFile(reading: located))
    }

    package func list(_ path: String) throws -> [String]? { try locate(path).flatMap { try listDirectory($0) } }

    package func resolved(_ path: String) throws -> String? {
        let root = try roots.get()[0]
        return try locate(path).map { $0.hasPrefix("\(root)/") ? String($0.dropFirst(root.count + 1)) : $0 }
    }

    package func facts(of path: String) throws -> FileFacts? {
        guard let source = try open(path) else { return nil }
        return try FileFacts(reading: source)
    }

    package func stamp(of path: String) throws -> String? { try locate(path).map { try FileStamp(of: $0).text } }
}

/// Without links, dots and doubled slashes; nil if nothing is there.
func realPath(_ path: String) throws -> String? {
    try ifThere { () throws(StreamError) in
        guard let resolved = realpath(path, nil) else { throw .io(operation: "look at", path: path, errno: errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
