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
