package import ImageModel

/// What happened to each image.
package struct CopyReport: Sendable {
    package struct Image: Sendable {
        package enum Outcome: Sendable {
            case copied
            /// Its name was taken, and `--on-existing skip` said to leave it.
            case skipped
        }

        /// How well a dry run can tell what a layer will be once it is packed anew.
        package enum Estimate: String, Sendable {
            /// No more than that: what is raw is going to be compressed.
            case atMost
            /// What is compressed is going to be inflated: its size is a guess.
            case about
        }

        /// The source and the image in it.
        package var source: String
        /// The reference that the image was taken from.
        package var reference: String
        package var name: ImageName
        /// What it is at the destination; with an estimate, what it is in the source.
        package var descriptor: Descriptor
        /// What its digest was in the source.
        package var previousDigest: Digest
        /// Whether the digest stays what it was.
        package var kept = true
        package var bytesMoved: Int64 = 0
        package var bytesSkipped: Int64 = 0
        /// Of `bytesMoved`; nil if that is exact.
        package var estimate: Estimate?
        package var outcome = Outcome.copied
        /// The digest that the tag named at the destination before, if that was another one; of a skipped image, names still.
        package var replacedDigest: Digest?
        /// Whether the destination did not have the tag.
        package var isNewTag = false
        /// Of whoever wished for it: a rule's name.
        package var rule: String?
        /// How long it took, with blobs that another image brought waited for.
        package var seconds = 0.0

        /// What became of it, in a word: `copied`, `present` if the destination had all of it and its name, or `skipped`.
        package var result: String { outcome == .skipped ? "skipped" : isPresent ? "present" : "copied" }

        /// Whether the destination had all of it, and its name.
        package var isPresent: Bool {
            outcome == .copied && bytesMoved == 0 && estimate == nil && replacedDigest == nil && !isNewTag
        }
    }

    /// An image, or a source, that could not be copied.
    package struct Failure: Sendable {
        package var source: String
        /// What it is, or would have been, called; nil if not even that is known.
        package var name: String?
        package var digest: Digest?
        /// Of whoever wished for it: a rule's name.
        package var rule: String?
        package var error: any Error

        package init(
            source: String, name: String? = nil, digest: Digest? = nil, rule: String? = nil, error: any Error
        ) {
            self.source = source
            self.name = name
            self.digest = digest
            self.rule = rule
            self.error = error
        }
    }

    /// Room at the destination, in bytes.
    package struct Disk: Sendable, Encodable {
        package var destination: String
        /// What is going to be written; at most, where layers are going to be compressed.
        package var needed: Int64
        package var free: Int64
        /// Why it cannot be written; nil if nothing is known to be in the way.
        package var problem: String?
    }

    package var images: [Image] = []
    package var failures: [Failure] = []
    package var isDryRun = false
    /// None of destinations that cannot tell, or where nothing has to be written.
    package var disks: [Disk] = []

    package init(images: [Image] = [], failures: [Failure] = [], isDryRun: Bool = false) {
        self.images = images
        self.failures = failures
        self.isDryRun = isDryRun
    }

    /// Adds what another copy did.
    package mutating func add(_ other: CopyReport) {
        images += other.images
        failures += other.failures
        disks += other.disks
    }

    package var bytesMoved: Int64 { images.reduce(0) { $0.addingSaturated($1.bytesMoved) } }
    package var bytesSkipped: Int64 { images.reduce(0) { $0.addingSaturated($1.bytesSkipped) } }
}
