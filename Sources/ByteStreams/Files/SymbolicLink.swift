import Glibc
import ImageModel

/// How far symbolic links below a directory are followed by whoever reads there. Whoever writes follows none out of it.
package enum LinkReach: Sendable {
    /// To what is below the directory.
    case inside
    /// Anywhere, if the link is trusted; else to what is below the directory.
    case trusted
    /// Anywhere, if the link is trusted: from the root, or where this process is, to what somebody named.
    case named
    /// Anywhere: what is found there is only looked at.
    case anywhere
}

/// Whether a user is root or the user of this process.
package func isOwnOrRoots(_ owner: UInt32) -> Bool { owner == 0 || owner == geteuid() }

/// A symbolic link, looked at without following it.
struct SymbolicLink {
    /// Its text.
    let target: String
    /// The user who decides what is at its path: who made it; or who owns the directory it is in, and can give its name to
    /// any link there.
    let owner: uid_t
    private let isOwnersOwn: Bool

    /// Whether it is trusted with what it leads to: root decides about it, or the user of this process, or whoever owns
    /// that anyhow. So nobody has others read or change with it what is not theirs.
    ///
    /// - Parameter target: what it leads to, open.
    func isTrusted(with target: Int32, path: String) throws -> Bool {
        if isOwnOrRoots(owner) { return true }
        var status = stat()
        try systemCall("look at", path) { fstat(target, &status) }
        return status.st_uid == owner
    }

    /// - Parameters:
    ///   - descriptor: opened with `O_PATH` and `O_NOFOLLOW`.
    ///   - directory: that it is in.
    /// - Returns: nil for anything else than a link.
    init?(of descriptor: Int32, in directory: Int32, path: String) throws {
        var status = stat()
        try systemCall("look at", path) { fstat(descriptor, &status) }
        guard status.st_mode & S_IFMT == S_IFLNK else { return nil }
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try systemCall("read the link", path) { readlinkat(descriptor, "", &text, text.count) }
        target = String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if isOwnOrRoots(status.st_uid) {
            var holder = stat()
            try systemCall("look at", path) { fstat(directory, &holder) }
            // Its owner may rename what is in a directory, be it sticky or not.
            isOwnersOwn = isOwnOrRoots(holder.st_uid)
            owner = isOwnersOwn ? status.st_uid : holder.st_uid
        } else {
            isOwnersOwn = true
            owner = status.st_uid
        }
    }

    /// The error that a link is not followed.
    func refusal(_ path: String) -> ImageError {
        .damaged(
            isOwnersOwn
                ? "\(path) is a link of user \(owner) that leads to what is not theirs, so it is not followed; make it anew as "
                    + "root, or name what it leads to"
                : "\(path) is a link in a directory of user \(owner), who can put any link there, and leads to what is not "
                    + "theirs, so it is not followed; name what it leads to")
    }
}

/// The one directory in another that may be a link to elsewhere.
struct SharedDirectory: Sendable {
    let name: String
    /// What the link leads to.
    let directory: DirectoryHandle
    /// nil if whoever made the link may choose what others read and change.
    private let refusal: ImageError?
    /// nil if it belongs to whom the directory with the link belongs to. What root makes in one of them would else be
    /// in the hands of the other's owner.
    private let writeRefusal: ImageError?

    /// - Returns: nil unless there is such a link, and it leads to a directory.
    init?(_ name: String, in parent: DirectoryHandle, reach: LinkReach) throws {
        guard let link = try parent.link(name) else { return nil }
        let path = "\(parent.path)/\(name)"
        var refusal: ImageError?
        var followed: Int32?
        let links = DirectoryHandle.LinkBudget()
        links.note(link)
        do {
            followed = try parent.follow(link.target, O_DIRECTORY, links: links)
        } catch let error as ImageError where error.code == .damaged {
            refusal = error
            followed = try openIfThere(link.target, from: parent.descriptor, O_DIRECTORY, "open", path)
        }
        guard let target = followed else { return nil }
        self.name = name
        directory = try DirectoryHandle.place(path, target, reach)
        if refusal == nil, try !link.isTrusted(with: target, path: path) { refusal = link.refusal(path) }
        self.refusal = refusal
        var (own, other) = (stat(), stat())
        try systemCall("look at", parent.path) { fstat(parent.descriptor, &own) }
        try systemCall("look at", path) { fstat(target, &other) }
        writeRefusal =
            geteuid() != 0 || own.st_uid == other.st_uid
            ? nil
            : .damaged(
                "\(path) is a link to a directory of user \(other.st_uid), and lies in one of user \(own.st_uid), so root "
                    + "writes nothing there; let both belong to one user, or run dray as one")
    }

    /// - Throws: `ImageError.damaged` unless it may be read, or written to.
    func checkTrust(isWriting: Bool) throws {
        if let refusal { throw refusal }
        if isWriting, let writeRefusal { throw writeRefusal }
    }
}
