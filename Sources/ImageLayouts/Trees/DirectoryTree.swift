package import ByteStreams
import Glibc
import ImageModel
import ImageTransfer

/// A directory. A link inside it may lead anywhere below its root, and nowhere else.
///
/// One directory in it may be a link to elsewhere: the blobs of a layout, which several layouts may share, and which
/// are verified by their names whoever wrote them.
package final class DirectoryTree: FileTree {
    package let path: String
    /// The directory that may be elsewhere.
    private let shared: String?
    /// Real paths of itself, and of the directory that may be elsewhere; or why they cannot be told.
    private let roots: Result<(own: String, shared: String?), any Error>

    /// - Parameter shared: the directory that may be elsewhere.
    package init(_ path: String, shared: String? = nil) {
        self.path = path
        self.shared = shared
        roots = Result {
            (try realPath(path) ?? path, try shared.flatMap { try realPath("\(path)/\($0)") })
        }
    }

    package var title: String { path }

    /// Something that is open, and its path on disk.
    private typealias Opened = (descriptor: Int32, path: String)

    /// - Parameter flags: `O_DIRECTORY`, or what keeps a descriptor from doing anything (`lookOnly`, `O_NONBLOCK`).
    /// - Returns: nil if nothing is there.
    private func open(_ relative: String, _ flags: Int32, to operation: String) throws -> Opened? {
        // One call where no link is on the way. To look at each part of each path is most of the work in a large tree.
        if let direct = try directPath(relative) {
            do {
                return (try openWithoutLinks(direct, flags, direct), direct)
            } catch .io(_, _, ENOENT), .io(_, _, ENOTDIR) {
                return nil
            } catch {
                // Whatever it is: what follows does without that call, and meets the same if it lasts.
            }
        }
        let roots = try roots.get()
        guard let real = try realPath("\(path)/\(relative)", inside: [roots.own] + (roots.shared.map { [$0] } ?? []))
        else { return nil }
        return try openIfThere(real, flags, operation, real).map { ($0, real) }
    }

    /// Opens something to be read, likewise.
    ///
    /// - Throws: `StreamError.damaged` for a link that leads out of here, with the way out.
    private func openToRead(_ relative: String, _ flags: Int32, to operation: String) throws -> Opened? {
        do {
            return try open(relative, flags, to: operation)
        } catch StreamError.damaged(let problem) {
            throw StreamError.damaged(
                "\(problem); copy it with its links followed: cp -rL \(shellWord(path)) COPY")
        }
    }

    /// Where something is if no link leads to it; nil where the path is not to be taken by its word.
    private func directPath(_ relative: String) throws -> String? {
        let roots = try roots.get()
        if relative == "." { return roots.own }
        guard !components(of: relative).contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else { return nil }
        if let shared, let elsewhere = roots.shared, relative.hasPrefix("\(shared)/") {
            return elsewhere + relative.dropFirst(shared.count)
        }
        return "\(roots.own)/\(relative)"
    }

    /// Looks at something without opening it for anything else.
    private func look<T>(at relative: String, _ body: (Opened) throws -> T) throws -> T? {
        guard let opened = try openToRead(relative, lookOnly, to: "look at") else { return nil }
        defer { close(opened.descriptor) }
        return try body(opened)
    }

    private func openFile(_ relative: String) throws -> OpenFile? {
        do {
            guard let opened = try openToRead(relative, O_NONBLOCK | O_NOCTTY, to: "open") else { return nil }
            return try OpenFile(taking: opened.descriptor, path: opened.path)
        } catch let error as StreamError {
            throw OpenFile.explained(error)
        }
    }

    package func size(of path: String) throws -> Int64? {
        try look(at: path) { try FileStamp(of: $0.descriptor, path: $0.path) }.flatMap { $0.isFile ? $0.size : nil }
    }

    package func read(_ path: String, limit: Int) throws -> [UInt8]? {
        do {
            return try openFile(path).map { try FileSource($0).readAll(limit: limit, name: $0.path) }
        } catch StreamError.io(_, _, EISDIR) {
            return nil
        }
    }

    package func open(_ path: String) throws -> (any ByteSource)? {
        guard try size(of: path) != nil else { return nil }
        return try openFile(path).map { FileSource($0) }
    }

    package func list(_ path: String) throws -> [String]? {
        try openToRead(path, O_DIRECTORY, to: "list").map { try listDirectory($0.descriptor, $0.path) }
    }

    package func resolved(_ path: String) throws -> String? {
        let root = try roots.get().own
        return try look(at: path) { $0.path }.map { ByteStreams.path($0, below: root) ?? $0 }
    }

    package func facts(of path: String) throws -> FileFacts? {
        guard let source = try open(path) else { return nil }
        return try FileFacts(reading: source)
    }

    package func stamp(of path: String) throws -> String? {
        try look(at: path) { try FileStamp(of: $0.descriptor, path: $0.path).text }
    }

    // MARK: Writing

    /// Whether a directory is there to be written to.
    ///
    /// - Throws: `StreamError.damaged` for a link on the way that leads out of here.
    func hasDirectory(_ relative: String) throws -> Bool {
        guard let opened = try open(relative, O_DIRECTORY | lookOnly, to: "look at") else { return false }
        close(opened.descriptor)
        return true
    }

    /// Makes a directory and those above it, as far as they are missing, and nothing out of here.
    ///
    /// - Parameter lasting: whether they have to survive a power cut.
    /// - Throws: `StreamError.damaged` for a link on the way that leads out of here; `.io` if the root is not there.
    func makeDirectory(_ relative: String, ownership: Ownership, lasting: Bool = true) throws {
        if try hasDirectory(relative) { return }
        let above = parent(of: relative)
        guard above != relative else { throw StreamError.io(operation: "open", path: path, errno: ENOENT) }
        try makeDirectory(above, ownership: ownership, lasting: lasting)
        try ByteStreams.makeDirectory("\(path)/\(relative)", ownership: ownership, lasting: lasting)
    }
}
