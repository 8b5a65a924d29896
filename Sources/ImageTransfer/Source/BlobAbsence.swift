/// Why a blob that images of a source refer to is not in it, as far as that can be told without reading.
public struct BlobAbsence: Hashable, Sendable {
    /// Reads on from "2 blobs are missing: ".
    public var reason: String
    /// What to do about it, other than to name another place that has it.
    public var advice: String?
    /// Where a destination that was taken stock of had it.
    public var repository: String?

    public init(reason: String, advice: String? = nil, repository: String? = nil) {
        self.reason = reason
        self.advice = advice
        self.repository = repository
    }
}
