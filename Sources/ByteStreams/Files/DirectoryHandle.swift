import Glibc

/// A directory that is open for as long as this lives: what is below it is reached without walking down from
/// the root again. For work on very many small files.
///
/// Paths are relative to it. All calls block, and throw `StreamError.io` for everything but absence.
package final class DirectoryHandle: Sendable {
    package struct Entry: Sendable {
        package let name: String
        package let kind: FileKind
    }

    /// What is known of a file without reading it.
    package struct Status: Sendable {
        /// Bytes.
        package let size: Int64
        /// When its content, its name or its owner last changed, or somebody touched it: nanoseconds since 1970.
        package let changed: Int64
        /// Names of a file. Of a directory, where the filesystem counts them, two more than it has directories.
        package let links: Int
        package let isDirectory: Bool
        package let isFile: Bool
        /// Permissions: `0o644` and the like.
        package let mode: UInt32
        /// What is the same for two paths to one file.
        package let identity: FileIdentity
    }

    package let path: String
    private let descriptor: Int32
    /// Where links in it may lead, as a real path; nil for anywhere.
    private let boundary: String?

    private init(path: String, descriptor: Int32, boundary: String?) {
        self.path = path
        self.descriptor = descriptor
        self.boundary = boundary
    }

    deinit { close(descriptor) }

    /// - Parameter boundary: out of which no link leads that is found in the directory, or below it; nil for any.
    /// - Returns: nil if there is no such directory.
    package static func open(_ path: String, within boundary: String? = nil) throws -> DirectoryHandle? {
        guard let descriptor = try ByteStreams.openIfThere(path, O_DIRECTORY, "open", path) else { return nil }
        return DirectoryHandle(path: path, descriptor: descriptor, boundary: try boundary.flatMap(realPath))
    }

    package func open(_ relative: String) throws -> DirectoryHandle? {
        guard let descriptor = try openIfThere(relative, O_DIRECTORY) else { return nil }
        return DirectoryHandle(path: "\(path)/\(relative)", descriptor: descriptor, boundary: boundary)
    }

    /// - Throws: `StreamError.damaged` for a link that leads out of where it may lead.
    private func openIfThere(_ relative: String, _ flags: Int32) throws -> Int32? {
        let full = "\(path)/\(relative)"
        guard let boundary else { return try ByteStreams.openIfThere(relative, from: descriptor, flags, "open", full) }
        do {
            return try openWithoutLinks(relative, from: descriptor, flags, full)
        } catch .io(_, _, ENOENT), .io(_, _, ENOTDIR) {
            return nil
        } catch {
            // A link, or whatever it is: what follows does without that call, and meets the same if it lasts.
        }
        guard let real = try realPath(full, inside: [boundary]) else { return nil }
        return try ByteStreams.openIfThere(real, flags, "open", full)
    }

    /// A link that leads out of where it may lead, or nowhere.
    package struct Departure: Sendable {
        /// A real path; nil for nowhere.
        package let target: String?
    }

    /// - Parameter link: the name of a symbolic link in it.
    /// - Returns: nil if links may lead anywhere, or this one leads where it may.
    package func departure(_ link: String) throws -> Departure? {
        guard let boundary else { return nil }
        let real = try realPath("\(path)/\(link)")
        if let real, ByteStreams.path(real, below: boundary) != nil { return nil }
        return Departure(target: real)
    }

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
                case Int(DT_UNKNOWN): try fileKind("\(path)/\(name)", followingLinks: false)
                default: .other
                }
            if let kind { entries.append(Entry(name: name, kind: kind)) }
        }
        return entries
    }

    /// Reads a small file in one go; nil if there is none.
    ///
    /// - Parameter body: is given the bytes, `buffer.count` of them at most.
    package func read<T>(
        _ relative: String, into buffer: UnsafeMutableRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> T
    ) throws -> T? {
        let name = "\(path)/\(relative)"
        guard let file = try openIfThere(relative, 0) else { return nil }
        defer { close(file) }
        var count = 0
        while count < buffer.count {
            let piece = try systemCall("read", name) {
                Glibc.read(file, buffer.baseAddress! + count, buffer.count - count)
            }
            if piece == 0 { break }
            count += piece
        }
        return try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }

    /// - Parameter followsLinks: whether a symbolic link means what it leads to. One that leads out of where it may lead,
    ///   or nowhere, never does then: it is neither a file nor a directory.
    /// - Returns: nil if there is nothing.
    package func status(_ relative: String, followsLinks: Bool = true) throws -> Status? {
        let own = try status(relative, followsLinks && boundary == nil ? 0 : AT_SYMLINK_NOFOLLOW)
        let isLink = own.map { $0.st_mode & S_IFMT == S_IFLNK } ?? false
        let isMeant = try !isLink || !followsLinks || departure(relative) != nil
        guard let status = try isMeant ? own : targetStatus(relative) else { return nil }
        func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }
        return Status(
            size: Int64(status.st_size), changed: max(nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)),
            links: Int(status.st_nlink), isDirectory: status.st_mode & S_IFMT == S_IFDIR,
            isFile: status.st_mode & S_IFMT == S_IFREG, mode: status.st_mode & 0o7777,
            identity: FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)))
    }

    /// Of what a link leads to, which is where it may lead.
    private func targetStatus(_ relative: String) throws -> stat? {
        guard let target = try openIfThere(relative, lookOnly) else { return nil }
        defer { close(target) }
        var status = stat()
        try systemCall("look at", "\(path)/\(relative)") { fstat(target, &status) }
        return status
    }

    private func status(_ relative: String, _ flags: Int32) throws -> stat? {
        try ifThere { () throws(StreamError) in
            var status = stat()
            guard fstatat(descriptor, relative, &status, flags) == 0 else {
                let code = errno
                throw .io(operation: "look at", path: "\(path)/\(relative)", errno: code)
            }
            return status
        }
    }

    /// Itself and every directory that it lies in.
    package func ancestors() throws -> Set<FileIdentity> {
        var found: Set<FileIdentity> = []
        var path = "."
        // Above the topmost one is itself.
        while let status = try status(path), found.insert(status.identity).inserted { path += "/.." }
        return found
    }

    /// Takes a directory away if it is empty; whether it is gone.
    @discardableResult
    package func removeEmptyDirectory(_ relative: String) throws -> Bool {
        if unlinkat(descriptor, relative, AT_REMOVEDIR) == 0 { return true }
        let code = errno
        if code == ENOENT { return true }
        if code == ENOTEMPTY || code == EEXIST || code == ENOTDIR || code == EBUSY { return false }
        throw StreamError.io(operation: "remove", path: "\(path)/\(relative)", errno: code)
    }

    /// Takes a file away; whether there was one.
    @discardableResult
    package func removeFile(_ relative: String) throws -> Bool {
        if unlinkat(descriptor, relative, 0) == 0 { return true }
        let code = errno
        if code == ENOENT || code == ENOTDIR { return false }
        throw StreamError.io(operation: "remove", path: "\(path)/\(relative)", errno: code)
    }
}

/// One file or directory, whatever its path.
package struct FileIdentity: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64
}

/// The time that a file would get if it were written now: nanoseconds since 1970, by the filesystems' own clock.
package func fileTime() -> Int64 {
    var now = timespec()
    // The clock that stamps files is coarser than the exact one, and a little behind it.
    clock_gettime(CLOCK_REALTIME_COARSE, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

/// Marks a file as used now; a link itself, wherever it leads.
///
/// - Returns: whether it is there. One that may not be touched (a read-only medium) is left as it is.
package func touch(_ path: String) throws -> Bool {
    if utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW) == 0 { return true }
    let code = errno
    switch code {
    case ENOENT, ENOTDIR: return false
    case EROFS, EACCES, EPERM: return try fileKind(path) != nil
    default: throw StreamError.io(operation: "touch", path: path, errno: code)
    }
}
