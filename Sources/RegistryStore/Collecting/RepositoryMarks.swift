import ByteStreams
import ImageModel
import ImageTransfer

/// What one repository keeps, and what of it can go.
struct RepositoryMarks: Sendable {
    /// A manifest that the repository serves by digest.
    struct Revision: Sendable {
        /// As its path says; nil for an algorithm that dray does not know.
        var digest: Digest?
        /// Of its directory, below the repository.
        var path: String
        /// What its bytes are filed as.
        var target: PackedDigest
    }

    struct LayerLink: Sendable {
        var digest: Digest
        /// The SHA-256 that the bytes are filed under; nil if the link does not tell.
        var target: PackedDigest?
        var path: String
    }

    struct HistoryEntry: Sendable {
        var tag: String
        var digest: Digest
        var path: String
    }

    var name: String
    /// Whether it is reached over a symbolic link: then it is read, and left as it is.
    var isElsewhere = false
    var manifestsKept = 0
    /// Blobs and manifests that something refers to.
    var marks: Set<PackedDigest> = []
    /// Manifests that stay though no tag leads to them, and the marks that only they give.
    var untagged: (manifests: Int, marks: Set<PackedDigest>) = (0, [])
    /// Blobs that go by SHA-512 in a manifest.
    var longMarks: Set<Digest> = []
    /// Blobs that no manifest needs, and that wait for the grace time: when what holds them was last touched, in
    /// nanoseconds since 1970.
    var held: [PackedDigest: Int64] = [:]
    /// Untagged manifests that wait likewise.
    var waitingManifests = 0
    /// What the repository had to do with though it does not keep it.
    var mentions: Set<PackedDigest> = []

    /// Manifests to go, parents before children.
    var revisions: [Revision] = []
    var layerLinks: [LayerLink] = []
    var history: [HistoryEntry] = []
    /// Directories without the link that they are for.
    var emptyDirectories: [String] = []
    /// Uploads of a Go registry that went on lately.
    var uploads = 0

    var notes: [String] = []
    /// What forbids to delete anything.
    var problems: [CollectionRefused.Problem] = []

    mutating func hold(_ digest: PackedDigest, since time: Int64) { held[digest] = max(held[digest] ?? .min, time) }
}

extension [RepositoryMarks] {
    /// The blobs that any repository needs; and those that wait for the grace time, with the latest touch of what holds
    /// them, in nanoseconds since 1970.
    var protected: (kept: Set<PackedDigest>, held: [PackedDigest: Int64]) {
        var kept: Set<PackedDigest> = []
        var held: [PackedDigest: Int64] = [:]
        for repository in self {
            kept.formUnion(repository.marks)
            held.merge(repository.held) { Swift.max($0, $1) }
        }
        return (kept, held)
    }

    /// The blobs that only untagged manifests need.
    var neededByUntagged: Set<PackedDigest> {
        var digests = reduce(into: Set<PackedDigest>()) { $0.formUnion($1.untagged.marks) }
        guard !digests.isEmpty else { return digests }
        for repository in self {
            for digest in repository.marks where !repository.untagged.marks.contains(digest) { digests.remove(digest) }
        }
        return digests
    }
}

/// Why nothing was deleted: what cannot be read might refer to any blob.
package struct CollectionRefused: Error, CustomStringConvertible {
    /// Names what is wrong, the cause, and what to do.
    package struct Problem: Sendable, CustomStringConvertible {
        package let description: String
        /// Whether the store is damaged, rather than that the system did not let it be read.
        package let isDamage: Bool

        /// - Parameter cause: nil for damage that is described in full.
        init(_ description: String, cause: (any Error)? = nil) {
            self.description = description
            isDamage = (cause as? ImageError)?.errno == nil
        }
    }

    package let problems: [Problem]
    private var isDamage: Bool { problems.contains(where: \.isDamage) }

    /// The error that is thrown.
    var error: ImageError { ImageError(isDamage ? .damaged : .refused, cause: self) }

    package var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return "nothing is deleted while something cannot be read that may refer to blobs: \(count)\n"
            + problems.map(\.description).joined(separator: "\n")
    }
}
