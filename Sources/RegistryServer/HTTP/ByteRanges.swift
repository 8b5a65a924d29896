/// The ranges that a `Range` header asks for, of content of a known size. Source: RFC 9110, section 14.
package enum ByteRanges: Equatable, Sendable {
    /// Everything: no range, an unknown unit, or ranges that are not worth sending one by one.
    case whole
    /// At least one, each within the content, in the order of the header.
    case parts([Range<Int64>])
    case unsatisfiable
    case malformed

    /// The most parts of one answer. podman's partial pulls ask for up to 1,024 ranges in one request, and refuse
    /// answers with another number of parts: ranges are never merged.
    package static let mostParts = 1024

    package init(_ header: String?, size: Int64) {
        guard let header else {
            self = .whole
            return
        }
        let unit = header.prefix { $0 != "=" }
        guard unit.endIndex < header.endIndex, unit.lowercased() == "bytes" else {
            // A unit that is not known here has to be ignored.
            self = unit.endIndex < header.endIndex && Self.isToken(unit) ? .whole : .malformed
            return
        }
        var parts: [Range<Int64>] = []
        var asksForSomething = false
        var total: Int64 = 0
        for item in header[unit.endIndex...].dropFirst().split(separator: ",") {
            let item = item.trimmedWhitespace
            if item.isEmpty { continue }
            guard let range = Self.range(item, size: size) else {
                self = .malformed
                return
            }
            asksForSomething = true
            if range.isEmpty { continue }
            parts.append(range)
            total += Int64(range.count)
            // Overlapping ranges could make an answer far larger than the content.
            if total > size || parts.count > Self.mostParts { break }
        }
        if !asksForSomething {
            self = .malformed
        } else if total > size || parts.count > Self.mostParts || size == 0 {
            self = .whole
        } else {
            self = parts.isEmpty ? .unsatisfiable : .parts(parts)
        }
    }

    /// - Returns: nil if it is malformed; an empty range if it lies beyond the end.
    private static func range(_ item: Substring, size: Int64) -> Range<Int64>? {
        let ends = item.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        if ends[0].isEmpty {
            guard let count = number(ends[1]) else { return nil }
            return max(0, size - count)..<size
        }
        guard let first = number(ends[0]), let last = ends[1].isEmpty ? .max : number(ends[1]), last >= first else {
            return nil
        }
        return first < size ? first..<(last < size ? last + 1 : size) : size..<size
    }

    /// A number that is too large for this machine lies beyond the end of everything.
    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int64(text) ?? .max
    }

    private static func isToken(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 32 && $0 < 127 && !"()<>@,;:\\\"/[]?{}".utf8.contains($0) }
    }
}

extension Substring {
    /// Without the spaces and tabs at both ends: optional white space in the fields of HTTP.
    var trimmedWhitespace: Substring {
        func isSpace(_ character: Character) -> Bool { character == " " || character == "\t" }
        var text = drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }
}
