import ByteStreams
import Glibc
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
public struct Backup: Sendable {
    public let path: String

    /// - Parameter path: of the directory, which is made with the first snapshot.
    public init(path: String) { self.path = path }

    private struct Marker: Codable { var version: Int }

    /// `backup.json`
    static func marker() throws -> [UInt8] { try Document.encode(Marker(version: 1)) }

    /// Whether there is a backup at a path, be it one that has lost its `backup.json`.
    public static func isThere(_ path: String) -> Bool {
        func kind(_ name: String) -> FileKind? { (try? fileKind("\(path)/\(name)")) ?? nil }
        if kind(BackupPaths.marker) != nil { return true }
        return kind(OCIPaths.blobs) == .directory && kind(BackupPaths.snapshots) == .directory
            && kind(OCIPaths.index) == nil
    }

    /// Whether both are the same directory.
    public func isSamePlace(as other: Backup) throws -> Bool {
        guard let here = try realPath(path) else { return path == other.path }
        return try here == realPath(other.path)
    }

    // MARK: Looking

    /// All snapshots, oldest first.
    ///
    /// - Throws: `TransferError.notFound` if there is no backup; `TransferError.damaged`, `DocumentError` if a
    ///   snapshot cannot be read.
    public func snapshots() async throws -> [Snapshot] {
        try await Workers.blobs.run { [self] in try readSnapshots() }
    }

    func readSnapshots() throws -> [Snapshot] {
        try check()
        return try (listDirectory("\(path)/\(BackupPaths.snapshots)") ?? []).compactMap { SnapshotID($0) }.compactMap {
            id in
            let directory = "\(path)/\(BackupPaths.snapshot(id))"
            guard let document = try DirectoryTree(directory).list(SnapshotDocument.self, at: BackupPaths.document)
            else {
                // It may have been taken away in between.
                guard try fileKind(directory) != nil else { return nil }
                throw TransferError.damaged("\(directory) is no snapshot: it has no \(BackupPaths.document); remove it")
            }
            return Snapshot(id: id, document)
        }
    }

    private func check() throws {
        let name = "\(path)/\(BackupPaths.marker)"
        guard let bytes = try readFile(name, limit: Document.sizeLimit) else {
            throw TransferError.notFound(
                try fileKind(path) == nil
                    ? "there is no \(path)" : "\(path) is no backup: it has no \(BackupPaths.marker)")
        }
        try check(marker: bytes, name: name)
    }

    func check(marker: [UInt8], name: String) throws {
        let version = try Document.decode(Marker.self, from: marker, name: name).version
        guard version == 1 else {
            throw TransferError.refused("\(path) is a backup of version \(version); dray knows version 1")
        }
    }

    /// - Parameter text: an ID; or a date, for the newest snapshot of that date or before; nil for the newest.
    public func snapshot(_ text: String? = nil) async throws -> Snapshot {
        let all = try await snapshots()
        guard let text, text != "latest" else {
            guard let newest = all.last else { throw TransferError.notFound("\(path) has no snapshot") }
            return newest
        }
        if let id = SnapshotID(text) {
            guard let snapshot = all.first(where: { $0.id == id }) else {
                throw TransferError.notFound("\(path) has no snapshot \(text): 'dray snapshots' lists them")
            }
            return snapshot
        }
        let found = try all.last { snapshot in
            guard let isOld = snapshot.id.isAsOld(as: text) else {
                throw ReferenceError("'\(text)' is neither a snapshot's ID nor a date like 2026-11-24")
            }
            return isOld
        }
        guard let found else {
            throw TransferError.notFound(
                "\(path) has no snapshot of \(text) or before"
                    + (all.first.map { ": the oldest is of \($0.id.date)" } ?? ""))
        }
        return found
    }

    /// The images of a snapshot, which stay as long as this lives.
    public func source(of snapshot: Snapshot) async throws -> SnapshotSource {
        try await Workers.blobs.run { [self] in
            SnapshotSource(self, snapshot, lock: try lock(.shared, OCIPaths.blobs))
        }
    }

