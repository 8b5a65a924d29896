public import ImageModel

/// What happened to each image.
public struct CopyReport: Sendable {
    public struct Image: Sendable {
        public enum Outcome: Sendable {
            case copied
            /// Its name was taken, and `--on-existing skip` said to leave it.
            case skipped
        }

        /// How well a dry run can tell what a layer will be once it is packed anew.
        public enum Estimate: String, Sendable {
            /// No more than that: what is raw is going to be compressed.
            case atMost
            /// What is compressed is going to be inflated: its size is a guess.
            case about
        }

        /// The source and the image in it.
        public var source: String
        /// The reference that the image was taken from.
        public var reference: String
        public var name: ImageName
        /// What it is at the destination; with an estimate, what it is in the source.
        public var descriptor: Descriptor
        /// What its digest was in the source.
        public var previousDigest: Digest
        /// Whether the digest stays what it was.
        public var kept = true
        public var bytesMoved: Int64 = 0
        public var bytesSkipped: Int64 = 0
        /// Of `bytesMoved`; nil if that is exact.
        public var estimate: Estimate?
        public var outcome = Outcome.copied
        /// The digest that the tag named at the destination before, if that was another one; of a skipped image, names still.
        public var replacedDigest: Digest?
        /// Whether the destination did not have the tag.
        public var isNewTag = false
        /// Of whoever wished for it: a rule's name.
        public var rule: String?
        /// How long it took, with blobs that another image brought waited for.
        public var seconds = 0.0

        /// What became of it, in a word: `copied`, `present` if the destination had all of it and its name, or `skipped`.
        public var result: String { outcome == .skipped ? "skipped" : isPresent ? "present" : "copied" }

        /// Whether the destination had all of it, and its name.
        public var isPresent: Bool {
            outcome == .copied && bytesMoved == 0 && estimate == nil && replacedDigest == nil && !isNewTag
        }
    }

    /// An image, or a source, that could not be copied.
    public struct Failure: Sendable {
        public var source: String
        /// What it is, or would have been, called; nil if not even that is known.
        public var name: String?
        public var digest: Digest?
        /// Of whoever wished for it: a rule's name.
        public var rule: String?
        public var error: any Error

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
    public struct Disk: Sendable, Encodable {
        public var destination: String
        /// What is going to be written; at most, where layers are going to be compressed.
        public var needed: Int64
        public var free: Int64
        /// Why it cannot be written; nil if nothing is known to be in the way.
        public var problem: String?
    }

    public var images: [Image] = []
    public var failures: [Failure] = []
    public var isDryRun = false
    /// None of destinations that cannot tell, or where nothing has to be written.
    public var disks: [Disk] = []

    public init(images: [Image] = [], failures: [Failure] = [], isDryRun: Bool = false) {
        self.images = images
        self.failures = failures
        self.isDryRun = isDryRun
    }

    /// Adds what another copy did.
    public mutating func add(_ other: CopyReport) {
        images += other.images
        failures += other.failures
        disks += other.disks
    }

    public var bytesMoved: Int64 { images.reduce(0) { $0.addingSaturated($1.bytesMoved) } }
    public var bytesSkipped: Int64 { images.reduce(0) { $0.addingSaturated($1.bytesSkipped) } }
}
