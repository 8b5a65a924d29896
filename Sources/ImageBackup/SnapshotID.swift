import ImageModel

/// When a snapshot was made, in UTC and to the millisecond: `20261124T020000.123Z`. Sorts by time.
public struct SnapshotID: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    public let description: String

    /// - Returns: nil for any other text, so that an ID is always a harmless file name.
    public init?(_ text: some StringProtocol) {
        let form = "00000000T000000.000Z".utf8
        guard text.utf8.count == form.count,
            zip(text.utf8, form).allSatisfy({ $1 == UInt8(ascii: "0") ? (48...57).contains($0) : $0 == $1 })
        else { return nil }
        description = String(text)
        guard Timestamp.parse(date) != nil else { return nil }
    }

    /// - Parameter time: milliseconds since 1970.
    init(milliseconds time: Int) {
        let rest = String(time % 1000 + 1000).dropFirst()
        description = Timestamp.format(time / 1000, "%Y%m%dT%H%M%S.") + rest + "Z"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = SnapshotID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no snapshot's ID")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// `2026-11-24T02:00:00Z`
    public var date: String {
        let digits = Array(description.filter { $0 != "T" })
        func part(_ range: Range<Int>) -> String { String(digits[range]) }
        return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14))Z"
    }

    /// Seconds since 1970.
    var time: Int { Timestamp.parse(date) ?? 0 }

    /// Whether it is of a date or before it: the text may be a year, a month, a day, or more exact than that.
    ///
    /// - Returns: nil if the text is no date.
    public func isAsOld(as text: String) -> Bool? {
        let digits = text.replacing(" ", with: "T").filter { $0 != "-" && $0 != ":" && $0 != "Z" }
        let form = "00000000T000000.000".utf8
        guard [4, 6, 8, 11, 13, 15, 19].contains(digits.utf8.count),
            zip(digits.utf8, form).allSatisfy({ $1 == UInt8(ascii: "0") ? (48...57).contains($0) : $0 == $1 })
        else { return nil }
        return description.prefix(digits.count) <= digits
    }

    public static func < (left: SnapshotID, right: SnapshotID) -> Bool { left.description < right.description }
}
