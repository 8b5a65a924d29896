import ByteStreams
import FileTrees
import ImageModel
import ImageTransfer
import ObjectStorage

/// Reclaims what nothing refers to in a registry's storage in a bucket.
///
/// One listing of all keys tells what there is, and each manifest is read once. What a first look finds is deleted after
/// a second one, which nobody can have relied on: see `BucketLock`. Servers may go on beside it. Blocks.
struct BucketCollector: Sendable {
    let tree: StoreBucket
    let options: CollectionOptions

    private var place: BucketPlace { tree.place }
    /// The shortest grace time: a push that is under way may need what was written since.
    private static let leastGrace = Duration.seconds(60)
    /// Seconds after which the leftovers of uploads go, if the grace time is shorter.
    private static let leftoverAge = 86_400

    /// What one look at the bucket finds.
    private struct Look {
        var ages: CollectionAges
        var marks: [RepositoryMarks] = []
        var found = DeletableBlobs()
        var blobs: [PackedDigest: ListedObject] = [:]
        var listing: ListedDirectory.Listing
        var releases: [(key: String, release: ReleaseList.Release)] = []

        var isClean: Bool {
            found.blobs.isEmpty
                && marks.allSatisfy { $0.revisions.isEmpty && $0.history.isEmpty && $0.layerLinks.isEmpty }
        }
    }

    func run() throws -> CollectionReport {
        let shelf = ManifestShelf { [place] digest, body, _ in
            let bytes = try place.read(StorePaths.standard.blob(digest.digest), limit: Document.sizeLimit)
            return try bytes.map { try $0.withUnsafeBytes(body) }
        }
        var report = CollectionReport(isDryRun: options.dryRun)
        var look = try look(shelf)
        guard !options.dryRun, !look.isClean else {
            fill(&report, look, gone: look.found.blobs)
            report.notes += try remarks()
            if !options.dryRun { try dropLeftovers(look) }
            return report
        }
        let hold = try tree.lock.hold(isExclusive: options.isExclusive)
        do {
            look = try self.look(shelf)
            fill(&report, look, gone: try sweep(look, hold, &report))
            report.notes += try remarks()
            try dropLeftovers(look)
        } catch {
            try? hold.end()
            throw error
        }
        try hold.end()
        return report
    }

    // MARK: Looking

    private func look(_ shelf: ManifestShelf) throws -> Look {
        let start = place.key("\(StorePaths.standard.root)/")
        let (blobs, links) = try place.bucket.wait { bucket in
            var blobs: [PackedDigest: ListedObject] = [:]
            var links: [(path: String, object: ListedObject)] = []
            for try await page in bucket.list(prefix: start) {
                for info in page.objects {
                    let path = String(info.key.dropFirst(start.count))
                    if let digest = Self.blob(path) {
                        blobs[digest] = ListedObject(info)
                    } else {
                        links.append((path, ListedObject(info)))
                    }
                }
            }
            return (blobs, links)
        }
        let listing = ListedDirectory.Listing(place, links)
        guard !blobs.isEmpty || !links.isEmpty else {
            throw ImageError.notFound("\(tree.title): no registry's storage: there are no keys below \(start)")
        }
        if !blobs.isEmpty, links.isEmpty {
            throw ImageError.damaged(
                "\(tree.title): has blobs and no repositories, so nothing would be left; put the repositories back")
        }
        // Times are whole seconds, and what was released in this one was released before the next.
        let now = Int64(place.bucket.now + 1) * 1_000_000_000
        let grace = max(Self.leastGrace, options.graceTime)
        var look = Look(
            ages: CollectionAges(start: now, grace: grace), blobs: blobs, listing: listing,
            releases: try tree.releases())
        let repositories = ListedDirectory(listing: listing, path: "repositories")
        withManifestBuffer { buffer in
            for (_, release) in look.releases {
                look.ages.add(release, shelf: shelf, buffer: buffer) { digest, repository in
                    ["_layers", "_manifests/revisions"].lazy.compactMap { folder in
                        let link = "\(repository)/\(folder)/\(digest.algorithm.rawValue)/\(digest.hex)/link"
                        return (try? repositories.link(link, buffer))?.target.flatMap { PackedDigest($0) }
                    }.first
                }
            }
        }
        look.marks = try marks(look, shelf)
        let problems = look.marks.flatMap(\.problems)
        guard problems.isEmpty else { throw CollectionRefused(problems: problems).error }
        look.found = unreferenced(look)
        return look
    }

    /// The digest of a blob at a path below the store's root.
    private static func blob(_ path: String) -> PackedDigest? {
        let names = path.split(separator: "/")
        guard names.count == 5, names[0] == "blobs", names[1] == "sha256", names[4] == "data",
            names[3].hasPrefix(names[2])
        else { return nil }
        return PackedDigest(hex: names[3])
    }

    private func marks(_ look: Look, _ shelf: ManifestShelf) throws -> [RepositoryMarks] {
        let listing = look.listing
        var names: [String] = []
        let walk = RepositoryWalk(
            list: { listing.children[ByteStreams.path($0, below: StorePaths.standard.root) ?? $0] }, paths: .standard)
        // Names that no client could ask for may hold blobs as well.
        try walk.run(entering: { _ in true }) { name, children in
            if RepositoryWalk.isRepository(children) { names.append(name) }
            return true
        }
        return try tree.inParallel(names) { [options] name, buffer in
            RepositorySurvey.survey(
                name, ListedDirectory(listing: listing, path: "repositories/\(name)"), shelf: shelf,
                deletesUntagged: options.deletesUntagged, ages: look.ages, buffer: buffer)
        }
    }

