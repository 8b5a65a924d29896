package import ImageModel
import ByteStreams

/// What a copy did, or what a dry run foresees, as a JSON document for those who keep books.
///
/// Its schema is `samples/receipt/receipt.schema.json`.
package struct CopyReceipt: Encodable, Sendable {
    /// One image.
    package struct Image: Encodable, Sendable {
        package var name: String
        /// The reference that it was taken from.
        package var source: String
        /// The reference that it has now; nil where none leads to a single image.
        package var destination: String?
        package var rule: String?
        /// `copied`, `present` if nothing had to be changed, `skipped` if another image has the name.
        package var outcome: String
        /// At the destination; nil where a dry run cannot tell.
        package var digest: Digest?
        package var previousDigest: Digest
        /// The digest that the tag named before, if that was another one.
        package var replacedDigest: Digest?
        /// Whether the digest stays what it was.
        package var kept: Bool
        package var mediaType: MediaType
        package var bytesMoved: Int64
        package var bytesSkipped: Int64
        /// How well a dry run knows `bytesMoved`: `atMost` or `about`; nil where it is exact.
        package var estimate: String?
        package var seconds: Double

        /// - Parameter destination: the reference of the place.
        package init(_ image: CopyReport.Image, at destination: ImageReference? = nil) {
            name = image.name.description
            source = image.reference
            if var reference = destination, image.outcome == .copied {
                if reference.transport != .directory { reference.name = image.name.description }
                if image.name.tag == nil, image.estimate == nil { reference.digest = image.descriptor.digest }
                self.destination = reference.description
            }
            rule = image.rule
            outcome = image.result
            digest = image.estimate == nil ? image.descriptor.digest : nil
            previousDigest = image.previousDigest
            replacedDigest = image.replacedDigest
            kept = image.kept
            mediaType = image.descriptor.mediaType
            bytesMoved = image.bytesMoved
            bytesSkipped = image.bytesSkipped
            estimate = image.estimate?.rawValue
            seconds = image.seconds.milliseconds
        }
    }

    /// An image, a source or a rule that failed.
    package struct Failure: Encodable, Sendable {
        package var name: String?
        package var source: String
        package var rule: String?
        package var digest: Digest?
        /// What was tried, what was found, and what helps.
        package var message: String

        package init(_ failure: CopyReport.Failure) {
            name = failure.name
            source = failure.source
            rule = failure.rule
            digest = failure.digest
            message = PrintableURL.hidingSecrets(in: "\(failure.error)")
        }
    }

    /// How the run ended.
    package enum Outcome: String, Encodable, Sendable {
        case done
        /// Some images failed.
        case partial
        case failed
        case interrupted
    }

    /// The places that a run was about.
    package struct Places: Sendable {
        /// References.
        package var sources: [String]
        /// nil if rules have different ones.
        package var destination: String?
        /// Files that were written, if the destination is an archive.
        package var volumes: [String] = []
        /// The ID of the snapshot that was made or restored.
        package var snapshot: String?
        /// IDs of the keys.
        package var signedWith: String?
        package var verifiedWith: String?
        /// Gives an image's destination, without its name.
        package var place: @Sendable (CopyReport.Image) -> ImageReference? = { _ in nil }

        package init(sources: [String], destination: String? = nil) {
            self.sources = sources
            self.destination = destination
        }
    }

    /// Of dray.
    package var version: String
    package var dryRun: Bool
    package var outcome: Outcome
    package var sources: [String]
    package var destination: String?
    package var volumes: [String]
    package var snapshot: String?
    package var signedWith: String?
    package var verifiedWith: String?
    /// RFC 3339, in UTC.
    package var started: String
    package var ended: String
    package var seconds: Double
    package var bytesMoved: Int64
    package var bytesSkipped: Int64
    package var images: [Image]
    package var failures: [Failure]
    /// Room at the destinations, in bytes, as it was before.
    package var disks: [CopyReport.Disk]

    /// - Parameter clock: started with the run.
    package init(_ report: CopyReport, _ outcome: Outcome, at places: Places, version: String, clock: RunClock) {
        self.version = version
        self.outcome = outcome
        sources = places.sources
        destination = places.destination
        volumes = places.volumes
        snapshot = places.snapshot
        signedWith = places.signedWith
        verifiedWith = places.verifiedWith
        dryRun = report.isDryRun
        started = Timestamp.rfc3339(clock.start)
        ended = Timestamp.rfc3339(Timestamp.now)
        seconds = clock.seconds.milliseconds
        bytesMoved = report.bytesMoved
        bytesSkipped = report.bytesSkipped
        images = report.images.map { Image($0, at: places.place($0)) }
        failures = report.failures.map { Failure($0) }
        disks = report.disks
    }

    /// Writes it into a file, which is there whole or not at all; or to a pipe or a device. Blocks.
    ///
    /// - Parameter path: a link is followed, if it is trusted.
    /// - Throws: `ImageError.io`.
    package func write(to path: String) throws {
        try WholeFile.write(Document.encode(self, pretty: true) + Array("\n".utf8), to: path)
    }
}

/// When a run began.
package struct RunClock: Sendable {
    /// Seconds since 1970.
    let start = Timestamp.now
    private let instant = ContinuousClock.now

    package init() {}

    var seconds: Double { (ContinuousClock.now - instant) / .seconds(1) }
}

extension Double {
    /// Rounded to a thousandth.
    fileprivate var milliseconds: Double { (self * 1000).rounded() / 1000 }
}
