import ByteStreams
import ImageModel

extension Backup {
    /// Removes the blobs that no snapshot needs.
    ///
    /// - Throws: `TransferError.refused` while a backup or a restore is running; `TransferError.damaged`,
    ///   `DocumentError` while a manifest cannot be read, since that may need any blob.
    public func prune(dryRun: Bool = false) async throws -> PruneReport {
        try await Workers.blobs.run { [self] in
            let locks = [try lock(.exclusive, BackupPaths.snapshots), try lock(.exclusive, OCIPaths.blobs)]
            defer { withExtendedLifetime(locks) {} }
            if !dryRun { _ = try StagingArea(root: path, shared: OCIPaths.blobs) }
            let tree = DirectoryTree(path, shared: OCIPaths.blobs)
            var contents = BackupContents(self)
            for snapshot in try readSnapshots() {
                // It may need any blob.
                if let problem = try contents.needs(of: snapshot).problems.first { throw problem.error }
            }
            let needed = Set(contents.digests)
            var report = PruneReport(isDryRun: dryRun)
            for algorithm in Digest.Algorithm.allCases {
                let directory = "\(OCIPaths.blobs)/\(algorithm.rawValue)"
                for name in try tree.list(directory) ?? [] {
                    let file = "\(path)/\(directory)/\(name)"
                    guard let digest = Digest(algorithm, hex: name) else {
                        report.notes.append("\(file) is no blob, and is left")
                        continue
                    }
                    guard !needed.contains(digest) else {
                        report.kept += 1
                        continue
                    }
                    report.digests.append(digest)
                    report.bytes = report.bytes.addingSaturated(try fileSize(file) ?? 0)
                    if !dryRun { try removeFile(file) }
                }
            }
            return report
        }
    }
}
