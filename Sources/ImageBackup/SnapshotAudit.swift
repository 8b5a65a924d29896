import ByteStreams
import FileTrees
import ImageLayouts
import ImageModel
import ImageTransfer
import ImageVerification

/// What one snapshot of a backup says, what is wrong with it, and what has no business there: for a verification.
struct SnapshotAudit {
    private(set) var roots: [PlaceSurvey.Root] = []
    private(set) var findings: [Finding] = []
    private(set) var permissions = PermissionSurvey()
    private(set) var isThere = true
    private let id: SnapshotID
    private let backup: DirectoryHandle
    private let root: DirectoryHandle
    private let tree: DirectoryTree

    private var path: String { BackupPaths.snapshot(id) }

    /// - Parameters:
    ///   - backup: its root. A snapshot that is a link out of it is not followed.
    ///   - root: likewise, in which links lead anywhere.
    ///   - tree: the backup's.
    init(_ id: SnapshotID, of backup: DirectoryHandle, in root: DirectoryHandle, _ tree: DirectoryTree) {
        self.id = id
        self.backup = backup
        self.root = root
        self.tree = tree
        tellingUnreadable(path, "snapshot", affected: "everything in \(id)") { try $0.look() }
        if !findings.isEmpty { isThere = (try? root.status(path)) ?? nil != nil }
    }

    /// What the disk or the permissions do not let it read is no reason not to look at the rest.
    private mutating func tellingUnreadable(
        _ subject: String, _ kind: String, affected: String, _ body: (inout Self) throws -> Void
    ) {
        do {
            try body(&self)
        } catch {
            findings.append(
                Finding(
                    .unreadable, subject, "is a \(kind) that cannot be read: \(error)",
                    affected: [AffectedImage(affected)], advice: "see to the disk and the permissions"))
        }
    }

    private mutating func look() throws {
        guard let directory = try backup.open(path) else { return }
        let snapshot = try document()
        var layouts: Set<String> = []
        try walk(directory, "", &layouts)
        let listed = snapshot?.repositories ?? layouts.map(BackupPaths.repository).sorted()
        for stranger in layouts.subtracting(listed.map(BackupPaths.layout)).sorted() {
            findings.append(
                Finding(
                    .foreign, "\(path)/\(stranger)", "is a layout that the snapshot does not list",
                    advice: "remove it"))
        }
        for repository in listed {
            tellingUnreadable(
                "\(path)/\(BackupPaths.layout(of: repository))", "layout", affected: "everything in \(id)/\(repository)"
            ) { try $0.look(at: repository) }
        }
    }

    /// nil where it is damaged: then the layouts that are found are the snapshot's.
    private mutating func document() throws -> Snapshot? {
        let name = "\(path)/\(BackupPaths.document)"
        func damaged(_ problem: String) -> Finding {
            Finding(
                .listDamaged, name, problem, affected: [AffectedImage("everything in \(id), by dray restore")],
                advice: "--repair-from a copy of this backup brings it back; "
                    + "if there is none, other programs still read the layouts, and without the directory the rest is whole",
                remedy: .file(name, implied: nil, target: nil))
        }
        do {
            guard let document = try tree.list(SnapshotDocument.self, at: name) else {
                findings.append(damaged("is not there, so nobody knows which repositories belong to the snapshot"))
                return nil
            }
            return Snapshot(id: id, document)
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            findings.append(damaged("cannot be understood: \(error)"))
            return nil
        }
    }

    /// Finds layouts, and what is none.
    ///
    /// - Parameter relative: below the snapshot.
    private mutating func walk(_ directory: DirectoryHandle, _ relative: String, _ layouts: inout Set<String>) throws {
        for entry in try directory.entries() {
            let own = relative.isEmpty ? entry.name : "\(relative)/\(entry.name)"
            let isPart = relative.isEmpty ? false : BackupPaths.layoutParts.contains(entry.name)
            if isPart || own == BackupPaths.document {
                if isPart { layouts.insert(relative) }
                if let status = try directory.status(entry.name), status.isFile {
                    permissions.add("\(path)/\(own)", status)
                }
            } else if entry.kind == .directory, let below = try directory.open(entry.name) {
                let count = layouts.count
                try walk(below, own, &layouts)
                if layouts.count == count { findings.append(BackupAudit.stranger("\(path)/\(own)")) }
            } else {
                findings.append(BackupAudit.stranger("\(path)/\(own)"))
            }
        }
    }

    private mutating func look(at repository: String) throws {
        let layout = "\(path)/\(BackupPaths.layout(of: repository))"
        let title = "\(id)/\(repository)"
        let documents = try LayoutDocuments(tree, in: "\(layout)/", title: title, kind: "backup")
        findings += documents.findings
        roots += documents.entries.map { entry in
            let name =
                switch entry.name {
                case .tag(let tag): "\(title):\(tag)"
                case .full(let full): "\(title) (\(full))"
                case .none: "\(title)@\(entry.descriptor.digest)"
                }
            return PlaceSurvey.Root(name, entry.descriptor, repository: repository)
        }
        let link = "\(layout)/\(OCIPaths.blobs)"
        guard try !leadsToBlobs(link, BackupPaths.blobsLink(of: repository)) else { return }
        let isThere = try root.kind(link) != nil
        findings.append(
            Finding(
                isThere ? .linkDamaged : .linkMissing, link,
                isThere
                    ? "does not lead to the blobs of the backup" : "is not there, so nobody finds the layout's blobs",
                affected: [AffectedImage("everything in \(title)")],
                advice: "--repair-from with any source makes it anew",
                remedy: .file(link, implied: Array(BackupPaths.blobsLink(of: repository).utf8), target: nil)))
    }

    /// Whatever its spelling.
    private func leadsToBlobs(_ link: String, _ spelling: String) throws -> Bool {
        if try root.target(ofLink: link) == spelling { return true }
        let found = try root.status(link)?.identity
        return try found != nil && found == root.status(OCIPaths.blobs)?.identity
    }
}
