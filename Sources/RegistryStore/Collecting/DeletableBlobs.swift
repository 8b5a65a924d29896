import ByteStreams
import ImageModel

/// The blobs of a store that no manifest needs.
struct DeletableBlobs: Sendable {
    struct Blob: Sendable {
        var digest: PackedDigest
        /// Bytes.
        var size: Int64
    }

    /// Blobs to delete.
    var blobs: [Blob] = []
    /// Blobs that the grace time still protects.
    var waiting = CollectionReport.Waiting()
    /// Directories without a blob in them, below `blobs/sha256`.
    var emptyDirectories: [String] = []
    var notes: [String] = []

    /// Looks through one of the 256 directories.
    ///
    /// - Parameters:
    ///   - isKept: called for each blob first, so that only deletable blobs are examined.
    ///   - heldSince: when a link that protects the blob was last touched, in nanoseconds since 1970; nil without one.
    static func find(
        in folder: DirectoryHandle, _ name: String, ages: CollectionAges, isKept: (PackedDigest) -> Bool,
        heldSince: (PackedDigest) -> Int64?
    ) throws -> DeletableBlobs {
        var found = DeletableBlobs()
        let entries = try folder.entries()
        func isOld(_ path: String) throws -> Bool { try folder.status(path).map { $0.changed < ages.cutoff } ?? false }
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
            found.add(
                Blob(digest: digest, size: status.size), changed: status.changed, heldSince: heldSince(digest), ages)
        }
        return found
    }

    /// Adds a blob that no manifest needs.
    ///
    /// - Parameters:
    ///   - changed: when it was last written or touched, in nanoseconds since 1970.
    ///   - heldSince: when a link that protects it was; nil without one.
    mutating func add(_ blob: Blob, changed: Int64, heldSince: Int64?, _ ages: CollectionAges) {
        let touched = changed >= ages.cutoff(blob: blob.digest) ? changed : nil
        if let latest = [touched, heldSince].compactMap({ $0 }).max() {
            waiting.add(bytes: blob.size, until: ages.end(ofWaitSince: latest))
        } else {
            blobs.append(blob)
        }
    }

    mutating func add(_ other: DeletableBlobs) {
        blobs += other.blobs
        waiting.add(other.waiting)
        emptyDirectories += other.emptyDirectories
        notes += other.notes
    }
}
