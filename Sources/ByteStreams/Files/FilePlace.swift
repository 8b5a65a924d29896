import CLinux
import Glibc
import ImageModel

/// The place of a file, which need not exist: a name in an open directory.
package struct FilePlace: Sendable {
    package let directory: DirectoryHandle
    package let name: String
    package var path: String { directory.full(name) }

    /// - Parameters:
    ///   - path: its directory is there.
    ///   - followingLinks: whether a link of that name means what it leads to.
    /// - Throws: `ImageError.damaged` for a link that is not trusted.
    package init(_ path: String, followingLinks: Bool) throws {
        let links = DirectoryHandle.LinkBudget()
        guard let opened = try DirectoryHandle.openNamed(parent(of: path), O_DIRECTORY, links) else {
            throw ImageError.io(operation: "open", path: parent(of: path), errno: ENOENT)
        }
        var directory = DirectoryHandle(path: parent(of: path), descriptor: opened)
        // Other users may have links into /proc.
        let namesProcess = ["/proc/", "/dev/fd/", "/dev/std"].contains { path.hasPrefix($0) }
        var name = lastComponent(of: path)
        var followed = 0
        while followingLinks, let link = try directory.link(name) {
            guard !directory.isInProc || namesProcess && !links.isForeign else {
                throw ImageError.damaged(
                    "\(path) is a link to what a process has open, so it is not followed; name what it leads to")
            }
            links.note(link)
            // That of a pipe leads to no path.
            if directory.isInProc, !isAbsolute(link.target) {
                guard try directory.holdsOwnDescriptors else {
                    throw ImageError.damaged(
                        "\(path) is an open file of another user's process; name what it leads to")
                }
                break
            }
            followed += 1
            guard followed <= DirectoryHandle.mostLinks else {
                throw ImageError.io(operation: "follow the link", path: path, errno: ELOOP)
            }
            let next = try Self.directory(parent(of: link.target), directory, links)
            guard try link.isTrusted(with: next.descriptor, path: next.path) else {
                throw link.refusal(directory.full(name))
            }
            directory = next
            name = lastComponent(of: link.target)
        }
        self.directory = directory
        self.name = name
    }

    /// - Parameter base: where a relative path starts.
    private static func directory(
        _ path: String, _ base: DirectoryHandle, _ links: DirectoryHandle.LinkBudget
    ) throws -> DirectoryHandle {
        let full = isAbsolute(path) ? path : base.full(path)
        guard let descriptor = try base.follow(path, O_DIRECTORY, links: links) else {
            throw ImageError.io(operation: "open", path: full, errno: ENOENT)
        }
        return DirectoryHandle(path: full, descriptor: descriptor)
    }

    /// Permissions of a file that replaces what is there: who may not read the old one may not read the new one.
    ///
    /// - Parameter most: that it has at most.
    package func modeOfNew(_ most: UInt32 = 0o666) throws -> UInt32 {
        guard let old = try directory.status(name, followsLinks: false), old.isFile else { return most }
        return old.mode & most
    }

    package var kind: FileKind? { get throws { try directory.kind(name) } }

    /// Opens a pipe or a device to be written to. Waits until somebody reads from a pipe.
    ///
    /// - Throws: `ImageError.damaged` for a file, which must not be overwritten, and for a pipe that another user made.
    func openStream() throws -> Int32 {
        let isMagic = try directory.holdsOwnDescriptors
        let descriptor = try systemCall("open", path) {
            openat(directory.descriptor, name, O_WRONLY | O_CLOEXEC | O_NOCTTY | (isMagic ? 0 : O_NOFOLLOW))
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFREG else {
            close(descriptor)
            throw ImageError.damaged("\(path) is a file by now, and was a pipe or a device; run the command again")
        }
        // Unnamed ones belong to whoever started this process.
        guard isMagic || status.st_mode & S_IFMT != S_IFIFO || isOwnOrRoots(status.st_uid) else {
            close(descriptor)
            throw ImageError.damaged(
                "\(path) is a pipe of user \(status.st_uid), who would get what is written; name another file")
        }
        return descriptor
    }
}

extension DirectoryHandle {
    /// Whether it is a directory of proc(5).
    var isInProc: Bool { dray_is_in_proc(descriptor) != 0 }

    /// Whether it is a directory of proc(5) that belongs to this process's user or to root: the kernel alone can follow
    /// its links, and nobody else decides what they lead to.
    fileprivate var holdsOwnDescriptors: Bool {
        get throws {
            guard isInProc else { return false }
            var status = stat()
            try systemCall("look at", path) { fstat(descriptor, &status) }
            return isOwnOrRoots(status.st_uid)
        }
    }
}
