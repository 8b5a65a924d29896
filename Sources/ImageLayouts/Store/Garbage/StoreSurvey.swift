import ByteStreams
import ImageModel
import ImageTransfer

/// Looks through a whole store, several repositories at a time.
struct StoreSurvey: Sendable {
    let root: String
    let deletesUntagged: Bool
    /// What is not older than this is kept: nanoseconds since 1970.
    let cutoff: Int64
    /// `docker/registry/v2`.
    let tree: DirectoryHandle
    private let folder: DirectoryHandle?
    /// `folder` as well, in which links lead anywhere: what is elsewhere is read, and nothing of it is deleted.
    private let folderOfAll: DirectoryHandle?
    private let blobs: DirectoryHandle?
    private let shelf: ManifestShelf
    private let walk: [StoreWalk.Repository]

    /// - Throws: `TransferError.notFound` where there is no store; `.damaged` if it has blobs and no repositories.
    init(root: String, deletesUntagged: Bool, cutoff: Int64) async throws {
        self.root = root
        self.deletesUntagged = deletesUntagged
        self.cutoff = cutoff
        (tree, folder, folderOfAll, blobs, walk) = try await Workers.blobs.run {
            guard let tree = try DirectoryHandle.open("\(root)/\(StorePaths.standard.root)", within: root) else {
                let file = try fileKind(root) == .file ? ", but a file" : ""
                throw TransferError.notFound(
                    "\(root) is no registry's storage\(file): there is no \(root)/\(StorePaths.standard.root)")
            }
            let folder = try tree.open("repositories"), blobs = try tree.open("blobs/sha256")
            if folder == nil, try blobs?.entries().isEmpty == false {
                throw TransferError.damaged(
                    "\(tree.path) has blobs and no directory 'repositories', so nothing would be left: "
                        + "put it back, or make an empty one if that is what is meant")
            }
            let all = try folder.flatMap { try DirectoryHandle.open($0.path) }
            return (tree, folder, all, blobs, try all.map { try StoreWalk(below: $0).repositories } ?? [])
        }
        shelf = ManifestShelf(blobs)
    }

    // MARK: Repositories

    func repositories() async throws -> [RepositoryMarks] {
        guard folder != nil else { return [] }
        return try await inParallel(walk) { repository, buffer in survey(repository, buffer) }
    }

    private func survey(_ repository: StoreWalk.Repository, _ buffer: UnsafeMutableRawBufferPointer) -> RepositoryMarks
    {
        guard let folder = repository.isElsewhere ? folderOfAll : folder else {
            return RepositoryMarks(name: repository.name)
        }
        var marks = RepositorySurvey.survey(
            repository, in: folder, shelf: shelf, deletesUntagged: deletesUntagged && !repository.isElsewhere,
            cutoff: cutoff, buffer: buffer)
        if marks.isElsewhere { marks.keepEverything() }
        return marks
    }

    /// Deletes what a repository does not keep; with a second look where that matters.
    func sweep(_ marks: RepositoryMarks, _ sweep: StoreSweep) throws -> (RepositoryMarks, StoreSweep.Outcome) {
        let hasNothing =
            marks.revisions.isEmpty && marks.history.isEmpty && marks.layerLinks.isEmpty
            && marks.emptyDirectories.isEmpty
        guard !hasNothing, let repository = walk.first(where: { $0.name == marks.name }) else {
            return (marks, StoreSweep.Outcome())
        }
        let (now, outcome) = try sweep.sweep(marks) {
            withManifestBuffer { survey(repository, $0) }
        }
        for path in outcome.changed { try syncDirectory("\(tree.path)/\(path)") }
        var both = now
        both.marks.formUnion(marks.marks)
        both.protected.formUnion(marks.protected)
        both.mentions.formUnion(marks.mentions)
        return (both, outcome)
    }

    // MARK: Blobs

    /// What no repository refers to, sorted.
    func unreferenced(_ marks: [RepositoryMarks]) async throws -> UnreferencedBlobs {
        guard let blobs else { return UnreferencedBlobs() }
        var kept: Set<PackedDigest> = []
        for repository in marks {
            kept.formUnion(repository.marks)
            kept.formUnion(repository.protected)
        }
        let all = kept
        let folders = try await Workers.blobs.run { try blobs.entries().sorted { $0.name < $1.name } }
        let parts = try await inParallel(folders) { entry, _ in
            var odd = UnreferencedBlobs()
            if entry.kind == .link, try blobs.departure(entry.name) != nil {
                odd.notes = ["blobs/sha256/\(entry.name) is a link that leads out of \(root): what is there stays"]
                return odd
            }
            guard entry.name.utf8.count == 2, entry.kind == .directory || entry.kind == .link,
                let folder = try blobs.open(entry.name)
            else {
                odd.notes = ["blobs/sha256/\(entry.name) is nothing that a registry writes: it stays"]
                return odd
            }
            return try UnreferencedBlobs.find(in: folder, entry.name, cutoff: cutoff) { all.contains($0) }
        }
        var found = UnreferencedBlobs()
        for part in parts { found.add(part) }
        found.blobs.sort { $0.digest < $1.digest }
        found.notes.sort()
        return found
    }

    // MARK: Remarks

    func remarks(_ marks: [RepositoryMarks]) async throws -> [String] {
        var notes = marks.flatMap(\.notes)
        let elsewhere = marks.filter(\.isElsewhere).map(\.name)
        if !elsewhere.isEmpty {
            notes.append("reached over a symbolic link, so read and not cleared: \(elsewhere.joined(separator: ", "))")
        }
        let processes = try await Workers.blobs.run { ServingRegistry.processes(serving: root) }
        let uploads = marks.reduce(0) { $0 + $1.uploads }
        if !processes.isEmpty || uploads > 0 {
            let who =
                processes.isEmpty
                ? "\(uploads) uploads went on lately"
                : "process \(processes.map(String.init).joined(separator: ", "))"
            notes.append(
                "a Go registry seems to serve \(root) (\(who)): it takes no notice of this, and remembers what is gone; "
                    + "make it read-only or stop it for a collection, and start it again afterwards")
        }
        return notes
    }
}

extension RepositoryMarks {
    /// Nothing of it goes.
    fileprivate mutating func keepEverything() {
        protected.formUnion(layerLinks.compactMap { PackedDigest($0.digest) })
        layerLinks = []
        history = []
        emptyDirectories = []
    }
}
