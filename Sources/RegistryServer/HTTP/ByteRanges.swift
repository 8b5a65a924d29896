/// What a `Range` header asks for, of content of a known size. Source: RFC 9110, section 14.
package enum ByteRanges: Equatable, Sendable {
    /// Everything: no range, or more than it is worth.
    case whole
    /// At least one, each within the content.
    case parts([Range<Int64>])
    case unsatisfiable
    case malformed

    /// More are a way to make a server work, and not one to read a file.
    private static let mostParts = 32

    package init(_ header: String?, size: Int64) {
        guard let header else {
            self = .whole
            return
        }
        guard header.hasPrefix("bytes=") else {
            self = .malformed
            return
        }
        var parts: [Range<Int64>] = []
        var isBeyond = false
        for item in header.dropFirst(6).split(separator: ",") {
            let ends = item.filter { $0 != " " }.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count == 2, parts.count < Self.mostParts else {
                self = .malformed
                return
            }
            let range: Range<Int64>
            if ends[0].isEmpty {
                guard let count = Self.number(ends[1]) else {
                    self = .malformed
                    return
                }
                range = max(0, size - count)..<size
            } else {
                guard let first = Self.number(ends[0]), let last = ends[1].isEmpty ? .max : Self.number(ends[1]),
                    last >= first
                else {
                    self = .malformed
                    return
                }
                range = first < size ? first..<(last < size ? last + 1 : size) : size..<size
            }
            if range.isEmpty { isBeyond = true } else { parts.append(range) }
        }
        guard !parts.isEmpty else {
            self = isBeyond ? .unsatisfiable : .malformed
            return
        }
        self = parts.reduce(0, { $0 + Int64($1.count) }) > size ? .whole : .parts(parts)
    }

    private static func number(_ text: some StringProtocol) -> Int64? {
        text.utf8.allSatisfy { (48...57).contains($0) } ? Int64(text) : nil
    }
}
