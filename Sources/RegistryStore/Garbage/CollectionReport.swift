package import ImageModel

/// What a garbage collection deleted, or would delete. Sorted, so the same store gives the same report.
package struct CollectionReport: Sendable {
    package struct Blob: Hashable, Sendable {
        package var digest: Digest
        /// Bytes.
        package var size: Int64
    }

    /// A digest that a tag once meant.
    package struct TagHistory: Hashable, Sendable {
        package var tag: String
        package var digest: Digest
    }

    package struct Repository: Sendable {
        package var name: String
        package var manifestsKept = 0
        package var manifestsDeleted: [Digest] = []
        package var layerLinksRemoved: [Digest] = []
        package var tagHistoryRemoved: [TagHistory] = []
        /// The deleted blobs that this repository had a manifest of or a link to. One blob can be in several.
        package var blobs: [Blob] = []

        /// Of `blobs`.
        package var bytes: Int64 { blobs.reduce(0) { $0 + $1.size } }
        package var isUntouched: Bool {
            manifestsDeleted.isEmpty && layerLinksRemoved.isEmpty && tagHistoryRemoved.isEmpty && blobs.isEmpty
        }
    }

    /// Content that nothing refers to and that the grace time still protects.
    package struct Waiting: Sendable, Equatable {
        package var blobs = 0
        /// Manifests without a tag, where those are to be deleted.
        package var manifests = 0
        /// Total size of the blobs, including the manifests and the blobs that these need.
        package var bytes: Int64 = 0
        /// When the first of the blobs and the last of them can be deleted, in nanoseconds since 1970; nil if none waits.
        package private(set) var first: Int64?
        package private(set) var last: Int64?

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
    package struct Untagged: Sendable, Equatable {
        package var manifests = 0
        /// Total size of the manifests and of the blobs that nothing else needs.
        package var bytes: Int64 = 0
    }

    package var isDryRun: Bool
    /// Every repository, component by component, as the catalog has them.
    package var repositories: [Repository] = []
    /// Every blob once.
    package var blobs: [Blob] = []
    /// Blobs and manifests that something refers to.
    package var marked = 0
    package var waiting = Waiting()
    package var untagged = Untagged()
    /// Of blobs, revisions and links that are gone: directories that were left behind.
    package var emptyDirectories = 0
    /// What is odd and does no harm.
    package var notes: [String] = []
    /// The name of the quarantine that took everything in; nil if it was deleted.
    package var quarantine: String?

    package var bytes: Int64 { blobs.reduce(0) { $0 + $1.size } }
    package var manifests: Int { repositories.reduce(0) { $0 + $1.manifestsDeleted.count } }
}
