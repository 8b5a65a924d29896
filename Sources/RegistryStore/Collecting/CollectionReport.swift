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
