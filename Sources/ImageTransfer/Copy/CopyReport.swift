public import ImageModel

/// What happened to each image.
public struct CopyReport: Sendable {
    public struct Image: Sendable {
        public enum Outcome: Sendable {
            case copied
            /// Its name was taken, and `--on-existing skip` said to leave it.
            case skipped
            case failed(any Error)
        }

        /// The source and the image in it.
        public var source: String
        public var name: ImageName
        public var descriptor: Descriptor
        /// What its digest was in the source.
        public var previousDigest: Digest
        public var bytesMoved: Int64 = 0
        public var bytesSkipped: Int64 = 0
        public var outcome = Outcome.copied

        public var kept: Bool { descriptor.digest == previousDigest }
    }

    public var images: [Image] = []
    public var isDryRun = false

    public var bytesMoved: Int64 { images.reduce(0) { $0 + $1.bytesMoved } }
    public var bytesSkipped: Int64 { images.reduce(0) { $0 + $1.bytesSkipped } }
    public var failures: [any Error] {
        images.compactMap { if case .failed(let error) = $0.outcome { error } else { nil } }
    }
}
