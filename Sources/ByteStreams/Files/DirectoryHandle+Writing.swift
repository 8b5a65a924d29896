import Glibc
import ImageModel
import Synchronization

/// Making, changing and removing files and directories.
extension DirectoryHandle {
    /// Opens a directory that somebody named, and makes it and those above it as far as they are missing: they get the
    /// owner of the nearest one that is there.
    ///
    /// - Parameter mode: of what is made, less the umask.
    package static func make(
        _ path: String, reach: LinkReach = .inside, shared: String? = nil, mode: UInt32 = 0o777
    ) throws -> DirectoryHandle {
        if let there = try open(path, reach: reach, shared: shared) { return there }
        let (above, name) = (parent(of: path), lastComponent(of: path))
        guard above != path else { throw ImageError.io(operation: "open", path: path, errno: ENOENT) }
        let base = try make(above, mode: mode)
        // They are there by now.
        if name == "." || name == ".." { return try make(path, reach: reach, shared: shared) }
        try base.makeDirectory(name, ownership: Ownership(above: base), mode: mode)
        guard let made = try base.openIfThere(name, O_DIRECTORY, isWriting: true) else {
            throw ImageError.io(operation: "open", path: path, errno: ENOENT)
        }
        return try place(path, made.descriptor, reach)
    }

    /// Calls `body` with the directory that something lies in, and its name there.
    ///
    /// - Parameter access: `O_PATH`; or nothing where the directory is to be synced, too.
    /// - Returns: nil if the directory is not there.
    private func within<T>(
        _ relative: String, isWriting: Bool = true, _ access: Int32 = lookOnly,
        _ body: (_ directory: Int32, _ name: String) throws -> T
    ) throws -> T? {
        let (above, name) = (parent(of: relative), lastComponent(of: relative))
        if above == "." { return try body(descriptor, name) }
        guard let opened = try openIfThere(above, O_DIRECTORY | access, isWriting: isWriting) else { return nil }
        defer { close(opened.descriptor) }
        return try body(opened.descriptor, name)
    }

    func existing<T>(
        _ operation: String, _ relative: String, _ access: Int32 = lookOnly,
        _ body: (_ directory: Int32, _ name: String) throws -> T
    ) throws -> T {
        guard let result = try within(relative, access, body) else {
            throw ImageError.io(operation: operation, path: "\(path)/\(relative)", errno: ENOENT)
        }
        return result
    }

    // MARK: Directories

    /// Makes a directory and those above it, as far as they are missing, and nothing out of here.
    ///
    /// - Parameters:
    ///   - mode: less the umask, where the ownership tells of none.
    ///   - lasting: whether they have to survive a power cut.
    /// - Throws: `ImageError.damaged` for a link on the way that leads out of here.
    package func makeDirectory(
        _ relative: String, ownership: Ownership, mode: UInt32 = 0o777, lasting: Bool = true
    ) throws {
        if try hasDirectory(relative) { return }
        func make(_ directory: Int32, _ name: String) throws {
            let full = "\(path)/\(relative)"
            guard mkdirat(directory, name, ownership.modeOfNew(mode)) == 0 else {
                let code = errno
                // Somebody else may have made it meanwhile.
                if code == EEXIST, try hasDirectory(relative) { return }
                if code == EEXIST, let target = try linkTarget(full) {
                    throw ImageError.damaged("\(full) is a link that leads to no directory: \(target)")
                }
                throw ImageError.io(operation: "make the directory", path: full, errno: code)
            }
            if ownership.isOther {
                let made = try systemCall("open", full) {
                    openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                }
                defer { close(made) }
                try ownership.apply(toNewDirectory: made, path: full)
            }
            if lasting { try systemCall("sync", parent(of: full)) { fsync(directory) } }
        }
        let access = lasting ? 0 : lookOnly
        if try within(relative, access, make) != nil { return }
        try makeDirectory(parent(of: relative), ownership: ownership, mode: mode, lasting: lasting)
        try existing("make the directory", relative, access, make)
    }

    /// Makes a directory that nobody may read or search who may not write here, and closes one that is there to others.
    ///
    /// For locks, and for files that are not to be read yet: to lock something, it is enough to be able to read it.
    package func makePrivateDirectory(_ relative: String) throws {
        try Self.privateDirectories.withLock { _ in try makePrivateDirectoryHeld(relative) }
    }