    // MARK: Changing

    /// Where the images of a new snapshot go. It is there once the copy has come to its end.
    ///
    /// - Parameters:
    ///   - sources: references, to be told by the snapshot.
    ///   - dryRun: nothing is going to be written, so nothing is locked or made.
    /// - Throws: `TransferError.refused` if another run is writing there, or something else is there.
    public func newSnapshot(of sources: [String], dryRun: Bool = false) async throws -> BackupDestination {
        try await Workers.blobs.run { [self] in
            let isThere = try fileKind("\(path)/\(BackupPaths.marker)") != nil
            guard !dryRun else {
                if !isThere { try refuseOthersDirectory() }
                return BackupDestination(
                    self, sources: sources, earlier: isThere ? try readSnapshots() : [], locks: [])
            }
            if isThere { try refuseWithoutLinks(StagingArea(root: path, shared: OCIPaths.blobs)) } else { try make() }
            let locks = [try lock(.exclusive, BackupPaths.snapshots), try lock(.shared, OCIPaths.blobs)]
            return BackupDestination(self, sources: sources, earlier: try readSnapshots(), locks: locks)
        }
    }

    private func make() throws {
        try refuseOthersDirectory()
        let isNew = try fileKind(path) == nil
        let area = try StagingArea(root: path, shared: OCIPaths.blobs)
        do {
            try refuseWithoutLinks(area)
        } catch {
            try? removeTree("\(path)/.dray")
            if isNew { rmdir(path) }
            throw error
        }
        for directory in [OCIPaths.blobs, BackupPaths.snapshots] {
            try area.makeDirectory(at: "\(path)/\(directory)")
        }
        try area.write(Self.marker(), to: "\(path)/\(BackupPaths.marker)")
    }

    /// A snapshot's layouts have their blobs behind a link, where every other tool looks for them.
    private func refuseWithoutLinks(_ area: StagingArea) throws {
        guard try area.hasLinks() else {
            throw TransferError.refused(
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
        throw TransferError.refused("\(path) is no backup, and has something in it (\(other)): name an empty directory")
    }

    /// - Parameter directory: in the backup.
    func lock(_ kind: DirectoryLock.Kind, _ directory: String) throws -> DirectoryLock {
        try check()
        return try lockUnchecked(kind, directory)
    }

    /// Likewise where `backup.json` may be what is damaged.
    func lockUnchecked(_ kind: DirectoryLock.Kind, _ directory: String) throws -> DirectoryLock {
        guard let lock = try DirectoryLock.trying(kind, on: "\(path)/\(directory)") else {
            throw TransferError.refused("\(path) is in use by another run of dray: try again when that has ended")
        }
        return lock
    }

    /// Takes snapshots away. Blobs stay until `prune`.
    public func forget(_ ids: Set<SnapshotID>) async throws {
        try await Workers.blobs.run { [self] in
            let lock = try lock(.exclusive, BackupPaths.snapshots)
            defer { withExtendedLifetime(lock) {} }
            let area = try StagingArea(root: path)
            for id in ids.sorted() { try area.remove("\(path)/\(BackupPaths.snapshot(id))") }
            try nameLatest(area)
        }
    }

    /// Makes `latest` lead to the newest snapshot.
    func nameLatest(_ area: StagingArea) throws {
        let link = "\(path)/\(BackupPaths.latest)"
        if let newest = try newestID() {
            try area.link(link, to: newest.description)
        } else {
            try area.removeFile(link)
        }
    }

    /// What `latest` has to lead to.
    func newestID() throws -> SnapshotID? {
        try (listDirectory("\(path)/\(BackupPaths.snapshots)") ?? []).compactMap { SnapshotID($0) }.max()
    }

    // MARK: Parts

    func layout(of repository: String, in snapshot: SnapshotID) -> OCISource {
        OCISource(
            DirectoryTree(
                "\(path)/\(BackupPaths.snapshot(snapshot))/\(BackupPaths.layout(of: repository))",
                shared: OCIPaths.blobs))
    }
}
