import Glibc
import ImageModel

/// Renaming, linking, and bringing names to the disk.
extension DirectoryHandle {
    /// Gives something another name, over whatever has that now.
    ///
    /// - Parameters:
    ///   - final: in `target`, or here.
    ///   - lasting: whether the name is on the disk when this returns.
    package func move(
        _ relative: String, to final: String, in target: DirectoryHandle? = nil, lasting: Bool = true
    ) throws {
        let target = target ?? self
        let operation = "rename to \(target.path)/\(final)"
        try existing(operation, relative) { directory, name in
            try target.existing(operation, final, lasting ? 0 : lookOnly) { finalDirectory, finalName in
                try systemCall(operation, "\(path)/\(relative)") {
                    renameat(directory, name, finalDirectory, finalName)
                }
                if lasting { try systemCall("sync", target.path) { fsync(finalDirectory) } }
            }
        }
    }

    /// Gives a file another name in the same directory, unless something has that. Durable when this returns.
    ///
    /// - Returns: whether it has that name now.
    package func moveIfAbsent(_ relative: String, to final: String) throws -> Bool {
        let operation = "rename to \(path)/\(final)"
        return try existing(operation, relative) { directory, name in
            try existing(operation, final) { finalDirectory, finalName in
                guard try renameIfAbsent(directory, name, finalDirectory, finalName, operation) else { return false }
                try systemCall("sync", path) { fsync(finalDirectory) }
                return true
            }
        }
    }

    private func renameIfAbsent(
        _ directory: Int32, _ name: String, _ finalDirectory: Int32, _ finalName: String, _ operation: String
    ) throws -> Bool {
        if renameWithoutReplacing(name, in: directory, to: finalName, in: finalDirectory) == 0 { return true }
        switch errno {
        case EEXIST: return false
        // The filesystem cannot do that: NFS, FUSE.
        case EINVAL, ENOSYS: break
        case let code: throw ImageError.io(operation: operation, path: "\(path)/\(name)", errno: code)
        }
        if linkat(directory, name, finalDirectory, finalName, 0) == 0 {
            try systemCall("remove", "\(path)/\(name)") { unlinkat(directory, name, 0) }
            return true
        }
        switch errno {
        case EEXIST: return false
        // Nor does it have hard links: FAT by FUSE.
        case EPERM, EOPNOTSUPP, ENOSYS: break
        case let code: throw ImageError.io(operation: operation, path: "\(path)/\(name)", errno: code)
        }
        guard faccessat(finalDirectory, finalName, F_OK, AT_SYMLINK_NOFOLLOW) != 0 else { return false }
        try systemCall(operation, "\(path)/\(name)") { renameat(directory, name, finalDirectory, finalName) }
        return true
    }

    /// Gives a file a second name.
    ///
    /// - Returns: false if something has that name.
    package func link(_ relative: String, as second: String) throws -> Bool {
        try existing("link", relative) { directory, name in
            try existing("link", second) { otherDirectory, otherName in
                if linkat(directory, name, otherDirectory, otherName, 0) == 0 { return true }
                let code = errno
                if code == EEXIST { return false }
                throw ImageError.io(operation: "link as \(second)", path: "\(path)/\(relative)", errno: code)
            }
        }
    }

    /// Makes a symbolic link.
    package func makeLink(_ relative: String, to target: String, ownership: Ownership) throws {
        try existing("make the link", relative) { directory, name in
            let full = "\(path)/\(relative)"
            try systemCall("make the link", full) { symlinkat(target, directory, name) }
            try ownership.apply(toNewLink: name, in: directory, path: full)
        }
    }

    // MARK: The disk

    /// Makes names in a directory last through a power cut.
    package func sync(_ relative: String = ".") throws {
        guard let opened = try openIfThere(relative, O_DIRECTORY, isWriting: true) else {
            throw ImageError.io(operation: "sync", path: "\(path)/\(relative)", errno: ENOENT)
        }
        defer { close(opened.descriptor) }
        try systemCall("sync", opened.path) { fsync(opened.descriptor) }
    }

    private func sync(_ directory: Int32, _ name: String, _ flags: Int32, _ full: String) throws {
        let descriptor = try systemCall("open", full) {
            openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags)
        }
        defer { close(descriptor) }
        try systemCall("sync", full) { fsync(descriptor) }
    }

    /// Brings a directory to the disk, and all files and directories below it.
    package func syncTree(_ relative: String) throws {
        let directory = try openToWrite(relative)
        for entry in try directory.entries() {
            switch entry.kind {
            case .directory: try directory.syncTree(entry.name)
            case .file: try sync(directory.descriptor, entry.name, O_NONBLOCK, "\(directory.path)/\(entry.name)")
            case .link, .other: break
            }
        }
        try directory.sync()
    }
}