    /// Held while one is made: in another user's place, root makes it closed to its owner, and gives it away then. Who met it
    /// in between would take it for a trap.
    private static let privateDirectories = Mutex<Void>(())

    private func makePrivateDirectoryHeld(_ relative: String) throws {
        let ownership = try Ownership(of: self)
        if let opened = try openIfThere(relative, O_DIRECTORY, isWriting: true) {
            defer { close(opened.descriptor) }
            return ownership.forWritersOnly.restrict(opened.descriptor)
        }
        try makeDirectory(parent(of: relative), ownership: ownership)
        try makeDirectory(relative, ownership: ownership.forWritersOnly, mode: 0o700)
    }

    /// Takes a directory away if it is empty; whether it is gone.
    @discardableResult
    package func removeEmptyDirectory(_ relative: String) throws -> Bool {
        try within(relative) { directory, name in
            if unlinkat(directory, name, AT_REMOVEDIR) == 0 { return true }
            let code = errno
            if code == ENOENT { return true }
            if code == ENOTEMPTY || code == EEXIST || code == ENOTDIR || code == EBUSY { return false }
            throw ImageError.io(operation: "remove", path: "\(path)/\(relative)", errno: code)
        } ?? true
    }

    /// Takes away a file, or a directory and all below it; links are not followed.
    ///
    /// - Throws: `ImageError.damaged` where something is mounted; as root, also for a directory from which the owner of the
    ///   place may not remove things: they may have moved it there.
    package func removeTree(_ relative: String) throws {
        _ = try within(relative) { directory, name in
            let full = "\(path)/\(relative)"
            let placeOwner = try owner ?? PlaceOwner(of: directory, path: parent(of: full))
            try Self.removeTree(name, in: directory, full, placeOwner, depth: 0)
        }
    }

    /// Deeper than anything that a store or a backup has, so that nobody makes descriptors run out.
    private static let depthLimit = 300

