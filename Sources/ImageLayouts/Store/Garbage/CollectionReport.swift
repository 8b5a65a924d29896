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

    public var isDryRun: Bool
    /// Every repository, component by component, as the catalog has them.
    public var repositories: [Repository] = []
    /// Every blob once.
    public var blobs: [Blob] = []
    /// Blobs and manifests that something refers to.
    public var marked = 0
    /// Blobs that nothing refers to, and that are too young to go.
    public var youngBlobs = 0
    /// Of blobs, revisions and links that are gone: directories that were left behind.
    public var emptyDirectories = 0
    /// What is odd and does no harm.
    public var notes: [String] = []
    /// The name of the quarantine that took everything in; nil if it was deleted.
    public var quarantine: String?

    public var bytes: Int64 { blobs.reduce(0) { $0 + $1.size } }
    public var manifests: Int { repositories.reduce(0) { $0 + $1.manifestsDeleted.count } }
}
