import ImageModel

/// Sees, before anything is written, that the bytes of every blob can be had: a delta leaves some out, and a
/// volume of a set may be missing.
struct Provisions {
    let destination: any ImageDestination
    let bases: [BlobBase]
    /// How many are told one by one.
    private static let mostReasons = 4
    /// What earlier images of the copy bring.
    private var coming: Set<BlobMove.Key> = []

    init(destination: any ImageDestination, bases: [BlobBase]) {
        self.destination = destination
        self.bases = bases
    }

    /// A blob that can be had from nowhere, and why its source has not got it.
    struct Missing {
        let blob: Descriptor
        let absence: BlobAbsence
    }

    /// Images are to be asked after in the order in which they are going to claim what they bring.
    mutating func missing(for work: ImageWork) async throws -> [Missing] {
        var missing: [Missing] = []
        for case (let move, .move) in work.moves where !coming.contains(move.key) {
            let absence = try await work.image.source.absence(of: move.blob, in: work.image.image.repository)
            if let absence, try await !canBeHad(move, absence) {
                missing.append(Missing(blob: move.blob, absence: absence))
            } else {
                coming.insert(move.key)
            }
        }
        return missing
    }

    private func canBeHad(_ move: BlobMove, _ absence: BlobAbsence) async throws -> Bool {
        if bases.contains(where: { $0.has(move.blob) }) { return true }
        guard !destination.traits.sharesBlobs, move.compression == nil, let repository = absence.repository else {
            return false
        }
        // From there it can be mounted.
        return try await destination.has(move.blob, in: repository)
    }

    /// What to say of images that lack something.
    func error(_ works: [ImageWork]) -> TransferError {
        var parts: [String] = []
        var advice: [String] = []
        var reasons: [String] = []
        for absence in works.flatMap(\.missing).map(\.absence) {
            if !reasons.contains(absence.reason) { reasons.append(absence.reason) }
            if !advice.contains(absence.advice) { advice.append(absence.advice) }
        }
        for reason in reasons.prefix(Self.mostReasons) {
            var blobs: [Descriptor] = []
            var seen: Set<Digest> = []
            var images: [String] = []
            for work in works {
                let own = work.missing.filter { $0.absence.reason == reason }.map(\.blob)
                if own.isEmpty { continue }
                images.append(work.image.name.description)
                for blob in own where seen.insert(blob.digest).inserted { blobs.append(blob) }
            }
            let bytes = blobs.reduce(Int64(0)) { $0.addingSaturated(max(0, $1.size)) }
            let names = images.prefix(8).joined(separator: ", ")
            let more = images.count > 8 ? " and \(images.count - 8) more" : ""
            let what = blobs.count == 1 ? "1 blob" : "\(blobs.count) blobs"
            parts.append(
                "\(what) of \(names)\(more) (\(bytes) bytes; \(blobs.count == 1 ? "" : "the first is ")\(blobs[0].digest)) "
                    + "can be had from nowhere: \(reason), and \(destination.title) has not got "
                    + (blobs.count == 1 ? "it" : "them"))
        }
        if reasons.count > Self.mostReasons {
            parts.append("and so on, \(reasons.count - Self.mostReasons) times more")
        }
        return .damaged(parts.joined(separator: "; ") + ": " + advice.joined(separator: ", or "))
    }
}
