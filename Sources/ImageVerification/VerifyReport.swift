/// What a verification has found.
package struct VerifyReport: Sendable {
    package var place: String
    /// Damage first, the worst before the rest.
    package var findings: [Finding] = []
    /// What was mended, as it was found.
    package var mended: [Finding] = []
    /// Why something could not be mended: one line each.
    package var failures: [String] = []
    /// Names and digests that lead to an image.
    package var images = 0
    package var manifests = 0
    /// Blobs that were read, or that an interrupted run had read.
    package var blobs = 0
    /// Of those blobs.
    package var bytes: Int64 = 0
    /// Whether layers were inflated and compared with their configs.
    package var isDeep = false
    /// Where repairing put what it replaced; nil if it was not kept, or there was nothing.
    package var quarantine: String?

    package init(place: String) { self.place = place }

    /// Of a place that cannot be read at all.
    package init(unreadable place: String, error: any Error) {
        self.place = place
        findings = [
            Finding(
                .unreadable, place, "cannot be read: \(error)", affected: [AffectedImage("everything in it")],
                advice: "put a sound copy in its place")
        ]
    }

    package var damage: [Finding] { findings.filter(\.isDamage) }
    package var remarks: [Finding] { findings.filter { !$0.isDamage } }
}
