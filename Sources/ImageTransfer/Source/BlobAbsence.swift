/// Why a blob that images of a source refer to is not in it, as far as that can be told without reading.
public struct BlobAbsence: Hashable, Sendable {
    /// Whether the source tells why it lacks the blob.
    public enum Kind: Hashable, Sendable {
        case unexplained
        /// A delta leaves it out.
        case leftOut
        case missingVolume
    }

    public var kind: Kind
    /// Reads on from "2 blobs are missing: ".
    public var reason: String
    /// What to do about it, other than to name another place that has it.
    public var advice: String?
    /// Where a destination that was taken stock of had it.
    public var repository: String?

    public init(
        _ kind: Kind = .unexplained, reason: String, advice: String? = nil, repository: String? = nil
    ) {
        self.kind = kind
        self.reason = reason
        self.advice = advice
        self.repository = repository
    }
}
