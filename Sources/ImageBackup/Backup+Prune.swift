import ByteStreams
import FileTrees
import ImageLayouts
package import ImageModel

extension Backup {
    /// Removes the blobs that no snapshot needs.
    ///
    /// - Throws: `ImageError.refused` while a backup or a restore is running; `ImageError.damaged`,
    ///   `ImageError` while a manifest cannot be read, since that may need any blob.
    package func prune(dryRun: Bool = false) async throws -> PruneReport {
        try await Workers.blobs.run { [self] in
            let root = try root()
            let locks = try [BackupPaths.snapshots, OCIPaths.blobs].map {
                try dryRun ? share($0, in: root) : lock(.exclusive, $0, in: root)
            }
            defer { withExtendedLifetime(locks) {} }
            if !dryRun { _ = try StagingArea(root) }
            var contents = BackupContents(in: root)
            for snapshot in try readSnapshots(in: root) {
                // It may need any blob.
                if let problem = try contents.needs(of: snapshot).problems.first { throw problem.error }
            }
            let needed = Set(contents.digests)
            var report = PruneReport(isDryRun: dryRun)
            for algorithm in Digest.Algorithm.allCases {
                let directory = "\(OCIPaths.blobs)/\(algorithm.rawValue)"
                for name in try root.list(directory) ?? [] {
                    let file = "\(directory)/\(name)"
                    guard let digest = Digest(algorithm, hex: name) else {
                        report.notes.append("\(path)/\(file) is no blob, and is left")
                        continue
                    }
                    guard !needed.contains(digest) else {
                        report.kept += 1
                        continue
                    }
                    report.digests.append(digest)
                    report.bytes = report.bytes.addingSaturated(try root.status(file)?.size ?? 0)
                    if !dryRun { try root.removeFile(file) }
                }
            }
            return report
        }
    }
}

/// The files that `prune` has removed, or would remove.
package struct PruneReport: Sendable {
    package var digests: [Digest] = []
    package var bytes: Int64 = 0
    /// How many blobs stay.
    package var kept = 0
    /// Files among the blobs that are not blobs.
    package var notes: [String] = []
    package var isDryRun = false
}
