import Glibc

/// Whose the files of a tree are: what dray makes in it belongs to the owner of its root.
public struct Ownership: Sendable {
    private let owner: (user: uid_t, group: gid_t)?

    /// - Parameter root: the nearest directory that exists counts.
    public init(of root: String) {
        var path = root
        var status = stat()
        while stat(path, &status) != 0, path != "/", !path.isEmpty { path = parent(of: path) }
        let isOurs = status.st_uid == geteuid() && status.st_gid == getegid()
        owner = geteuid() == 0 && !isOurs ? (status.st_uid, status.st_gid) : nil
    }

    func apply(to descriptor: Int32, path: String) throws {
        guard let owner else { return }
        try systemCall("give to its owner", path) { fchown(descriptor, owner.user, owner.group) }
    }

    func apply(to path: String) throws {
        guard let owner else { return }
        try systemCall("give to its owner", path) { chown(path, owner.user, owner.group) }
    }
}
