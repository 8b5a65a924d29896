import Glibc
import ImageModel

/// Whether this process runs as root, whom no permissions stop.
private let isRoot = geteuid() == 0

/// The user who owns a place in which root works. They can move into it what belongs to others, and what they may neither
/// read nor remove themselves: root does not do that for them.
struct PlaceOwner: Sendable {
    private let user: uid_t
    /// Shares the place; nil for root's group, which directories have that root gave to somebody.
    private let group: gid_t?

    /// - Returns: nil for a directory of root's, and unless this process is root.
    init?(of directory: Int32, path: String) throws {
        guard isRoot else { return nil }
        let status = try Self.status(directory, path)
        guard status.st_uid != 0 else { return nil }
        user = status.st_uid
        group = status.st_gid == 0 ? nil : status.st_gid
    }

    private static func status(_ descriptor: Int32, _ path: String) throws -> stat {
        var status = stat()
        try systemCall("look at", path) { fstat(descriptor, &status) }
        return status
    }

    /// - Parameter wanted: permissions, as of the mode's last digit.
    private func may(_ wanted: mode_t, _ status: stat) -> Bool {
        status.st_uid == user || status.st_mode & wanted == wanted
            || status.st_gid == group && status.st_mode >> 3 & wanted == wanted
    }

    /// - Parameters:
    ///   - opened: in the place.
    ///   - flags: what it was opened with.
    /// - Returns: the user to whom it belongs, if they have closed it to the place's owner.
    func closer(of opened: Int32, _ flags: Int32) -> uid_t? {
        let isLookedAt = flags & lookOnly != 0
        if isLookedAt, flags & O_DIRECTORY == 0 { return nil }
        var status = stat()
        // What is open can be looked at.
        guard fstat(opened, &status) == 0 else { return nil }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        let wanted: mode_t = (isLookedAt ? 0 : 0o4) | (isDirectory ? 0o1 : 0)
        return may(wanted, status) ? nil : status.st_uid
    }

    /// The error that what is closed to the place's owner is not read.
    func refusal(ofUser closer: uid_t, path: String) -> ImageError {
        .damaged(
            "\(path) belongs to user \(closer), and user \(user), who owns the place it is in, may not read it, so root "
                + "does not read it there; move it away, or give it to user \(user): \(command(path))")
    }

    /// - Throws: that error.
    func check(_ opened: Int32, _ flags: Int32, path: String) throws {
        if let closer = closer(of: opened, flags) { throw refusal(ofUser: closer, path: path) }
    }

    /// - Returns: the error that a directory in the place is not emptied; nil for one in which the place's owner may
    ///   remove everything.
    func refusalToEmpty(_ directory: Int32, path: String) throws -> ImageError? {
        let status = try Self.status(directory, path)
        // In a sticky directory, everybody removes only what is theirs.
        if status.st_uid == user || may(0o3, status) && status.st_mode & S_ISVTX == 0 { return nil }
        return .damaged(
            "\(path) belongs to user \(status.st_uid), and user \(user), who owns the place it is in, may not remove it, "
                + "so root does not remove it there; move it away, or give it to user \(user): \(command(path))")
    }

    private func command(_ path: String) -> String { "chown -R \(user) \(shellWord(path))" }
}
