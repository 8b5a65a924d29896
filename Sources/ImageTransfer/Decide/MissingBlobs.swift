import ImageModel

/// Finds blobs that are missing from the source and from the destination, before anything is written: a delta leaves some
/// out, and a volume of a set may be missing.
struct MissingBlobs {
    private let destination: any ImageDestination
    private let bases: [BlobBase]
    private let names: OptionNames
    /// Reasons that are told one by one.
    private static let mostReasons = 4
    /// What earlier images of the copy bring.
    private var coming: Set<BlobJob.Key> = []

    init(_ context: CopyContext) {
        destination = context.destination
        bases = context.options.bases
        names = context.options.names
    }

    /// What an image lacks. Called for images in the order in which they claim what they bring.
    mutating func find(in job: ImageJob) async throws -> [MissingBlob] {
        var missing: [MissingBlob] = []
        for case (let blob, .move) in job.blobs where !coming.contains(blob.key) {
            let absence = try await job.plan.source.lack(of: blob.blob, in: job.plan.image.repository)
            if let absence, try await !canBeHad(blob, absence) {
                missing.append(MissingBlob(blob: blob.blob, absence: absence))
            } else {
                coming.insert(blob.key)
            }
        }
        return missing
    }

    private func canBeHad(_ job: BlobJob, _ absence: BlobAbsence) async throws -> Bool {
        if bases.contains(where: { $0.has(job.blob) }) { return true }
        guard !destination.sharesBlobs, job.compression == nil, let repository = absence.repository else {
            return false
        }
        // From there it can be mounted.
        return try await destination.has(job.blob, in: repository)
    }

    /// What to say of images that lack something.
    func error(_ jobs: [ImageJob]) -> ImageError {
        var parts: [String] = []
        var advice: [String] = []
        var reasons: [String] = []
        for absence in jobs.flatMap(\.missing).map(\.absence) {
            if !reasons.contains(absence.reason) { reasons.append(absence.reason) }
            if let own = absence.advice, !advice.contains(own) { advice.append(own) }
        }
        for reason in reasons.prefix(Self.mostReasons) {
            var blobs: [Descriptor] = []
            var seen: Set<Digest> = []
            var images: [String] = []
            for job in jobs {
                let own = job.missing.filter { $0.absence.reason == reason }.map(\.blob)
                if own.isEmpty { continue }
                images.append(job.plan.name.description)
                for blob in own where seen.insert(blob.digest).inserted { blobs.append(blob) }
            }
            let bytes = blobs.reduce(Int64(0)) { $0.addingSaturated(max(0, $1.size)) }
            let titles = images.prefix(8).joined(separator: ", ")
            let more = images.count > 8 ? " and \(images.count - 8) more" : ""
            let what = blobs.count == 1 ? "1 blob" : "\(blobs.count) blobs"
            parts.append(
                "\(what) of \(titles)\(more) (\(bytes) bytes; \(blobs.count == 1 ? "" : "the first is ")\(blobs[0].digest)) "
                    + "\(blobs.count == 1 ? "is" : "are") missing: \(reason), and \(destination.title) does not have "
                    + (blobs.count == 1 ? "it" : "them"))
        }
        if reasons.count > Self.mostReasons {
            parts.append("\(reasons.count - Self.mostReasons) more reasons")
        }
        if let base = names.base { advice.append("name a place that has them with \(base)") }
        if let platform = names.platform { advice.append("\(platform) present copies the platforms that are whole") }
        return .damaged(
            parts.joined(separator: "; ") + (advice.isEmpty ? "" : "; " + advice.joined(separator: ", or ")))
    }
}
