import ByteStreams
import FileTrees
import ImageLayouts
import ImageModel

/// Puts a snapshot down: aside first, then, once all of it is on the disk, in its place.
struct SnapshotWriter {
    let backup: Backup
    let area: StagingArea

    /// - Parameter entries: of each repository's `index.json`.
    func write(_ snapshot: Snapshot, _ entries: [String: [NamedDescriptor]]) throws {
        let isNew = try area.makeDirectory(at: BackupPaths.snapshot(snapshot.id)) { aside in
            try fill(aside, snapshot, entries)
        }
        guard isNew else { throw ImageError.refused("\(backup.path) has a snapshot \(snapshot.id) already") }
        try backup.nameLatest(area)
    }

    private func fill(_ aside: DirectoryHandle, _ snapshot: Snapshot, _ entries: [String: [NamedDescriptor]]) throws {
        let naming = LayoutNaming(usesBareTags: true)
        for (repository, entries) in entries {
            let directory = BackupPaths.layout(of: repository)
            try aside.makeDirectory(directory, ownership: area.ownership, lasting: false)
            var index = OCIIndexFile()
            try index.put(entries.sorted { key($0) < key($1) }.lazy.map { naming.entry($0.descriptor, as: $0.name) })
            try aside.write(Array(OCIPaths.layoutContent.utf8), to: "\(directory)/\(OCIPaths.layout)", area.ownership)
            try aside.write(to: "\(directory)/\(OCIPaths.index)", area.ownership) { try index.write(to: $0) }
            try aside.makeLink(
                "\(directory)/\(OCIPaths.blobs)", to: BackupPaths.blobsLink(of: repository),
                ownership: area.ownership)
        }
        try aside.write(to: BackupPaths.document, area.ownership) { try snapshot.write(to: $0) }
    }

    /// Tags first, in their order.
    private func key(_ entry: NamedDescriptor) -> String {
        (entry.name.tag ?? "~") + " \(entry.descriptor.digest)"
    }
}
