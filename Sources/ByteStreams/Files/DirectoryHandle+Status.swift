import Glibc
import ImageModel

extension DirectoryHandle {
    /// Attributes of a file, from stat(2).
    package struct Status: Sendable {
        /// Bytes.
        package let size: Int64
        /// When its content, its name or its owner last changed, or somebody touched it: nanoseconds since 1970.
        package let changed: Int64
        /// When its content last changed: seconds since 1970.
        package let modified: Int
        /// Names of a file. Of a directory, where the filesystem counts them, two more than it has directories.
        package let links: Int
        package let kind: FileKind
        /// Permissions: `0o644` and the like.
        package let mode: UInt32
        /// Device and inode: equal for two paths to one file.
        package let identity: FileIdentity
        let owner: uid_t

        package var isDirectory: Bool { kind == .directory }
        package var isFile: Bool { kind == .file }

        init(_ status: stat) {
            func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }
            size = Int64(status.st_size)
            changed = max(nanoseconds(status.st_mtim), nanoseconds(status.st_ctim))
            modified = status.st_mtim.tv_sec
            links = Int(status.st_nlink)
            kind = FileKind(status)
            mode = status.st_mode & 0o7777
            owner = status.st_uid
            identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        }
    }

    /// - Parameter followsLinks: whether a symbolic link means what it leads to. One that leads out of where it may lead,
    ///   or nowhere, never does then: it is neither a file nor a directory.
    /// - Returns: nil if there is nothing.
    package func status(_ relative: String, followsLinks: Bool = true) throws -> Status? {
        let own = try status(relative, followsLinks && reach == .anywhere ? 0 : AT_SYMLINK_NOFOLLOW)
        let isMeant = try own?.kind != .link || !followsLinks || departure(relative) != nil
        return try isMeant ? own : targetStatus(relative)
    }

    /// The kind of file at a path, links not followed; nil if nothing is there.
    package func kind(_ relative: String) throws -> FileKind? { try status(relative, followsLinks: false)?.kind }

    /// Bytes of a file, links not followed; nil if there is none.
    package func size(_ relative: String) throws -> Int64? {
        try status(relative, followsLinks: false).flatMap { $0.isFile ? $0.size : nil }
    }

    /// The attributes of a link's target, if the link may lead there.
    private func targetStatus(_ relative: String) throws -> Status? {
        guard let target = try openIfThere(relative, lookOnly) else { return nil }
        defer { close(target.descriptor) }
        var status = stat()
        try systemCall("look at", target.path) { fstat(target.descriptor, &status) }
        return Status(status)
    }

    private func status(_ relative: String, _ flags: Int32) throws -> Status? {
        try ifThere { () throws(ImageError) in
            var status = stat()
            guard fstatat(descriptor, relative, &status, flags) == 0 else {
                let code = errno
                throw .io(operation: "look at", path: "\(path)/\(relative)", errno: code)
            }
            return Status(status)
        }
    }

    // MARK: Absence

    /// Opens a directory, where one that cannot be found must not be taken for one that was never there.
    ///
    /// - Returns: nil if nothing is there.
    /// - Throws: `ImageError.damaged` for a link that leads nowhere, and for anything but a directory.
    package func openUnlessAbsent(_ relative: String) throws -> DirectoryHandle? {
        if let there = try open(relative) { return there }
        try checkAbsence(of: relative)
        if let kind = try kind(relative), kind != .directory {
            throw ImageError.damaged("\(full(relative)) is no directory; remove it, or put back what was there")
        }
        return nil
    }

    /// - Throws: `ImageError.damaged` for a link that leads nowhere on the way to something that cannot be found.
    package func checkAbsence(of relative: String) throws {
        var place = ""
        for name in components(of: relative) {
            place = joined(place, String(name))
            guard let kind = try kind(place) else { return }
            if kind == .link, try departure(place) != nil {
                throw ImageError.damaged(
                    "\(full(place)) is a link that leads nowhere; mount what it leads to, or remove it")
            }
        }
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
