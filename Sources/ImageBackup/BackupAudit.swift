package import ByteStreams
import FileTrees
import ImageLayouts
package import ImageModel
package import ImageTransfer
package import ImageVerification

/// A backup as a whole, to be verified: all snapshots, each with what it says of itself, and all blobs. As a source of
/// images it is its newest snapshot, and gives what any of them has to whoever knows its digest.
///
/// As long as this lives, no blob is removed.
package struct BackupAudit: VerifiedPlace {
    private let backup: Backup
    private let lock: DirectoryLock?
    private let root: DirectoryHandle
    private let tree: DirectoryTree
    /// The blobs, for an OCI layout's are at the same paths.
    private let content: OCISource

    /// - Throws: `ImageError.refused` while blobs are removed, or if a later dray wrote the backup;
    ///   `ImageError.notFound` if there is none.
    init(_ backup: Backup) throws {
        guard Backup.isThere(backup.path) else { throw ImageError.notFound("\(backup.path) is no backup") }
        self.backup = backup
        root = try backup.root()
        tree = DirectoryTree(root)
        content = OCISource(tree)
        lock = try backup.share(OCIPaths.blobs, in: root)
        _ = try marker()
    }

    // MARK: As a source

    package var title: String { backup.path }
    /// Every image has a repository.
    package var madeUpRepository: String { "image" }

    package func listing() async throws -> SourceListing { try await newest().listing() }

    private func newest() async throws -> SnapshotSource {
        let newest = try await Workers.blobs.run { [backup, root] in try backup.readSnapshots(in: root).last }
        guard let newest else { throw ImageError.notFound("\(title) has no snapshot") }
        return SnapshotSource(backup, newest, in: root, lock: lock)
    }

    package func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await content.manifest(descriptor, in: nil)
    }

    package func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        try await content.blob(descriptor, in: nil)
    }

    package func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await newest().referrers(of: digest, in: repository)
    }

    // MARK: To be verified

    package func stamp(of blob: Descriptor, in repository: String?) async throws -> String? {
        try await content.stamp(of: blob, in: nil)
    }

    /// What a copy of this backup has at the same path. One that is damaged would bring nothing back.
    package func listFile(_ name: String) async throws -> [UInt8]? {
        let documents: Set = [OCIPaths.layout, OCIPaths.index, BackupPaths.document]
        guard name.hasPrefix("\(BackupPaths.snapshots)/"), documents.contains(lastComponent(of: name)) else {
            return nil
        }
        return try await Workers.blobs.run { [tree] in
            let bytes = try tree.read(name, limit: Document.listSizeLimit)
            if let bytes { try Self.check(BytesSource(bytes), at: name) }
            return bytes
        }
    }

    /// - Parameter path: of a document in a snapshot.
    /// - Throws: `ImageError` if it is not what one of that name has to be.
    static func check(_ source: any ByteSource, at path: String) throws {
        if lastComponent(of: path) == BackupPaths.document {
            _ = try SnapshotDocument(reading: source, name: path)
        } else {
            try LayoutDocuments.check(source, at: path)
        }
    }

    package func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey {
        guard name == nil, digest == nil else {
            var survey = PlaceSurvey(try await listing(named: name, digest: digest))
            survey.isLive = true
            return survey
        }
        return try await Workers.blobs.run { try survey() }
    }

    private func survey() throws -> PlaceSurvey {
        var survey = PlaceSurvey()
        survey.isLive = true
        survey.reclaim = "dray prune \(backup.path) reclaims it"
        survey.findings = try marker()
        var permissions = PermissionSurvey()
        var ids: [SnapshotID] = []
        for name in try root.list(BackupPaths.snapshots) ?? [] {
            if let id = SnapshotID(name) {
                ids.append(id)
            } else if "\(BackupPaths.snapshots)/\(name)" != BackupPaths.latest {
                survey.findings.append(Self.stranger("\(BackupPaths.snapshots)/\(name)"))
            }
        }
        let everything = try root.reaching(.anywhere)
        for id in ids {
            let snapshot = SnapshotAudit(id, of: root, in: everything, tree)
            // One that was taken away meanwhile was not damaged.
            guard snapshot.isThere else { continue }
            survey.roots += snapshot.roots
            survey.findings += snapshot.findings
            permissions.add(snapshot.permissions)
        }
        survey.findings += try latest()
        // After what refers to them: what is backed up meanwhile is no damage.
        let blobs = try BlobFolder(in: everything, kind: "backup")
        permissions.add(blobs.permissions)
        survey.blobs = blobs.sizes
        survey.findings += blobs.findings
        let own: Set = [
            ".dray", "lost+found", OCIPaths.blobs, BackupPaths.snapshots, BackupPaths.marker,
        ]
        survey.findings += try root.entries().map(\.name).filter { !own.contains($0) }.map(Self.stranger)
        if let status = try everything.status(BackupPaths.marker) { permissions.add(BackupPaths.marker, status) }
        survey.findings += try StagingArea.leftovers(in: backup.path) + permissions.findings
        return survey
    }

    static func stranger(_ path: String) -> Finding {
        Finding(.foreign, path, "is nothing that belongs to a backup", advice: "remove it")
    }

    /// - Throws: `ImageError.refused` if a later dray wrote it: what it is to look like is not known then.
    private func marker() throws -> [Finding] {
        func damaged(_ problem: String) throws -> [Finding] {
            [
                Finding(
                    .listDamaged, BackupPaths.marker, problem,
                    affected: [AffectedImage("everything in \(backup.path)")],
                    advice: "--repair-from with any source writes it anew",
                    remedy: .file(BackupPaths.marker, implied: try Backup.marker(), target: nil))
            ]
        }
        guard let bytes = try tree.read(BackupPaths.marker, limit: Document.sizeLimit) else {
            return try damaged("is not there, so this is no backup to dray")
        }
        do {
            try backup.check(marker: bytes, name: BackupPaths.marker)
            return []
        } catch let error as ImageError where error.code == .invalidDocument {
            return try damaged("cannot be understood: \(error)")
        }
    }

    /// What `latest` leads to.
    private func latest() throws -> [Finding] {
        func isRight() throws -> (Bool, newest: SnapshotID?) {
            let newest = try backup.newestID(in: root)
            return (try root.target(ofLink: BackupPaths.latest) == newest?.description, newest)
        }
        guard try !isRight().0 else { return [] }
        let alone: DirectoryLock?
        do {
            alone = try backup.share(BackupPaths.snapshots, in: root)
        } catch let error as ImageError where error.code == .refused {
            // Whoever is writing there is about to set it.
            return []
        }
        defer { withExtendedLifetime(alone) {} }
        let (isRight, newest) = try isRight()
        guard !isRight else { return [] }
        guard let newest else {
            return [Finding(.leftover, BackupPaths.latest, "leads to no snapshot", advice: "remove it")]
        }
        return [
            Finding(
                .linkDamaged, BackupPaths.latest, "does not lead to the newest snapshot, \(newest)",
                affected: [AffectedImage("everything in \(BackupPaths.latest), to other programs")],
                advice: "--repair-from with any source makes it anew, and so does the next backup",
                remedy: .file(BackupPaths.latest, implied: Array(newest.description.utf8), target: nil))
        ]
    }
}
