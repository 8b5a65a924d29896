import ByteStreams
import FileTrees
import ImageModel
import ImageTransfer

/// Looks through a whole store, several repositories at a time.
struct StoreSurvey: Sendable {
    let root: DirectoryHandle
    let deletesUntagged: Bool
    let ages: CollectionAges
    /// Processes of this machine that seem to be a registry written in Go that serves the store.
    let foreignProcesses: [Int]
    /// `docker/registry/v2`.
    let tree: DirectoryHandle
    private let folder: DirectoryHandle?
    /// `folder` as well, in which links lead anywhere: what is elsewhere is read, and nothing of it is deleted.
    private let folderOfAll: DirectoryHandle?
    private let blobs: DirectoryHandle?
    private let shelf: ManifestShelf
    private let walk: [StoreWalk.Repository]
    private let departures: [StoreWalk.Departure]

    /// - Parameters:
    ///   - releases: what deletes have released, each before the start.
    ///   - ages: with the start and the grace time of the collection.
    /// - Throws: `ImageError.notFound` where there is no store; `.damaged` if it has blobs and no repositories.
    init(root: DirectoryHandle, deletesUntagged: Bool, releases: [ReleaseList.Release], ages: CollectionAges)
        async throws
    {
        self.root = root
        self.deletesUntagged = deletesUntagged
        let (tree, folder, folderOfAll, blobs, found) = try await Workers.blobs.run {
            guard let tree = try root.open(StorePaths.standard.root) else { throw StoreCollector.noStore(root.path) }
            let folder = try tree.open("repositories"), blobs = try tree.open("blobs/sha256")
            if folder == nil, try blobs?.entries().isEmpty == false {
                throw ImageError.damaged(
                    "\(tree.path) has blobs and no directory 'repositories', so nothing would be left: "
                        + "put it back, or make an empty one if that is what is meant")
            }
            let all = try folder?.reaching(.trusted)
            return (tree, folder, all, blobs, try all.map { try StoreWalk(below: $0) })
        }
        (self.tree, self.folder, self.folderOfAll, self.blobs) = (tree, folder, folderOfAll, blobs)
        (walk, departures) = (found?.repositories ?? [], found?.departures ?? [])
        let shelf = ManifestShelf(blobs)
        self.shelf = shelf
        (foreignProcesses, self.ages) = try await Workers.blobs.run {
            let processes = ServingRegistry.processes(serving: root.path)
            // A registry that touches nothing when it is asked for a blob may rely on anything.
            guard processes.isEmpty, !releases.isEmpty else { return (processes, ages) }
            var ages = ages
            withManifestBuffer { buffer in
                for release in releases {
                    ages.add(release, shelf: shelf, buffer: buffer) { digest, repository in
                        Self.target(of: digest, in: repository, folder, buffer)
                    }
                }
            }
            return (processes, ages)
        }
    }

    /// The bytes that a repository's link to a SHA-512 digest leads to.
    private static func target(
        of digest: Digest, in repository: String, _ repositories: DirectoryHandle?,
        _ buffer: UnsafeMutableRawBufferPointer
    ) -> PackedDigest? {
        let line = UnsafeMutableRawBufferPointer(rebasing: buffer[..<LinkFile.sizeLimit])
        for place in ["_layers", "_manifests/revisions"] {
            let link = "\(repository)/\(place)/\(digest.algorithm.rawValue)/\(digest.hex)/link"
            // A link that cannot be read releases nothing, and the survey reports it.
            let file = try? repositories?.read(link, into: line) { LinkFile($0, for: .collector) }
            if let target = file?.target.flatMap({ PackedDigest($0) }) { return target }
        }
        return nil
    }

    // MARK: Repositories

    func repositories() async throws -> [RepositoryMarks] {
        guard folder != nil else { return [] }
        return try await departures.map(unread)
            + inParallel(walk) { repository, buffer in survey(repository, buffer) }
    }

    /// Marks of a repository behind a link that is not followed: its manifests may need any blob.
    private func unread(_ departure: StoreWalk.Departure) -> RepositoryMarks {
        var marks = RepositoryMarks(name: departure.name)
        let path = "\(StorePaths.standard.repositories)/\(departure.name)"
        marks.problems.append(
            CollectionRefused.Problem(
                departure.target.map {
                    "\(path) is a link to \($0), which another user made or can replace, so it is not followed: make it "
                        + "anew as root in a directory of root's, or remove it"
                } ?? "\(path) is a link that leads nowhere: mount what it leads to, or remove it"))
        return marks
    }

