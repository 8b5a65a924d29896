import ImageBackup
import ImageModel
import ImageTransfer

/// A backup, as it is printed: what was new, and the snapshot.
struct BackupListing {
    struct Document: Encodable, Sendable {
        /// nil in a dry run.
        var snapshot: SnapshotID?
        var repositories: Int
        var bytesMoved: Int64
        var bytesSkipped: Int64
        /// On the backup's filesystem.
        var bytesFree: Int64?
        var dryRun: Bool?
        var images: [CopyListing.Row]
    }

    let report: CopyReport
    let snapshot: Snapshot?
    let freeBytes: Int64?

    private var repositories: Int { Set(report.images.lazy.map(\.name.repository)).count }

    var failures: [String] { CopyListing(report).failures }

    var document: Document {
        Document(
            snapshot: snapshot?.id, repositories: repositories, bytesMoved: report.bytesMoved,
            bytesSkipped: report.bytesSkipped, bytesFree: freeBytes, dryRun: report.isDryRun ? true : nil,
            images: CopyListing(report).rows)
    }

    var lines: [String] { CopyListing(report).lines + summary }

    /// All but the images.
    var summary: [String] {
        let repositories = repositories
        let counts =
            "\(repositories == 1 ? "1 repository" : "\(repositories) repositories"), "
            + "\(report.images.count == 1 ? "1 image" : "\(report.images.count) images"): "
        var last: [String] = []
        if report.isDryRun {
            last = ["\(counts)\(report.bytesMoved) bytes to fetch, \(report.bytesSkipped) bytes there already"]
            if let freeBytes {
                last.append(
                    "\(report.bytesMoved) bytes of disk needed, \(freeBytes) bytes free"
                        + (report.disks.first?.problem.map { ": \($0)" } ?? ""))
            }
        } else if let snapshot {
            last = [
                "snapshot \(snapshot.id): \(counts)\(report.bytesMoved) bytes moved, \(report.bytesSkipped) bytes "
                    + "were there already"
            ]
        }
        return last
    }
}
