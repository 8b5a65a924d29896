import ByteStreams
import FileTrees
import Glibc
import ImageLayouts
import ImageModel
import ImageTransfer

/// A directory of dated snapshots, whose blobs lie there once: see `BackupPaths`.
///
/// ```swift
/// let backup = Backup(path: "/backup")
/// let destination = try await backup.newSnapshot(of: ["docker://registry.example:5000/"])
/// let report = try await Copier().copy([CopySelection(source: registry.source())], to: destination)
///
/// let source = try await backup.source(of: backup.snapshot("2026-11-24"))
/// let report = try await Copier().copy([CopySelection(source: source)], to: registry.destination())
/// ```
package struct Backup: Sendable {
    package let path: String

    /// - Parameter path: of the directory, which is made with the first snapshot.
    package init(path: String) { self.path = path }

    private struct Marker: Codable { var version: Int }

    /// `backup.json`
    static func marker() throws -> [UInt8] { try Document.encode(Marker(version: 1)) }

    /// Whether there is a backup at a path, be it one that has lost its `backup.json`.
    package static func isThere(_ path: String) -> Bool {
        func kind(_ name: String) -> FileKind? { (try? fileKind("\(path)/\(name)")) ?? nil }
        if kind(BackupPaths.marker) != nil { return true }
        return kind(OCIPaths.blobs) == .directory && kind(BackupPaths.snapshots) == .directory
            && kind(OCIPaths.index) == nil
    }

    /// Whether both are the same directory.
    package func isSamePlace(as other: Backup) throws -> Bool {
        guard let here = try realPath(path) else { return path == other.path }
        return try here == realPath(other.path)
    }

    // MARK: Looking

    /// All snapshots, oldest first.
    ///
    /// - Throws: `ImageError.notFound` if there is no backup; `ImageError.damaged`, `ImageError` if a
    ///   snapshot cannot be read.
    package func snapshots() async throws -> [Snapshot] {
        try await Workers.blobs.run { [self] in try readSnapshots(in: root()) }
    }

    func readSnapshots(in root: DirectoryHandle) throws -> [Snapshot] {
        try check(root)
        let tree = DirectoryTree(root)
        return try ids(in: root).compactMap { id in
            let directory = tree.directory(BackupPaths.snapshot(id))
            guard let document = try directory.list(SnapshotDocument.self, at: BackupPaths.document) else {
                // It may have been taken away in between.
                guard try root.kind(BackupPaths.snapshot(id)) != nil else { return nil }
                throw ImageError.damaged(
                    "\(directory.path) is no snapshot: it has no \(BackupPaths.document); remove it")
            }
            return Snapshot(id: id, document)
        }
    }

    /// Oldest first.
    private func ids(in root: DirectoryHandle) throws -> [SnapshotID] {
        try (root.list(BackupPaths.snapshots) ?? []).compactMap { SnapshotID($0) }
    }

    private func check(_ root: DirectoryHandle) throws {
        guard let bytes = try root.read(BackupPaths.marker, limit: Document.sizeLimit) else { throw try noBackup() }
        try check(marker: bytes, name: "\(path)/\(BackupPaths.marker)")
    }

    private func noBackup() throws -> ImageError {
        .notFound(
            try fileKind(path) == nil
                ? "there is no \(path)" : "\(path) is no backup: it has no \(BackupPaths.marker)")
    }

    func check(marker: [UInt8], name: String) throws {
        let version = try Document.decode(Marker.self, from: marker, name: name).version
        guard version == 1 else {
            throw ImageError.refused("\(path) is a backup of version \(version); dray knows version 1")
        }
    }

    /// The images of a snapshot, which stay as long as this lives.
    package func source(of snapshot: Snapshot) async throws -> SnapshotSource {
        try await Workers.blobs.run { [self] in
            let root = try root()
            try check(root)
            return SnapshotSource(self, snapshot, in: root, lock: try share(OCIPaths.blobs, in: root))
        }
    }

    /// The directory, open: all that a run reads, decides by and changes there is below the same one.
    ///
    /// - Throws: `ImageError.notFound` if there is none.
    func root() throws -> DirectoryHandle {
        guard let root = try DirectoryHandle.open(path, shared: OCIPaths.blobs) else {
            throw try noBackup()
        }
        return root
    }

    // MARK: Changing

    /// Where the images of a new snapshot go. It is there once the copy has come to its end.
    ///
    /// - Parameters:
    ///   - sources: references, to be told by the snapshot.
    ///   - dryRun: nothing is going to be written, so nothing is locked or made.
    /// - Throws: `ImageError.refused` if another run is writing there, or something else is there.
    package func newSnapshot(of sources: [String], dryRun: Bool = false) async throws -> BackupDestination {
        try await Workers.blobs.run { [self] in
            let isThere = try fileKind("\(path)/\(BackupPaths.marker)") != nil
            guard !dryRun else {
                if !isThere { try refuseOthersDirectory() }
                return BackupDestination(
                    self, sources: sources, earlier: isThere ? try EarlierImages(self, in: root()) : nil, locks: [])
            }
            if isThere { try refuseWithoutLinks(StagingArea(root())) } else { try make() }
            let root = try root()
            let locks = [
                try lock(.exclusive, BackupPaths.snapshots, in: root), try lock(.shared, OCIPaths.blobs, in: root),
            ]
            return BackupDestination(self, sources: sources, earlier: try EarlierImages(self, in: root), locks: locks)
        }
    }

    private func make() throws {
        try refuseOthersDirectory()
        let isNew = try fileKind(path) == nil
        let area = try StagingArea(DirectoryHandle.make(path, shared: OCIPaths.blobs))
        do {
            try refuseWithoutLinks(area)
        } catch {
            try? area.root.removeTree(".dray")
            if isNew, let place = try? FilePlace(path, followingLinks: false) {
                _ = try? place.directory.removeEmptyDirectory(place.name)
            }
            throw error
        }
        for directory in [OCIPaths.blobs, BackupPaths.snapshots] { try area.makeDirectory(at: directory) }
        try area.write(Self.marker(), to: BackupPaths.marker)
    }

    /// A snapshot's layouts have their blobs behind a link, where every other tool looks for them.
    private func refuseWithoutLinks(_ area: StagingArea) throws {
        guard try area.hasLinks() else {
            throw ImageError.refused(
                "\(path): its file system has no symbolic links, as FAT and exFAT have none, and a snapshot is made of them; "
                    + "back up to another file system, or copy into an archive there: dray copy SOURCE oci-archive:FILE"
            )
        }
    }

    /// What is in a directory that is no backup may be somebody's: blobs above all, which `prune` would remove.
    private func refuseOthersDirectory() throws {
        let own: Set = [".dray", "lost+found", OCIPaths.blobs, BackupPaths.snapshots]
        let found = try listDirectory(path) ?? []
        let isStarted = found.contains(".dray")
        guard let other = found.first(where: { !own.contains($0) || (!isStarted && $0 == OCIPaths.blobs) }) else {
            return
        }
        throw ImageError.refused("\(path) is no backup, and has something in it (\(other)): name an empty directory")
    }

    /// - Parameter directory: `snapshots` or `blobs`.
    func lock(_ kind: DirectoryLock.Kind, _ directory: String, in root: DirectoryHandle) throws -> DirectoryLock {
        try check(root)
        return try lockUnchecked(kind, directory, in: root)
    }

    /// Likewise where `backup.json` may be what is damaged.
    func lockUnchecked(
        _ kind: DirectoryLock.Kind, _ directory: String, in root: DirectoryHandle
    ) throws -> DirectoryLock {
        let place = "\(BackupPaths.locks)/\(directory)"
        for place in [BackupPaths.locks, place] { try root.makePrivateDirectory(place) }
        guard let lock = try DirectoryLock.trying(kind, on: place, in: root) else {
            throw ImageError.refused("\(path) is in use by another run of dray: try again when that has ended")
        }
        return lock
    }

    /// A share of a lock, for those who only read: they make nothing where nobody ever wrote.
    ///
    /// - Returns: nil there, and for whoever may not write in the backup.
    func share(_ directory: String, in root: DirectoryHandle) throws -> DirectoryLock? {
        let place = "\(BackupPaths.locks)/\(directory)"
        do {
            guard try root.status(place)?.isDirectory == true else { return nil }
            if let lock = try DirectoryLock.trying(.shared, on: place, in: root) { return lock }
        } catch let error as ImageError where error.errno == EACCES {
            return nil
        }
        throw ImageError.refused("\(path) is in use by another run of dray: try again when that has ended")
    }

    /// Takes snapshots away. Blobs stay until `prune`.
    package func forget(_ ids: Set<SnapshotID>) async throws {
        try await Workers.blobs.run { [self] in
            let root = try root()
            let lock = try lock(.exclusive, BackupPaths.snapshots, in: root)
            defer { withExtendedLifetime(lock) {} }
            let area = try StagingArea(root)
            for id in ids.sorted() { try area.remove(BackupPaths.snapshot(id)) }
            try nameLatest(area)
        }
    }

    /// Makes `latest` lead to the newest snapshot.
    func nameLatest(_ area: StagingArea) throws {
        if let newest = try newestID(in: area.root) {
            try area.link(BackupPaths.latest, to: newest.description)
        } else {
            try area.removeFile(BackupPaths.latest)
        }
    }

    /// What `latest` has to lead to.
    func newestID(in root: DirectoryHandle) throws -> SnapshotID? { try ids(in: root).max() }

    // MARK: Parts

    /// - Parameter tree: the backup's.
    static func layout(of repository: String, in snapshot: SnapshotID, _ tree: DirectoryTree) -> OCISource {
        OCISource(
            tree.directory(
                "\(BackupPaths.snapshot(snapshot))/\(BackupPaths.layout(of: repository))",
                DirectoryTree.RootsOwn(OCIPaths.blobs, link: BackupPaths.blobsLink(of: repository))))
    }
}
