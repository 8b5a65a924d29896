import ByteStreams
import ImageModel

extension Backup {
    /// Of all snapshots, oldest first.
    public func summaries() async throws -> [SnapshotSummary] {
        try await Workers.blobs.run { [self] in
            let snapshots = try readSnapshots()
            let blobs = LayoutBlobs(root: path)
            var contents = BackupContents(self)
            let needs = try snapshots.map { try contents.needs(of: $0) }
            var sizes: [Digest: Int64] = [:]
            var counts: [Digest: Int] = [:]
            for digest in needs.lazy.flatMap(\.digests) {
                counts[digest, default: 0] += 1
                if sizes[digest] == nil { sizes[digest] = try fileSize(blobs.path(of: digest)) ?? 0 }
            }
            return zip(snapshots, needs).map { snapshot, needs in
                var summary = SnapshotSummary(snapshot: snapshot, tags: needs.tags, bytes: 0, uniqueBytes: 0)
                for digest in needs.digests {
                    let size = sizes[digest] ?? 0
                    summary.bytes = summary.bytes.addingSaturated(size)
                    if counts[digest] == 1 { summary.uniqueBytes = summary.uniqueBytes.addingSaturated(size) }
                }
                return summary
            }
        }
    }
}
