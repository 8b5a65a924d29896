import Glibc

/// Whose the files of a tree are, and who else may use them: what dray makes in it takes owner and permissions
/// from its root.
public struct Ownership: Sendable {
    private let owner: (user: uid_t, group: gid_t)?
    /// Of directories; nil where the root is still to be made, and the umask decides.
    private let mode: mode_t?

    /// - Parameter root: where it does not exist yet, the owner of the nearest directory counts.
    /// - Throws: `StreamError.io`.
    public init(of root: String) throws {
        var path = root
        var found = try ByteStreams.status(of: path)
        while found == nil, path != "/", path != "." {
            path = parent(of: path)
            found = try ByteStreams.status(of: path)
        }
        let status = found ?? stat()
        let isOurs = status.st_uid == geteuid() && status.st_gid == getegid()
        owner = geteuid() == 0 && !isOurs ? (status.st_uid, status.st_gid) : nil
        mode = path == root ? status.st_mode & (S_ISGID | 0o777) | 0o700 : nil
    }

    package func apply(to descriptor: Int32, path: String) throws {
        if let owner { try systemCall("give to its owner", path) { fchown(descriptor, owner.user, owner.group) } }
        if let mode { try systemCall("set the permissions of", path) { fchmod(descriptor, mode & 0o666) } }
    }

    /// Of a directory.
    package func apply(to path: String) throws {
        if let owner { try systemCall("give to its owner", path) { chown(path, owner.user, owner.group) } }
        // Last: to change the owner may take permissions away.
        if let mode { try systemCall("set the permissions of", path) { chmod(path, mode) } }
    }
}