    private func unreferenced(_ look: Look) -> DeletableBlobs {
        let (kept, held) = look.marks.protected
        var found = DeletableBlobs()
        for (digest, blob) in look.blobs where !kept.contains(digest) {
            found.add(
                DeletableBlobs.Blob(digest: digest, size: blob.size), changed: blob.changed, heldSince: held[digest],
                look.ages)
        }
        found.blobs.sort { $0.digest < $1.digest }
        return found
    }

    // MARK: Deleting

    /// Links before blobs, so that an end in the middle leaves no link to what is gone.
    ///
    /// - Returns: the blobs that are gone.
    private func sweep(
        _ look: Look, _ hold: BucketLock.Hold, _ report: inout CollectionReport
    ) throws -> [DeletableBlobs.Blob] {
        let quarantine = options.quarantines ? try BucketQuarantine.Run(in: tree) : nil
        var links: [String] = []
        for repository in look.marks {
            let base = "repositories/\(repository.name)"
            for revision in repository.revisions where revision.digest != nil {
                let path = "\(base)/\(revision.path)"
                links += ["\(path)/link"] + look.listing.files(below: "\(path)/signatures")
            }
            links += repository.history.map { "\(base)/\($0.path)/link" }
            links += repository.layerLinks.map { "\(base)/\($0.path)/link" }
        }
        for batch in batches(links) {
            try hold.renew()
            try delete(batch.map { (path: $0, size: look.listing.objects[$0]?.size ?? 0) }, quarantine)
        }
        // Released manifests go last: as long as they are there, the next run finds what else was released with them.
        let blobs =
            look.found.blobs.filter { !look.ages.isReleasedManifest($0.digest) }
            + look.found.blobs.filter { look.ages.isReleasedManifest($0.digest) }
        var gone: [DeletableBlobs.Blob] = []
        for batch in batches(blobs) {
            try hold.renew()
            // Somebody may have sent the same bytes again.
            let old = try tree.unchanged(batch, look.blobs)
            try delete(
                old.map { (path: "blobs/sha256/\($0.digest.hex.prefix(2))/\($0.digest.hex)/data", $0.size) }, quarantine
            )
            gone += old
        }
        report.quarantine = try quarantine?.settle()
        return gone.sorted { $0.digest < $1.digest }
    }

    private func batches<T>(_ items: [T]) -> [ArraySlice<T>] {
        stride(from: 0, to: items.count, by: 1000).map { items[$0..<min($0 + 1000, items.count)] }
    }

    /// - Parameter files: paths below the store's root, and their bytes.
    private func delete(_ files: [(path: String, size: Int64)], _ quarantine: BucketQuarantine.Run?) throws {
        let files = files.map { (path: "\(StorePaths.standard.root)/\($0.path)", size: $0.size) }
        try quarantine?.take(files)
        try tree.remove(keys: files.map { place.key($0.path) })
    }

    /// Removes marks of deletes that no longer shorten a wait, and what unfinished uploads have left.
    private func dropLeftovers(_ look: Look) throws {
        let old = look.releases.filter { $0.release.time <= look.ages.cutoff }
        try tree.remove(keys: old.map(\.key))
        let grace = Int(clamping: options.graceTime.components.seconds)
        _ = try tree.dropOldParts(before: place.bucket.now - max(grace, Self.leftoverAge), dryRun: false)
    }

    // MARK: Reporting

    private func fill(_ report: inout CollectionReport, _ look: Look, gone: [DeletableBlobs.Blob]) {
        for marks in look.marks { report.add(marks, StoreSweep.Outcome(planned: marks)) }
        report.add(look.found, gone: gone, look.marks)
        report.emptyDirectories = 0
        report.hasLeastGrace = options.graceTime <= Self.leastGrace
        report.notes += look.marks.flatMap(\.notes)
        report.untagged.manifests = look.marks.reduce(0) { $0 + $1.untagged.manifests }
        report.untagged.bytes = look.marks.neededByUntagged.reduce(0) { $0 + (look.blobs[$1]?.size ?? 0) }
    }

    /// Why deleting may free nothing.
    private func remarks() throws -> [String] {
        var remarks: [String] = []
        let versioning = try? place.bucket.wait { try await $0.versioning() }
        if versioning == .enabled || versioning == .suspended {
            remarks.append(
                "\(tree.title): the bucket keeps old versions, so deleting frees nothing until they expire; give the "
                    + "bucket a lifecycle rule for noncurrent versions")
        }
        if (try? place.bucket.wait { try await $0.objectLock() }) == true {
            remarks.append(
                "\(tree.title): the bucket locks objects, so what is deleted takes space until its lock ends")
        }
        return remarks
    }
}

extension ListedDirectory.Listing {
    /// The paths of all files below a directory.
    func files(below directory: String) -> [String] {
        (children[directory] ?? []).flatMap { name in
            let path = "\(directory)/\(name)"
            return objects[path] == nil ? files(below: path) : [path]
        }
    }
}

extension StoreBucket {
    /// Those blobs that nobody has written since they were listed.
    fileprivate func unchanged(
        _ blobs: ArraySlice<DeletableBlobs.Blob>, _ listed: [PackedDigest: ListedObject]
    ) throws -> [DeletableBlobs.Blob] {
        try inParallel(Array(blobs)) { [self] blob, _ in
            let modified = try modified(StorePaths.standard.blob(blob.digest.digest))
            let seconds = (listed[blob.digest]?.changed ?? 0) / 1_000_000_000
            let isOld = modified.map { $0 <= seconds } ?? false
            return isOld ? blob : nil
        }.compactMap { $0 }
    }
}
