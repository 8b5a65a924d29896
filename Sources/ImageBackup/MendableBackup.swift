import ByteStreams
package import FileTrees
package import ImageLayouts
package import ImageModel
package import ImageTransfer
import ImageVerification

/// A backup whose snapshots are to be put right: blobs come back under their digests, documents and links under their
/// paths. No image is added, and none is named.
package final class MendableBackup: FillsLayout, MendablePlace, OccupiesDisk {
    private let backup: Backup
    package let blobs: LayoutBlobs
    private let quarantine: Quarantine?
    private let root: LazyDirectory
    private let staging: LazyStagingArea

    init(_ backup: Backup, quarantine: Quarantine?) {
        self.backup = backup
        self.quarantine = quarantine
        blobs = LayoutBlobs(root: backup.path)
        root = LazyDirectory(backup.path, shared: OCIPaths.blobs)
        staging = LazyStagingArea(root, quarantine: quarantine)
    }

    package var title: String { backup.path }
    package var requestedName: String? { nil }
    package var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.holdsSchema1 = true
        traits.isOneRepository = true
        return traits
    }

    package func area() throws -> StagingArea { try staging.area() }

    package func begin(_ images: AnnouncedImages, areCertain: Bool) async throws {}

    package func digest(of name: ImageName) async throws -> Digest? { nil }
    package func freeSpace() async throws -> Int64? { try ByteStreams.freeSpace(at: backup.path) }
    package func writeObstacle() async throws -> String? { WriteObstacle.find(at: [backup.path]) }

    package func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        throw ImageError.refused("\(title): a snapshot is not changed, and \(name) is not named in it")
    }

    /// A document or a link, while nobody adds or takes away a snapshot.
    package func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            let root = try root.made()
            let lock = try backup.lockUnchecked(.exclusive, BackupPaths.snapshots, in: root)
            defer { withExtendedLifetime(lock) {} }
            if path == BackupPaths.latest {
                // There may be a newer one by now.
                guard let newest = try backup.newestID(in: root) else { return }
                try area().link(path, to: "\(newest)")
            } else if lastComponent(of: path) == OCIPaths.blobs {
                try area().link(path, to: String(decoding: bytes, as: UTF8.self))
            } else if path == BackupPaths.marker || !LayoutDocuments.isSound(path, in: root, by: BackupAudit.check) {
                try area().write(bytes, to: path)
            }
        }
    }

    /// Two backups may have made a snapshot in the same moment.
    package func owns(
        _ list: [UInt8], at path: String, reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool {
        guard lastComponent(of: path) == BackupPaths.document else {
            return try await blobs.owns(list, at: path, reading: read)
        }
        return try await Workers.blobs.run { [self] in
            try SnapshotDocument(reading: BytesSource(list), name: path).repositories.contains {
                try fileKind("\(backup.path)/\(parent(of: path))/\(BackupPaths.layout(of: $0))") == .directory
            }
        }
    }

    package func keptReplaced() throws -> String? { try quarantine?.settle() }
    package func finish() async throws { staging.close() }
    package func abandon() async { staging.close() }
}

extension Backup {
    /// To be verified, or mended from.
    package func verifiedPlace() async throws -> BackupAudit {
        try await Workers.blobs.run { [self] in try BackupAudit(self) }
    }

    /// To be mended.
    ///
    /// - Parameter keepsReplaced: whether what is replaced goes into `.dray/quarantine`.
    package func mendablePlace(keepsReplaced: Bool) throws -> MendableBackup {
        MendableBackup(self, quarantine: keepsReplaced ? try Quarantine(root()) : nil)
    }
}
