/// The sizes of the parts of an upload.
///
/// All parts but the last are equal where the object's size is known, or at most 32 GiB: Cloudflare R2 demands it. Parts of
/// larger objects of unknown size grow, so that `limit` of them hold at least 1 TiB.
package struct PartPlan: Sendable, Equatable {
    /// The smallest part that is not the last one, in bytes. Source: Amazon S3 User Guide, "multipart upload limits".
    package static let smallest = 5 << 20
    private static let largest = 5 << 30
    private static let unit = 1 << 20

    private let first: Int
    private let limit: Int
    private let grows: Bool

    /// - Parameters:
    ///   - expected: bytes of the object; nil if unknown.
    ///   - usual: bytes of a part.
    ///   - limit: number of parts.
    package init(expected: Int64?, usual: Int, limit: Int) {
        let usual = min(max(usual, Self.smallest), Self.largest)
        self.limit = limit
        grows = expected == nil
        let least = expected.map { Int(($0 + Int64(limit) - 1) / Int64(limit)) } ?? 0
        first = max(usual, (least + Self.unit - 1) / Self.unit * Self.unit)
    }

    /// Bytes of a part; nil if there can be no such part.
    ///
    /// - Parameter number: from 1.
    package func size(of number: Int) -> Int? {
        guard number <= limit else { return nil }
        guard grows, number > limit / 5 else { return first }
        return min(Self.largest, number > limit * 3 / 5 ? first * 16 : first * 4)
    }
}
