import ImageModel

extension StoreSweep.Outcome {
    /// What a dry run would do.
    init(planned marks: RepositoryMarks) {
        manifests = marks.revisions.compactMap(\.digest)
        layerLinks = marks.layerLinks.map(\.digest)
        history = marks.history.map { CollectionReport.TagHistory(tag: $0.tag, digest: $0.digest) }
        emptyDirectories = marks.emptyDirectories.count
    }
}

extension CollectionReport {
    mutating func add(_ marks: RepositoryMarks, _ outcome: StoreSweep.Outcome) {
        var repository = Repository(name: marks.name)
        repository.manifestsKept = marks.manifestsKept
        repository.manifestsDeleted = outcome.manifests.sorted()
        repository.layerLinksRemoved = outcome.layerLinks.sorted()
        repository.tagHistoryRemoved = outcome.history.sorted { ($0.tag, $0.digest) < ($1.tag, $1.digest) }
        repositories.append(repository)
        emptyDirectories += outcome.emptyDirectories
    }

    /// - Parameter marks: of every repository, in their order.
    mutating func add(
        _ found: UnreferencedBlobs, gone: [UnreferencedBlobs.Blob], _ marks: [RepositoryMarks]
    ) {
        blobs = gone.map { Blob(digest: $0.digest.digest, size: $0.size) }
        waiting = found.waiting
        waiting.manifests = marks.reduce(0) { $0 + $1.waitingManifests }
        notes += found.notes
        if isDryRun { emptyDirectories += found.emptyDirectories.count }
        var marked: Set<PackedDigest> = []
        for repository in marks { marked.formUnion(repository.marks) }
        self.marked = marked.count
        var sizes: [PackedDigest: Int64] = [:]
        for blob in gone { sizes[blob.digest] = blob.size }
        for (position, repository) in marks.enumerated() {
            repositories[position].blobs = repository.mentions.sorted().compactMap { digest in
                sizes[digest].map { Blob(digest: digest.digest, size: $0) }
            }
        }
    }
}
