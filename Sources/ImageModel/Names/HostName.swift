/// The host of a registry or a URL: a DNS name, or an IP address in its usual form.
///
/// Hosts become parts of paths (`certs.d`), request lines and headers: what a URL may hold percent-encoded, such as
/// `../..` or a space, is none. Sources: RFC 1123, section 2.1; RFC 3986, section 3.2.2.
package enum HostName {
    /// - Parameter text: without a port; an IPv6 address without brackets and zone.
    package static func isValid(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...253).contains(bytes.count) else { return false }
        if bytes.contains(UInt8(ascii: ":")) {
            return bytes.count { $0 == UInt8(ascii: ":") } > 1
                && bytes.allSatisfy { $0.isASCIIHexDigit || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        }
        // A dot at the end says that the name is complete.
        let name = bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes[...]
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isLabelCharacter) }) else { return false }
        // Resolvers take `127.1`, `0x7f.1` and `2130706433` for addresses, and so they do `127.0.0.1.`.
        return !isNumber(labels[labels.count - 1]) || name.count == bytes.count && isAddress(labels)
    }

    /// Whether resolvers read the label as a decimal, octal or hexadecimal number. Source: WHATWG URL, "ends in a number".
    private static func isNumber(_ label: ArraySlice<UInt8>) -> Bool {
        let isHex = label.starts(with: "0x".utf8) || label.starts(with: "0X".utf8)
        return isHex ? label.dropFirst(2).allSatisfy(\.isASCIIHexDigit) : label.allSatisfy(\.isASCIIDigit)
    }

    /// Whether these are the four parts of an IPv4 address in its one usual form.
    private static func isAddress(_ labels: [ArraySlice<UInt8>]) -> Bool {
        labels.count == 4
            && labels.allSatisfy { label in
                label.allSatisfy(\.isASCIIDigit) && UInt8(String(decoding: label, as: UTF8.self)) != nil
                    && (label.count == 1 || label.first != UInt8(ascii: "0"))
            }
    }

    /// An underscore has no place in a host name, and stands in some names of buckets all the same.
    private static func isLabelCharacter(_ byte: UInt8) -> Bool {
        byte.isASCIILetterOrDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
