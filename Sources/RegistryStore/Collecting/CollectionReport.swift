public import ImageModel

/// What a garbage collection deleted, or would delete. Sorted, so the same store gives the same report.
public struct CollectionReport: Sendable {
    public struct Blob: Hashable, Sendable {
        public var digest: Digest
        /// Bytes.
        public var size: Int64
    }

    /// A digest that a tag once meant.
    public struct TagHistory: Hashable, Sendable {
        public var tag: String
        public var digest: Digest
    }

    public struct Repository: Sendable {
        public var name: String
        public var manifestsKept = 0
        public var manifestsDeleted: [Digest] = []
        public var layerLinksRemoved: [Digest] = []
        public var tagHistoryRemoved: [TagHistory] = []
        /// The deleted blobs that this repository had a manifest of or a link to. One blob can be in several.
        public var blobs: [Blob] = []

        /// Of `blobs`.
        public var bytes: Int64 { blobs.reduce(0) { $0 + $1.size } }
        public var isUntouched: Bool {
            manifestsDeleted.isEmpty && layerLinksRemoved.isEmpty && tagHistoryRemoved.isEmpty && blobs.isEmpty
        }
    }

    /// Content that nothing refers to and that the grace time still protects.
    public struct Waiting: Sendable, Equatable {
        public var blobs = 0
        /// Manifests without a tag, where those are to be deleted.
        public var manifests = 0
        /// Total size of the blobs, including the manifests and the blobs that these need.
        public var bytes: Int64 = 0
        /// When the first of the blobs and the last of them can be deleted, in nanoseconds since 1970; nil if none waits.
        public private(set) var first: Int64?
        public private(set) var last: Int64?

        mutating func add(bytes: Int64, until end: Int64) {
            blobs += 1
            self.bytes += bytes
            extend(end, end)
        }

        mutating func add(_ other: Waiting) {
            blobs += other.blobs
            manifests += other.manifests
            bytes += other.bytes
            if let first = other.first, let last = other.last { extend(first, last) }
        }

        private mutating func extend(_ earliest: Int64, _ latest: Int64) {
            first = min(first ?? .max, earliest)
            last = max(last ?? .min, latest)
        }
    }

    /// Manifests that stay because untagged ones were not to be deleted.
    public struct Untagged: Sendable, Equatable {
        public var manifests = 0
        /// Total size of the manifests and of the blobs that nothing else needs.
        public var bytes: Int64 = 0
    }

    public var isDryRun: Bool
    /// Every repository, component by component, as the catalog has them.
    public var repositories: [Repository] = []
    /// Every blob once.
    public var blobs: [Blob] = []
    /// Blobs and manifests that something refers to.
    public var marked = 0
    public var waiting = Waiting()
    /// Whether no shorter grace time is possible.
    public var hasLeastGrace = false
    public var untagged = Untagged()
    /// Of blobs, revisions and links that are gone: directories that were left behind.
    public var emptyDirectories = 0
    /// What is odd and does no harm.
    public var notes: [String] = []
    /// The name of the quarantine that took everything in; nil if it was deleted.
    public var quarantine: String?

    public var bytes: Int64 { blobs.reduce(0) { $0 + $1.size } }
    public var manifests: Int { repositories.reduce(0) { $0 + $1.manifestsDeleted.count } }
}

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
        _ found: DeletableBlobs, gone: [DeletableBlobs.Blob], _ marks: [RepositoryMarks]
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

/// What a garbage collection is to do.
public struct CollectionOptions: Sendable {
    /// Find out, and change nothing.
    public var dryRun = false
    /// Delete manifests that no tag means, no kept index lists and that are attached to nothing that is kept.
    public var deletesUntagged = false
    /// What was written or touched since then stays: somebody may be about to refer to it. The start of the run
    /// at the least.
    public var graceTime = Duration.seconds(3600)
    /// Move what goes into `ROOT/.dray/quarantine` instead of deleting it: see `StoreQuarantine`.
    public var quarantines = false
    /// Whether it is known that no other collection runs: needed for a bucket whose server has no conditional writes.
    public var isExclusive = false

    public init() {}
}
