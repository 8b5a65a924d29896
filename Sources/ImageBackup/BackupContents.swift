import ByteStreams
import FileTrees
import ImageLayouts
import ImageModel
import ImageTransfer

/// What snapshots need of a backup's blobs. Each manifest is read once, however many snapshots have it, and each digest is
/// in memory once: elsewhere it is its position.
struct BackupContents {
    private let tree: DirectoryTree
    private(set) var digests: [Digest] = []
    private var positions: [Digest: Int32] = [:]
    /// What manifests refer to directly, by their positions.
    private var parts: [Int32: Parts] = [:]

    private struct Parts {
        /// Those that may be manifests themselves.
        var children: [Descriptor] = []
        var blobs: [Int32] = []
    }

    /// - Parameter root: the backup's.
    init(in root: DirectoryHandle) { tree = DirectoryTree(root) }

    /// What one snapshot needs.
    struct Needs {
        /// Positions of digests, each once.
        fileprivate(set) var blobs: [Int32] = []
        fileprivate(set) var tags = 0
        fileprivate(set) var problems: [SnapshotSummary.Problem] = []
    }

    private mutating func position(of digest: Digest) -> Int32 {
        if let known = positions[digest] { return known }
        let new = Int32(digests.count)
        digests.append(digest)
        positions[digest] = new
        return new
    }

    /// What can be told of a snapshot whose repositories may not all be readable.
    mutating func needs(of snapshot: Snapshot) throws -> Needs {
        var needs = Needs()
        var needed: [Bool] = []
        // What one entry calls a manifest, another may call a blob.
        var walked: [Bool] = []
        for repository in snapshot.repositories {
            do {
                try add(repository, of: snapshot, to: &needs, &needed, &walked)
            } catch let error where BrokenImage(name: .none, error: error) != nil {
                needs.problems.append(SnapshotSummary.Problem(repository: repository, error: error))
            }
        }
        return needs
    }

    private mutating func add(
        _ repository: String, of snapshot: Snapshot, to needs: inout Needs, _ needed: inout [Bool],
        _ walked: inout [Bool]
    ) throws {
        let layout = Backup.layout(of: repository, in: snapshot.id, tree)
        let entries = try layout.index()
        needs.tags += entries.count { $0.name != .none }
        var waiting = entries.map(\.descriptor)
        while let next = waiting.popLast() {
            let position = position(of: next.digest)
            if needed.mark(position) { needs.blobs.append(position) }
            guard next.mayBeManifest, walked.mark(position) else { continue }
            let parts = try parts(of: next, at: position, in: layout)
            waiting += parts.children
            for blob in parts.blobs where needed.mark(blob) { needs.blobs.append(blob) }
        }
    }

    private mutating func parts(of entry: Descriptor, at position: Int32, in layout: OCISource) throws -> Parts {
        if let known = parts[position] { return known }
        do {
            let manifest = try layout.manifest(of: entry)
            let blobs = manifest.blobs.filter { !$0.staysAway }
            var found = Parts()
            if manifest.kind == .index {
                found.children = manifest.children + blobs
            } else {
                found.blobs = blobs.map { self.position(of: $0.digest) }
            }
            parts[position] = found
            return found
        } catch let error as ImageError where error.code == .invalidDocument && !entry.mediaType.isManifest {
            return Parts()
        }
    }
}

extension [Bool] {
    /// - Returns: whether it was not marked before.
    fileprivate mutating func mark(_ position: Int32) -> Bool {
        let position = Int(position)
        if position >= count { append(contentsOf: repeatElement(false, count: position + 1 - count)) }
        defer { self[position] = true }
        return !self[position]
    }
}
