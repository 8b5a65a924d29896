/// Characters of ASCII, as bytes.
extension UInt8 {
    package var isASCIIDigit: Bool { (48...57).contains(self) }
    package var isASCIILetterOrDigit: Bool { isASCIIDigit || (97...122).contains(self | 0x20) }
    package var isASCIIHexDigit: Bool { isASCIIDigit || (97...102).contains(self | 0x20) }
}
