import CLinux
import Glibc
import ImageModel

/// Whose the files of a tree are, and who else may use them: what dray makes in it takes owner and permissions
/// from its root.
package struct Ownership: Sendable {
    private let owner: (user: uid_t, group: gid_t)?
    /// Of directories; nil where the umask decides.
    private let mode: mode_t?

    /// As it comes: this process's user, and the umask.
    package static let own = Ownership(owner: nil, mode: nil)

    private init(owner: (user: uid_t, group: gid_t)?, mode: mode_t?) {
        self.owner = owner
        self.mode = mode
    }

    private init(_ directory: DirectoryHandle, hasMode: Bool) throws {
        var status = stat()
        try systemCall("look at", directory.path) { fstat(directory.descriptor, &status) }
        let isOurs = status.st_uid == geteuid() && status.st_gid == getegid()
        owner = geteuid() == 0 && !isOurs ? (status.st_uid, status.st_gid) : nil
        mode = hasMode ? status.st_mode & (S_ISGID | 0o777) | 0o700 : nil
    }

    /// - Throws: `ImageError.io`.
    package init(of root: DirectoryHandle) throws { try self.init(root, hasMode: true) }

    /// Of a root that is still to be made in a directory: whose it is, and not who else may use it.
    package init(above directory: DirectoryHandle) throws { try self.init(directory, hasMode: false) }

    /// Likewise of what nobody may read who may not write: there, to read is enough to hold up those who write.
    package var forWritersOnly: Ownership {
        guard let mode else { return self }
        func shared(_ shift: mode_t) -> mode_t { mode >> shift & 0o2 == 0 ? 0 : 0o7 << shift }
        return Ownership(owner: owner, mode: mode & S_ISGID | 0o700 | shared(3) | shared(0))
    }

    /// Takes permissions away from what is there that it would not get if it were made now, unless somebody else owns it.
    /// Where it cannot be done, it stays as it is.
    ///
    /// - Parameter descriptor: of a file or directory.
    package func restrict(_ descriptor: Int32) {
        var status = stat()
        guard let mode, fstat(descriptor, &status) == 0, status.st_mode & 0o077 & ~mode != 0,
            status.st_uid == owner?.user ?? geteuid()
        else { return }
        _ = fchmod(descriptor, status.st_mode & 0o7777 & (mode | ~0o077))
    }

    /// Whether something has to be done to what is made.
    var isOther: Bool { owner != nil || mode != nil }

    /// - Parameter descriptor: of a file that this process has just made, which nobody can replace.
    package func apply(toNewFile descriptor: Int32, path: String) throws {
        if let owner { try systemCall("give to its owner", path) { fchown(descriptor, owner.user, owner.group) } }
        if let mode { try systemCall("set the permissions of", path) { fchmod(descriptor, mode & 0o666) } }
    }

    /// - Parameter name: of a symbolic link in `directory` that this process has just made. If somebody has put anything but
    ///   another link of this process's user in its place, that keeps its owner.
    func apply(toNewLink name: String, in directory: Int32, path: String) throws {
        guard let owner,
            let link = try openIfThere(name, from: directory, lookOnly | O_NOFOLLOW, "look at", path)
        else { return }
        defer { close(link) }
        var status = stat()
        try systemCall("look at", path) { fstat(link, &status) }
        guard status.st_mode & S_IFMT == S_IFLNK, status.st_uid == geteuid() else { return }
        try systemCall("give to its owner", path) { fchownat(link, "", owner.user, owner.group, dray_at_empty_path) }
    }

    /// The mode that a new directory is made with, so that it is known again: others have that bit only where somebody
    /// else may write, too.
    func modeOfNew(_ mode: mode_t) -> mode_t { isOther ? mode & ~0o022 | S_ISVTX : mode }

    /// - Parameter descriptor: of a directory that was made with the mark, and then opened by its name. In between,
    ///   whoever may write there can have put another one in its place.
    func apply(toNewDirectory descriptor: Int32, path: String) throws {
        var status = stat()
        try systemCall("look at", path) { fstat(descriptor, &status) }
        // It may hold something already: what other runs of dray make.
        guard status.st_uid == geteuid(), status.st_mode & (S_ISVTX | 0o022) == S_ISVTX else {
            // Whose it is to become, has it; where nobody else is to, it stays as it is. Some file systems know no modes.
            if owner == nil || status.st_uid == owner?.user { return }
            throw ImageError.damaged(
                "\(path) was replaced while it was made, so it keeps its owner and permissions; see who else writes there"
            )
        }
        if let owner { try systemCall("give to its owner", path) { fchown(descriptor, owner.user, owner.group) } }
        // Last: to change the owner may take permissions away.
        let mode = mode ?? status.st_mode & ~(S_IFMT | S_ISVTX)
        try systemCall("set the permissions of", path) { fchmod(descriptor, mode) }
    }
}
