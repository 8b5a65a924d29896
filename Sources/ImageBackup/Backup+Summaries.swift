import ByteStreams
import FileTrees
import ImageLayouts
import ImageModel

extension Backup {
    /// Of all snapshots, oldest first.
    package func summaries() async throws -> [SnapshotSummary] {
        try await Workers.blobs.run { [self] in
            let root = try root()
            let snapshots = try readSnapshots(in: root)
            let tree = DirectoryTree(root)
            var contents = BackupContents(in: root)
            let needs = try snapshots.map { try contents.needs(of: $0) }
            let sizes = try contents.digests.map { try tree.size(of: OCIPaths.blob($0)) ?? 0 }
            var counts = [Int32](repeating: 0, count: sizes.count)
            for blob in needs.lazy.flatMap(\.blobs) { counts[Int(blob)] += 1 }
            return zip(snapshots, needs).map { snapshot, needs in
                var summary = SnapshotSummary(
                    snapshot: snapshot, tags: needs.tags, bytes: 0, uniqueBytes: 0, problems: needs.problems)
                for blob in needs.blobs {
                    let size = sizes[Int(blob)]
                    summary.bytes = summary.bytes.addingSaturated(size)
                    if counts[Int(blob)] == 1 { summary.uniqueBytes = summary.uniqueBytes.addingSaturated(size) }
                }
                return summary
            }
        }
    }
}

/// The numbers and sizes of a snapshot.
package struct SnapshotSummary: Sendable {
    /// A repository that cannot be read.
    package struct Problem: Sendable {
        package var repository: String
        package var error: any Error
    }

    package var snapshot: Snapshot
    package var tags: Int
    /// Bytes of all its blobs, each counted once.
    package var bytes: Int64
    /// Bytes of the blobs that no other snapshot has: they are freed with the snapshot.
    package var uniqueBytes: Int64
    /// Repositories that are not counted.
    package var problems: [Problem]
}
