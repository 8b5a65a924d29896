package import ByteStreams

/// What a verification has found.
public struct VerifyReport: Sendable {
    public var place: String
    /// Damage first, the worst before the rest.
    public var findings: [Finding] = []
    /// What was mended, as it was found.
    public var mended: [Finding] = []
    /// Why something could not be mended: one line each.
    public var failures: [String] = []
    /// Names and digests that lead to an image.
    public var images = 0
    public var manifests = 0
    /// Blobs that were read, or that an interrupted run had read.
    public var blobs = 0
    /// Of those blobs.
    public var bytes: Int64 = 0
    /// Whether layers were inflated and compared with their configs.
    public var isDeep = false
    /// Where repairing put what it replaced; nil if it was not kept, or there was nothing.
    public var quarantine: String?

    public init(place: String) { self.place = place }

    /// Of a place that cannot be read at all.
    public init(unreadable place: String, error: any Error) {
        self.place = place
        findings = [
            Finding(
                .unreadable, place, "cannot be read: \(error)", affected: [AffectedImage("everything in it")],
                advice: "put a sound copy in its place")
        ]
    }

    public var damage: [Finding] { findings.filter(\.isDamage) }
    public var remarks: [Finding] { findings.filter { !$0.isDamage } }
}

/// What `verify` may be told.
public struct VerifyOptions: Sendable {
    /// Whether layers are inflated, their tars followed, and their diffIDs compared with their configs.
    public var isDeep = false
    /// How far a layer may inflate.
    package var inflation = InflationLimit.standard
    /// Blobs at once; nil for as many as there are processors, or as suits a network.
    public var jobs: Int?
    /// A file that remembers what was read while a run lasts, so that an interrupted one can go on.
    public var journal: String?

    public init() {}
}
