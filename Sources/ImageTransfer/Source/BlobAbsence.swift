/// Why a blob that images of a source refer to is not in it, as far as that can be told without reading.
package struct BlobAbsence: Hashable, Sendable {
    /// Whether the source tells why it lacks the blob.
    package enum Kind: Hashable, Sendable {
        case unexplained
        /// A delta leaves it out.
        case leftOut
        case missingVolume
    }

    package var kind: Kind
    /// Reads on from "2 blobs are missing: ".
    package var reason: String
    /// What to do about it, other than to name another place that has it.
    package var advice: String?
    /// Where a destination that was taken stock of had it.
    package var repository: String?

    package init(
        _ kind: Kind = .unexplained, reason: String, advice: String? = nil, repository: String? = nil
    ) {
        self.kind = kind
        self.reason = reason
        self.advice = advice
        self.repository = repository
    }
}
