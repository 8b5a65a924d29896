import ByteStreams
import ImageModel

/// The blobs of a store that nothing refers to.
struct UnreferencedBlobs: Sendable {
    struct Blob: Sendable {
        var digest: PackedDigest
        /// Bytes.
        var size: Int64
    }

    var blobs: [Blob] = []
    /// Nothing refers to them, but they came or were asked after lately.
    var young = 0
    /// Directories without a blob in them, below `blobs/sha256`.
    var emptyDirectories: [String] = []
    var notes: [String] = []

    /// Looks through one of the 256 directories.
    ///
    /// - Parameter isKept: called for everything that is there, so nothing but what may go is looked at.
    static func find(
        in folder: DirectoryHandle, _ name: String, cutoff: Int64, isKept: (PackedDigest) -> Bool
    ) throws -> UnreferencedBlobs {
        var found = UnreferencedBlobs()
        let entries = try folder.entries()
        func isOld(_ path: String) throws -> Bool { try folder.status(path).map { $0.changed < cutoff } ?? false }
        if entries.isEmpty, try isOld(".") { found.emptyDirectories.append(name) }
        for entry in entries {
            guard let digest = PackedDigest(hex: entry.name), entry.kind == .directory, entry.name.hasPrefix(name)
            else {
                if entry.kind != .link || PackedDigest(hex: entry.name).map({ !isKept($0) }) ?? true {
                    found.notes.append("blobs/sha256/\(name)/\(entry.name) is nothing that a registry writes: it stays")
                }
                continue
            }
            if isKept(digest) { continue }
            guard let status = try folder.status("\(entry.name)/data", followsLinks: false) else {
                if try isOld(entry.name) { found.emptyDirectories.append("\(name)/\(entry.name)") }
                continue
            }
            if status.changed >= cutoff {
                found.young += 1
            } else {
                found.blobs.append(Blob(digest: digest, size: status.size))
            }
        }
        return found
    }

    mutating func add(_ other: UnreferencedBlobs) {
        blobs += other.blobs
        young += other.young
        emptyDirectories += other.emptyDirectories
        notes += other.notes
    }
}
