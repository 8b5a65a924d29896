public import ImageModel
import ByteStreams

/// What a copy did, or what a dry run foresees, as a JSON document for those who keep books.
///
/// Its schema is `samples/receipt/receipt.schema.json`.
public struct CopyReceipt: Encodable, Sendable {
    /// One image.
    public struct Image: Encodable, Sendable {
        public var name: String
        public var source: String
        public var rule: String?
        /// `copied`, `present` if nothing had to be moved, `skipped` if another image has the name.
        public var outcome: String
        /// At the destination; nil where a dry run cannot tell.
        public var digest: Digest?
        public var previousDigest: Digest
        /// Whether the digest stays what it was.
        public var kept: Bool
        public var mediaType: MediaType
        public var bytesMoved: Int64
        public var bytesSkipped: Int64
        /// How well a dry run knows `bytesMoved`: `atMost` or `about`; nil where it is exact.
        public var estimate: String?
        public var seconds: Double

        public init(_ image: CopyReport.Image) {
            name = image.name.description
            source = image.source
            rule = image.rule
            outcome = image.outcome == .skipped ? "skipped" : image.bytesMoved > 0 ? "copied" : "present"
            digest = image.estimate == nil ? image.descriptor.digest : nil
            previousDigest = image.previousDigest
            kept = image.kept
            mediaType = image.descriptor.mediaType
            bytesMoved = image.bytesMoved
            bytesSkipped = image.bytesSkipped
            estimate = image.estimate?.rawValue
            seconds = image.seconds.milliseconds
        }
    }

    /// An image, a source or a rule that failed.
    public struct Failure: Encodable, Sendable {
        public var name: String?
        public var source: String
        public var rule: String?
        public var digest: Digest?
        /// What was tried, what was found, and what helps.
        public var message: String

        public init(_ failure: CopyReport.Failure) {
            name = failure.name
            source = failure.source
            rule = failure.rule
            digest = failure.digest
            message = "\(failure.error)"
        }
    }

    /// Of dray.
    public var version: String
    public var dryRun: Bool
    /// RFC 3339, in UTC.
    public var started: String
    public var ended: String
    public var seconds: Double
    public var bytesMoved: Int64
    public var bytesSkipped: Int64
    public var images: [Image]
    public var failures: [Failure]
    /// Room at the destinations, in bytes, as it was before.
    public var disks: [CopyReport.Disk]

    /// - Parameter clock: started with the run.
    public init(_ report: CopyReport, version: String, clock: RunClock) {
        self.version = version
        dryRun = report.isDryRun
        started = Timestamp.rfc3339(clock.start)
        ended = Timestamp.rfc3339(Timestamp.now)
        seconds = clock.seconds.milliseconds
        bytesMoved = report.bytesMoved
        bytesSkipped = report.bytesSkipped
        images = report.images.map { Image($0) }
        failures = report.failures.map { Failure($0) }
        disks = report.disks
    }

    /// Writes it into a file, which is there whole or not at all. Blocks.
    ///
    /// - Throws: `StreamError.io`.
    public func write(to path: String) throws {
        let file = try StagedFile(beside: path)
        try file.write(try Document.encode(self, pretty: true) + Array("\n".utf8))
        try file.commit(to: path)
    }
}

/// When a run began.
public struct RunClock: Sendable {
    /// Seconds since 1970.
    let start = Timestamp.now
    private let instant = ContinuousClock.now

    public init() {}

    var seconds: Double { (ContinuousClock.now - instant) / .seconds(1) }
}

extension Double {
    /// Rounded to a thousandth.
    fileprivate var milliseconds: Double { (self * 1000).rounded() / 1000 }
}
