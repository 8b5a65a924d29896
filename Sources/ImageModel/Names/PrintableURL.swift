/// URLs for messages, logs and labels: `***` stands for user name and password, and for a query or fragment, which may
/// hold signatures and tokens.
package enum PrintableURL {
    /// Hides the secrets of all URLs in a text.
    package static func hidingSecrets(in text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return text }
        var rest = Array(text.utf8)[...]
        var printable: [UInt8] = []
        while let mark = schemeEnd(in: rest) {
            let isWeb = isWebScheme(rest[..<mark.lowerBound])
            printable += rest[..<mark.upperBound]
            // Not up to a quotation mark: a password may have one.
            let place = rest[mark.upperBound...].prefix { $0 > 32 && $0 != 127 }
            printable += hidden(place, isWeb: isWeb)
            rest = rest[place.endIndex...]
        }
        guard !printable.isEmpty else { return text }
        return String(decoding: printable + rest, as: UTF8.self)
    }

    /// Hides the secrets of a single value that is meant as a URL; its scheme may be missing, and there may be spaces in
    /// its password.
    package static func value(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard let mark = schemeEnd(in: bytes[...]) else {
            return String(decoding: hidden(bytes[...], isWeb: false), as: UTF8.self)
        }
        let place = hidden(bytes[mark.upperBound...], isWeb: isWebScheme(bytes[..<mark.lowerBound]))
        return String(decoding: bytes[..<mark.upperBound] + place, as: UTF8.self)
    }

    private static func schemeEnd(in bytes: ArraySlice<UInt8>) -> Range<Int>? {
        var rest = bytes
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
            rest = rest[(colon + 1)...]
            if rest.starts(with: "//".utf8) { return colon..<colon + 3 }
        }
        return nil
    }

    private static func isWebScheme(_ before: ArraySlice<UInt8>) -> Bool {
        let end = String(decoding: before.suffix(5), as: UTF8.self).lowercased()
        return end.hasSuffix("http") || end.hasSuffix("https")
    }

    /// - Parameter place: what follows `://`.
    private static func hidden(_ place: ArraySlice<UInt8>, isWeb: Bool) -> ArraySlice<UInt8> {
        var place = place
        let authority = place.prefix { !"/?#".utf8.contains($0) }
        // A password may hold what ends an authority; then its user's name looks like a host with a port.
        if authority.contains(where: { "@:".utf8.contains($0) }), let at = accountEnd(in: place) {
            place = "***".utf8 + place[at...]
        }
        guard isWeb, let mark = place.firstIndex(where: { "?#".utf8.contains($0) }) else { return place }
        var end = place[mark...].firstIndex { "'\"<>)".utf8.contains($0) } ?? place.endIndex
        while end > mark + 1, ",;:.".utf8.contains(place[end - 1]) { end -= 1 }
        return end > mark + 1 ? place[...mark] + "***".utf8 + place[end...] : place
    }

    /// The last `@`, apart from those before digests, as references have them.
    private static func accountEnd(in place: ArraySlice<UInt8>) -> Int? {
        place.indices.last { index in
            place[index] == UInt8(ascii: "@")
                && !Digest.Algorithm.allCases.contains { place[(index + 1)...].starts(with: "\($0.rawValue):".utf8) }
        }
    }
}
