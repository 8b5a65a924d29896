import Glibc
import ImageModel

/// A directory that is open for as long as this lives, and the way to everything below it.
///
/// Paths are relative to it, and are resolved by descriptors: the system never follows a symbolic link on them. So
/// somebody who may change the directory, and puts links in the place of its parts at any moment, does not lead this
/// process out of it. All calls block, and throw `ImageError.io` for everything but absence.
package final class DirectoryHandle: Sendable {
    package struct Entry: Sendable {
        package let name: String
        package let kind: FileKind

        package init(name: String, kind: FileKind) {
            self.name = name
            self.kind = kind
        }
    }

    /// The directory that it was opened from: links in it may lead anywhere below that one.
    struct Origin: Sendable {
        let root: DirectoryHandle
        /// Below the root.
        let place: String
    }

    package let path: String
    let descriptor: Int32
    let origin: Origin?
    let reach: LinkReach
    let shared: SharedDirectory?
    /// nil unless this process is root, and the place another user's.
    let owner: PlaceOwner?

    /// - Parameters:
    ///   - descriptor: is closed with this.
    ///   - owner: nil where everything is as somebody named it.
    init(
        path: String, descriptor: Int32, origin: Origin? = nil, reach: LinkReach = .inside, owner: PlaceOwner? = nil
    ) {
        self.path = path
        self.descriptor = descriptor
        self.origin = origin
        self.reach = reach
        self.owner = owner
        shared = nil
    }

    private init(_ handle: DirectoryHandle, shared: String) throws {
        path = handle.path
        descriptor = try systemCall("open", path) { fcntl(handle.descriptor, F_DUPFD_CLOEXEC, 0) }
        origin = nil
        reach = handle.reach
        owner = handle.owner
        do {
            self.shared = try SharedDirectory(shared, in: handle, reach: handle.reach)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// Opens a directory that somebody named or that was found. As root, links on its path are followed only if they are
    /// trusted: whoever may change a part of the path does not choose what root reads and changes.
    ///
    /// - Parameters:
    ///   - reach: of links in it.
    ///   - shared: the directory in it that may be a link to elsewhere.
    /// - Returns: nil if there is no such directory.
    package static func open(
        _ path: String, reach: LinkReach = .inside, shared: String? = nil
    ) throws -> DirectoryHandle? {
        guard let descriptor = try openNamed(path, O_DIRECTORY) else { return nil }
        let handle = try place(path, descriptor, reach)
        return try shared.map { try DirectoryHandle(handle, shared: $0) } ?? handle
    }

    /// - Parameter descriptor: is closed with the handle, and if there is none.
    static func place(_ path: String, _ descriptor: Int32, _ reach: LinkReach) throws -> DirectoryHandle {
        do {
            let owner = try PlaceOwner(of: descriptor, path: path)
            return DirectoryHandle(path: path, descriptor: descriptor, reach: reach, owner: owner)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Opens a file or directory to be read; as root, over trusted links only.
    ///
    /// - Returns: nil if nothing is there.
    package static func openNamed(_ path: String, _ flags: Int32) throws -> Int32? {
        try openNamed(path, flags, LinkBudget())
    }

    /// Likewise, where something has to be there.
    static func openExisting(_ path: String, _ flags: Int32) throws -> Int32 {
        guard let descriptor = try openNamed(path, flags) else {
            throw ImageError.io(operation: "open", path: path, errno: ENOENT)
        }
        return descriptor
    }

    static func openNamed(_ path: String, _ flags: Int32, _ links: LinkBudget) throws -> Int32? {
        guard geteuid() == 0 else { return try ByteStreams.openIfThere(path, flags, "open", path) }
        let start = isAbsolute(path) ? "/" : "."
        guard let here = try ByteStreams.openIfThere(start, O_DIRECTORY | lookOnly, "open", path) else { return nil }
        return try DirectoryHandle(path: start, descriptor: here).follow(path, flags, links: links)
    }

    /// The same directory, with another reach of the links in it.
    package func reaching(_ reach: LinkReach) throws -> DirectoryHandle {
        let copy = try systemCall("open", path) { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
        return DirectoryHandle(path: path, descriptor: copy, reach: reach, owner: owner)
    }

    /// - Returns: nil if there is no such directory.
    package func open(_ relative: String) throws -> DirectoryHandle? {
        try openIfThere(relative, O_DIRECTORY).map { try handle(relative, $0) }
    }

    /// Likewise, for what is to be changed in it.
    package func openToWrite(_ relative: String) throws -> DirectoryHandle {
        guard let opened = try openIfThere(relative, O_DIRECTORY, isWriting: true) else {
            throw ImageError.io(operation: "open", path: "\(path)/\(relative)", errno: ENOENT)
        }
        return try handle(relative, opened)
    }

    private func handle(_ relative: String, _ opened: Opened) throws -> DirectoryHandle {
        let placeOwner: PlaceOwner?
        do {
            placeOwner = try owner ?? PlaceOwner(of: opened.descriptor, path: path)
        } catch {
            close(opened.descriptor)
            throw error
        }
        if let shared, let rest = ByteStreams.path(relative, below: shared.name) {
            return DirectoryHandle(
                path: opened.path, descriptor: opened.descriptor, origin: Origin(root: shared.directory, place: rest),
                reach: reach, owner: shared.directory.owner ?? placeOwner)
        }
        return DirectoryHandle(
            path: "\(path)/\(relative)", descriptor: opened.descriptor,
            origin: Origin(
                root: origin?.root ?? self, place: origin.map { joined($0.place, relative) } ?? relative),
            reach: reach, owner: placeOwner)
    }

    // MARK: Looking

    /// What is directly in it, in no order. A link to a directory or a file is told as `link`.
    package func entries() throws -> [Entry] {
        let copy = try systemCall("open", path) { openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        var entries: [Entry] = []
        try forEachEntry(of: copy, path) { name, type in
            let kind: FileKind? =
                switch Int(type) {
                case Int(DT_DIR): .directory
                case Int(DT_REG): .file
                case Int(DT_LNK): .link
                // Not every filesystem tells.
                case Int(DT_UNKNOWN): try kind(name)
                default: .other
                }
            if let kind { entries.append(Entry(name: name, kind: kind)) }
        }
        return entries
    }

    /// The names in a directory, sorted; nil if there is none.
    package func list(_ relative: String) throws -> [String]? {
        try openIfThere(relative, O_DIRECTORY).map { try listDirectory($0.descriptor, $0.path) }
    }

    /// Reads a small file in one go; nil if there is none.
    ///
    /// - Parameter body: is given the bytes, `buffer.count` of them at most.
    package func read<T>(
        _ relative: String, into buffer: UnsafeMutableRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> T
    ) throws -> T? {
        guard let file = try openIfThere(relative, O_NONBLOCK | O_NOCTTY) else { return nil }
        defer { close(file.descriptor) }
        var count = 0
        while count < buffer.count {
            let piece = try systemCall("read", file.path) {
                Glibc.read(file.descriptor, buffer.baseAddress! + count, buffer.count - count)
            }
            if piece == 0 { break }
            count += piece
        }
        return try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }

    /// Opens a file to be read; nil if there is none.
    ///
    /// - Throws: `ImageError.damaged` for what is no file.
    package func file(_ relative: String) throws -> OpenFile? {
        do {
            // Nobody may ever write to a pipe that lies where a file should.
            return try openIfThere(relative, O_NONBLOCK | O_NOCTTY).map {
                try OpenFile(taking: $0.descriptor, path: $0.path)
            }
        } catch let error as ImageError {
            throw OpenFile.explained(error)
        }
    }

    /// A whole small file; nil if there is none.
    ///
    /// - Throws: `ImageError.limit` beyond `limit` bytes.
    package func read(_ relative: String, limit: Int) throws -> [UInt8]? {
        try file(relative).map { try FileSource($0).readAll(limit: limit, name: $0.path) }
    }

    /// Whether a directory is there to be written to.
    ///
    /// - Throws: `ImageError.damaged` for a link on the way that leads out of here.
    package func hasDirectory(_ relative: String) throws -> Bool {
        guard let opened = try openIfThere(relative, O_DIRECTORY | lookOnly, isWriting: true) else { return false }
        close(opened.descriptor)
        return true
    }

    /// Looks at something without opening it for anything else.
    package func look<T>(at relative: String, _ body: (FileStamp) throws -> T) throws -> T? {
        guard let opened = try openIfThere(relative, lookOnly) else { return nil }
        defer { close(opened.descriptor) }
        return try body(FileStamp(of: opened.descriptor, path: opened.path))
    }

    /// The path of something when all links on it are followed; nil if nothing is there.
    package func resolved(_ relative: String) throws -> String? {
        guard let opened = try openIfThere(relative, lookOnly) else { return nil }
        close(opened.descriptor)
        return opened.path
    }

    /// Itself and every directory that it lies in.
    package func ancestors() throws -> Set<FileIdentity> {
        var found: Set<FileIdentity> = []
        var path = "."
        // Above the topmost one is itself.
        while let status = try status(path), found.insert(status.identity).inserted { path += "/.." }
        return found
    }
}

/// A path below another, which is empty for the directory itself.
func joined(_ place: String, _ relative: String) -> String { place.isEmpty ? relative : "\(place)/\(relative)" }