    private func survey(_ repository: StoreWalk.Repository, _ buffer: UnsafeMutableRawBufferPointer) -> RepositoryMarks
    {
        guard let folder = repository.isElsewhere ? folderOfAll : folder else {
            return RepositoryMarks(name: repository.name)
        }
        var marks = RepositorySurvey.survey(
            repository.name, try folder.openUnlessAbsent(repository.name), isElsewhere: repository.isElsewhere,
            hasUploads: repository.hasUploads, shelf: shelf,
            deletesUntagged: deletesUntagged && !repository.isElsewhere, ages: ages, buffer: buffer)
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
        for path in outcome.changed { try tree.sync(path) }
        var both = now
        both.marks.formUnion(marks.marks)
        for (digest, time) in marks.held { both.hold(digest, since: time) }
        both.mentions.formUnion(marks.mentions)
        return (both, outcome)
    }

    // MARK: Blobs

    /// The blobs that no manifest needs, sorted.
    func unreferenced(_ marks: [RepositoryMarks]) async throws -> DeletableBlobs {
        guard let blobs else { return DeletableBlobs() }
        let (all, holders) = marks.protected
        let folders = try await Workers.blobs.run { try blobs.entries().sorted { $0.name < $1.name } }
        let parts = try await inParallel(folders) { entry, _ in
            var odd = DeletableBlobs()
            if entry.kind == .link, try blobs.departure(entry.name) != nil {
                odd.notes = ["blobs/sha256/\(entry.name) is a link that leads out of \(root.path): what is there stays"]
                return odd
            }
            guard entry.name.utf8.count == 2, entry.kind == .directory || entry.kind == .link,
                let folder = try blobs.open(entry.name)
            else {
                odd.notes = ["blobs/sha256/\(entry.name) is nothing that a registry writes: it stays"]
                return odd
            }
            return try DeletableBlobs.find(
                in: folder, entry.name, ages: ages, isKept: { all.contains($0) }, heldSince: { holders[$0] })
        }
        var found = DeletableBlobs()
        for part in parts { found.add(part) }
        found.blobs.sort { $0.digest < $1.digest }
        found.notes.sort()
        return found
    }

    /// Untagged manifests and their blobs, of any age, that `deletesUntagged` would delete.
    func untagged(_ marks: [RepositoryMarks]) async throws -> CollectionReport.Untagged {
        var untagged = CollectionReport.Untagged()
        untagged.manifests = marks.reduce(0) { $0 + $1.untagged.manifests }
        let alone = marks.neededByUntagged
        guard let blobs, !alone.isEmpty else { return untagged }
        untagged.bytes = try await Workers.blobs.run {
            try alone.reduce(0) { sum, digest in
                let hex = digest.hex
                return sum + (try blobs.status("\(hex.prefix(2))/\(hex)/data")?.size ?? 0)
            }
        }
        return untagged
    }

    // MARK: Remarks

    func remarks(_ marks: [RepositoryMarks]) -> [String] {
        var notes = marks.flatMap(\.notes)
        let elsewhere = marks.filter(\.isElsewhere).map(\.name)
        if !elsewhere.isEmpty {
            notes.append("reached over a symbolic link, so read and not cleared: \(elsewhere.joined(separator: ", "))")
        }
        let uploads = marks.reduce(0) { $0 + $1.uploads }
        if !foreignProcesses.isEmpty || uploads > 0 {
            let who =
                foreignProcesses.isEmpty
                ? "\(uploads) recent upload\(uploads == 1 ? "" : "s")"
                : "process \(foreignProcesses.map(String.init).joined(separator: ", "))"
            notes.append(
                "a Go registry seems to serve \(root.path) (\(who)): it does not see the deletions and caches deleted blobs; "
                    + "stop it or make it read-only during a collection, and restart it afterwards")
        }
        return notes
    }
}

extension RepositoryMarks {
    /// Nothing of it goes.
    fileprivate mutating func keepEverything() {
        marks.formUnion(layerLinks.compactMap(\.target))
        layerLinks = []
        history = []
        emptyDirectories = []
    }
}
