import FileTrees
import ImageLayouts

/// Where things are in a backup: in parts that every tool for OCI layouts reads.
///
/// ```
/// backup.json                              {"version":1}: that this is a backup
/// blobs/sha256/<hex>                       what the snapshots hold, each thing once
/// snapshots/<id>/_snapshot.json            what was backed up: see Snapshot
/// snapshots/<id>/<repository>/             an OCI image layout: see OCIPaths; entries are named by their tags
///     blobs -> ../../../blobs
/// snapshots/latest -> <id>
/// .dray/staging/                           while dray writes: files and snapshots without names yet
/// .dray/lock/snapshots, .dray/lock/blobs   see below
/// .dray/layers                             see LayerMemory; may be removed
/// ```
/// A schema1 manifest lies under the digest it goes by, which is that of its payload, without the signatures.
///
/// Whoever adds a snapshot or takes one away locks `.dray/lock/snapshots`; whoever needs blobs to stay has a share of a lock
/// on `.dray/lock/blobs`, and whoever removes them has that alone. Only those who may write in the backup can lock anything
/// there; others read without a lock.
enum BackupPaths {
    static let marker = ImageForm.backupMark
    static let snapshots = ImageForm.backupSnapshots
    static let latest = "\(snapshots)/latest"
    static let locks = ".dray/lock"
    /// No repository is called so: their names do not begin with `_`.
    static let document = "_snapshot.json"

    static func snapshot(_ id: SnapshotID) -> String { "\(snapshots)/\(id)" }

    /// What a layout has in it, and therefore no repository's directory can be called.
    static let layoutParts: Set = [OCIPaths.blobs, OCIPaths.index, OCIPaths.layout]

    /// Below a snapshot. What a layout has in it is no part of a repository's name there: `a/blobs` is `a/_blobs`.
    static func layout(of repository: String) -> String {
        repository.split(separator: "/").map { layoutParts.contains(String($0)) ? "_\($0)" : String($0) }
            .joined(separator: "/")
    }

    /// Whose layout it is: no part of a repository's name begins with `_`.
    static func repository(ofLayout path: String) -> String {
        path.split(separator: "/").map { $0.hasPrefix("_") ? String($0.dropFirst()) : String($0) }
            .joined(separator: "/")
    }

    /// What `blobs` in a repository's layout says: out of the repository, the snapshot, and the snapshots.
    static func blobsLink(of repository: String) -> String {
        String(repeating: "../", count: layout(of: repository).split(separator: "/").count + 2) + OCIPaths.blobs
    }
}