    private static func removeTree(
        _ name: String, in directory: Int32, _ full: String, _ owner: PlaceOwner?, depth: Int
    ) throws {
        if unlinkat(directory, name, 0) == 0 || errno == ENOENT { return }
        let code = errno
        guard code == EISDIR || code == EPERM, depth < depthLimit else {
            throw ImageError.io(operation: "remove", path: full, errno: code)
        }
        guard let own = try openOnSameMount(name, in: directory, full) else {
            // A file that may not be removed, or nothing any more.
            if code == EPERM { throw ImageError.io(operation: "remove", path: full, errno: code) }
            return
        }
        defer { close(own) }
        if let refusal = try owner?.refusalToEmpty(own, path: full) {
            // One that is empty is the place's owner's to remove.
            if unlinkat(directory, name, AT_REMOVEDIR) == 0 { return }
            throw refusal
        }
        let ownerBelow = try owner ?? PlaceOwner(of: own, path: full)
        let listed = try systemCall("remove", full) { openat(own, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        for child in try listDirectory(listed, full) {
            try removeTree(child, in: own, "\(full)/\(child)", ownerBelow, depth: depth + 1)
        }
        if unlinkat(directory, name, AT_REMOVEDIR) != 0, errno != ENOENT {
            throw ImageError.io(operation: "remove", path: full, errno: errno)
        }
    }

    /// - Returns: nil if there is no such directory.
    /// - Throws: `ImageError.damaged` for one on which something is mounted.
    private static func openOnSameMount(_ name: String, in directory: Int32, _ full: String) throws -> Int32? {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let opened = openWithoutMounts(name, from: directory, flags)
        if opened >= 0 { return opened }
        let code = errno
        if [ENOENT, ENOTDIR, ELOOP].contains(code) { return nil }
        guard code == EXDEV else { throw ImageError.io(operation: "remove", path: full, errno: code) }
        throw ImageError.damaged(
            "\(full): something is mounted there, so nothing in it is removed; unmount it first: umount \(shellWord(full))"
        )
    }

    // MARK: Files

    /// Makes a file, and opens it to be read and written.
    ///
    /// - Parameter flags: `O_APPEND`, or nothing.
    package func makeFile(
        _ relative: String, ownership: Ownership, mode: UInt32 = 0o666, _ flags: Int32 = 0
    ) throws -> Int32 {
        let full = "\(path)/\(relative)"
        return try existing("write", relative) { directory, name in
            let made = try systemCall("write", full) {
                openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | flags, mode)
            }
            do {
                try ownership.apply(toNewFile: made, path: full)
            } catch {
                close(made)
                // Where it cannot be taken away, either, the error is the first one.
                _ = unlinkat(directory, name, 0)
                throw error
            }
            return made
        }
    }

    /// Makes a new file, which lasts only once it is synced.
    package func write(
        _ bytes: [UInt8], to relative: String, _ ownership: Ownership, mode: UInt32 = 0o666
    ) throws {
        try write(to: relative, ownership, mode: mode) { sink in try bytes.withUnsafeBytes(sink) }
    }

    /// Likewise one whose bytes come in pieces.
    package func write(
        to relative: String, _ ownership: Ownership, mode: UInt32 = 0o666,
        _ body: (_ sink: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let descriptor = try makeFile(relative, ownership: ownership, mode: mode)
        defer { close(descriptor) }
        try body { try writeAll($0, to: descriptor, path: "\(self.path)/\(relative)") }
    }

    /// Opens a file to be read, and to be written where it is.
    ///
    /// - Parameter flags: `O_APPEND`, or nothing.
    /// - Returns: nil if there is none.
    /// - Throws: `ImageError.damaged` for what is no file; or has another name, and may be somebody else's.
    package func fileToChange(_ relative: String, _ flags: Int32 = 0) throws -> Int32? {
        let full = "\(path)/\(relative)"
        let opened = try within(relative) { directory, name -> Int32? in
            let opened = try ifThere { () throws(ImageError) in
                try systemCall("write", full) {
                    openat(directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | flags)
                }
            }
            guard let descriptor = opened else { return nil }
            // By its name, after it was opened: a name that it had for a moment only is not the only one it has.
            do {
                try owner?.check(descriptor, flags, path: full)
                var (status, named) = (stat(), stat())
                try systemCall("look at", full) { fstat(descriptor, &status) }
                try systemCall("look at", full) { fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) }
                guard status.st_mode & S_IFMT == S_IFREG, named.st_nlink == 1,
                    (status.st_dev, status.st_ino) == (named.st_dev, named.st_ino)
                else {
                    throw ImageError.damaged(
                        "\(full) is no file, or has another name elsewhere, so nothing is written to it; remove it")
                }
                return descriptor
            } catch {
                close(descriptor)
                throw error
            }
        }
        return opened ?? nil
    }

    /// Takes a file away; whether there was one.
    @discardableResult
    package func removeFile(_ relative: String) throws -> Bool {
        try within(relative) { directory, name in
            if unlinkat(directory, name, 0) == 0 { return true }
            let code = errno
            if code == ENOENT || code == ENOTDIR { return false }
            throw ImageError.io(operation: "remove", path: "\(path)/\(relative)", errno: code)
        } ?? false
    }

    /// Marks a file as used now, be it where links lead that are followed by readers; a link itself, wherever it leads.
    ///
    /// - Returns: whether it is there. One that may not be touched (a read-only medium) is left as it is.
    package func touch(_ relative: String) throws -> Bool {
        try within(relative, isWriting: false) { directory, name in
            if utimensat(directory, name, nil, AT_SYMLINK_NOFOLLOW) == 0 { return true }
            let code = errno
            switch code {
            case ENOENT, ENOTDIR: return false
            case EROFS, EACCES, EPERM: return try kind(relative) != nil
            default: throw ImageError.io(operation: "touch", path: "\(path)/\(relative)", errno: code)
            }
        } ?? false
    }

    /// Sets the directory's own times to now, by the clock that stamps its files.
    ///
    /// - Returns: nanoseconds since 1970.
    package func stampNow() throws -> Int64 {
        var status = stat()
        try systemCall("touch", path) { futimens(descriptor, nil) }
        try systemCall("look at", path) { fstat(descriptor, &status) }
        return Status(status).changed
    }
}
