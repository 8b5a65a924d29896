import ByteStreams
import FileTrees
import ImageLayouts
public import ImageModel
public import ImageTransfer
public import ImageVerification

/// A backup whose snapshots are to be put right: blobs come back under their digests, documents and links under their
/// paths. No image is added, and none is named.
public final class MendableBackup: MendablePlace {
    private let backup: Backup
    private let blobs: LayoutBlobs
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

    public var title: String { backup.path }
    public var requestedName: String? { nil }
    public var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.holdsSchema1 = true
        traits.isOneRepository = true
        return traits
    }

    public func begin(_ images: AnnouncedImages, areCertain: Bool) async throws {}

    public func has(_ blob: Descriptor, in repository: String) async throws -> Bool { try blobs.has(blob) }

    public func has(manifest: Digest, in repository: String) async throws -> Bool {
        try await Workers.blobs.run { [self] in try blobs.has(manifest: manifest) }
    }

    public func digest(of name: ImageName) async throws -> Digest? { nil }
    public func freeSpace() async throws -> Int64? { try ByteStreams.freeSpace(at: backup.path) }

    public func writer(for target: BlobTarget) throws -> any BlobWriter {
        try blobs.writer(in: staging.area(), replaces: target.replaces)
    }

    public func put(_ manifest: Manifest, in repository: String) async throws {
        try await Workers.blobs.run { [self] in try blobs.put(manifest, in: staging.area()) }
    }

    public func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        throw TransferError.refused("\(title): a snapshot is not changed, and \(name) is not named in it")
    }

    /// A document or a link, while nobody adds or takes away a snapshot.
    public func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            let root = try root.made()
            let lock =
                try root.hasDirectory(BackupPaths.snapshots)
                ? backup.lockUnchecked(.exclusive, BackupPaths.snapshots, in: root) : nil
            defer { withExtendedLifetime(lock) {} }
            if path == BackupPaths.latest {
                // There may be a newer one by now.
                guard let newest = try backup.newestID(in: root) else { return }
                try staging.area().link(path, to: "\(newest)")
            } else if lastComponent(of: path) == OCIPaths.blobs {
                try staging.area().link(path, to: String(decoding: bytes, as: UTF8.self))
            } else if path == BackupPaths.marker || !LayoutDocuments.isSound(path, in: root, by: BackupAudit.check) {
                try staging.area().write(bytes, to: path)
            }
        }
    }

    /// Two backups may have made a snapshot in the same moment.
    public func owns(
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

    public func keptReplaced() throws -> String? { try quarantine?.settle() }
    public func finish() async throws { staging.close() }
    public func abandon() async { staging.close() }
}

extension Backup {
    /// To be verified, or mended from.
    public func verifiedPlace() async throws -> BackupAudit {
        try await Workers.blobs.run { [self] in try BackupAudit(self) }
    }

    /// To be mended.
    ///
    /// - Parameter keepsReplaced: whether what is replaced goes into `.dray/quarantine`.
    public func mendablePlace(keepsReplaced: Bool) throws -> MendableBackup {
        MendableBackup(self, quarantine: keepsReplaced ? try Quarantine(root()) : nil)
    }
}
