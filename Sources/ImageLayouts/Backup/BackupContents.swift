import ByteStreams
import ImageModel
import ImageTransfer

/// What snapshots need of a backup's blobs. Each manifest is read once, however many snapshots have it.
struct BackupContents {
    private let backup: Backup
    /// What manifests refer to directly.
    private var parts: [Digest: Parts] = [:]

    private struct Parts {
        /// Those that may be manifests themselves.
        var children: [Descriptor] = []
        var blobs: [Digest] = []
    }

    init(_ backup: Backup) { self.backup = backup }

    struct Needs {
        var digests: Set<Digest> = []
        var tags = 0
    }

    /// - Throws: `TransferError` or `DocumentError` if something cannot be read that may need any blob.
    mutating func needs(of snapshot: Snapshot) throws -> Needs {
        var needs = Needs()
        // What one entry calls a manifest, another may call a blob.
        var walked: Set<Digest> = []
        for repository in snapshot.repositories {
            let layout = backup.layout(of: repository, in: snapshot.id)
            let entries = try layout.index()
            needs.tags += entries.count { $0.name != .none }
            var waiting = entries.map(\.descriptor)
            while let next = waiting.popLast() {
                needs.digests.insert(next.digest)
                guard next.mayBeManifest, walked.insert(next.digest).inserted else { continue }
                let parts = try parts(of: next, in: layout)
                waiting += parts.children
                needs.digests.formUnion(parts.blobs)
            }
        }
        return needs
    }

    private mutating func parts(of entry: Descriptor, in layout: OCISource) throws -> Parts {
        if let known = parts[entry.digest] { return known }
        do {
            let manifest = try layout.manifest(of: entry)
            let blobs = manifest.blobs.filter { !$0.staysAway }
            let found =
                manifest.kind == .index
                ? Parts(children: manifest.children + blobs) : Parts(blobs: blobs.map(\.digest))
            parts[entry.digest] = found
            return found
        } catch is DocumentError where !entry.mediaType.isManifest {
            return Parts()
        }
    }
}
