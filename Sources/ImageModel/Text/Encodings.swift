import FoundationEssentials

/// Text in URLs. Source: RFC 3986, section 2.
package enum PercentEncoding {
    /// Everything but the unreserved characters becomes `%XX`.
    ///
    /// - Parameter uppercase: of the hexadecimal digits.
    package static func encode(_ text: String, uppercase: Bool = true) -> String {
        let digits = Array((uppercase ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.append(byte)
            default: encoded += escape(byte, digits)
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// `%XX`, whatever the byte is.
    package static func encode(_ byte: UInt8) -> String {
        String(decoding: escape(byte, Array("0123456789ABCDEF".utf8)), as: UTF8.self)
    }

    private static func escape(_ byte: UInt8, _ digits: [UInt8]) -> [UInt8] {
        [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}

/// RFC 4648: section 4, and section 5 ("url"), which is written without padding.
package enum Base64 {
    package static func encode(_ bytes: some Sequence<UInt8>) -> String { Data(bytes).base64EncodedString() }

    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        Data(base64Encoded: String(text)).map { [UInt8]($0) }
    }

    package static func encodeURL(_ bytes: some Sequence<UInt8>) -> String {
        String(
            decoding: encode(bytes).utf8.compactMap { byte -> UInt8? in
                switch byte {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                case UInt8(ascii: "="): nil
                default: byte
                }
            }, as: UTF8.self)
    }

    /// Takes padding as well, since some write it.
    package static func decodeURL(_ text: some StringProtocol) -> [UInt8]? {
        var plain: [UInt8] = []
        for byte in text.utf8.reversed().drop(while: { $0 == UInt8(ascii: "=") }).reversed() {
            switch byte {
            case UInt8(ascii: "-"): plain.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): plain.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"): return nil
            default: plain.append(byte)
            }
        }
        plain += Array(repeating: UInt8(ascii: "="), count: (4 - plain.count % 4) % 4)
        return decode(String(decoding: plain, as: UTF8.self))
    }
}
