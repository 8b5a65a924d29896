/// How many members a tar has, and how long their paths are: readers have limits for both, which writers keep to.
package struct TarSize: Sendable {
    /// Members that an archive may have.
    package static let memberLimit = 1_000_000
    /// Bytes of all their paths and links' targets together.
    package static let pathLimit = 128 << 20

    /// Members so far.
    package private(set) var members = 0
    private var pathBytes = 0

    package init() {}

    /// Adds a member.
    ///
    /// - Returns: what the archive has too much of, as "more than 5 members"; nil if it has not.
    package mutating func add(path: String) -> String? {
        members += 1
        guard members <= Self.memberLimit else { return "more than \(Self.memberLimit) members" }
        return add(text: path)
    }

    /// Adds a link's target, likewise.
    package mutating func add(text: String) -> String? {
        pathBytes += text.utf8.count
        guard pathBytes <= Self.pathLimit else { return "members' paths of more than \(Self.pathLimit) bytes together" }
        return nil
    }
}
