/// Texts in quotes.
extension TOMLParser {
    mutating func parseString(isKey: Bool) throws -> String {
        guard let quote = peek() else { throw error("a value is missing") }
        position += 1
        var isMultiline = false
        if peek() == quote {
            position += 1
            guard !isKey, take(quote) else { return "" }
            isMultiline = true
            _ = take("\r")
            _ = take("\n")
        }
        var result = String.UnicodeScalarView()
        while let next = peek() {
            position += 1
            if next == quote {
                guard isMultiline else { return String(result) }
                // Up to two quotes before the end belong to the text.
                var count = 1
                while count < 5, take(quote) { count += 1 }
                result.append(contentsOf: repeatElement(quote, count: count < 3 ? count : count - 3))
                if count >= 3 { return String(result) }
            } else if next == "\n", !isMultiline {
                position -= 1
                break
            } else if next == "\\", quote == "\"" {
                if isMultiline, skipsLineEnd() { continue }
                result.append(try parseEscape())
            } else {
                result.append(next)
            }
        }
        throw error("a text that does not end with \(quote)")
    }

    /// A backslash at the end of a line takes away all white space up to the next text.
    private mutating func skipsLineEnd() -> Bool {
        var end = position
        while end < text.count, text[end] == " " || text[end] == "\t" { end += 1 }
        guard end < text.count, text[end] == "\n" || text[end] == "\r" else { return false }
        while end < text.count, " \t\r\n".unicodeScalars.contains(text[end]) { end += 1 }
        position = end
        return true
    }

    private mutating func parseEscape() throws -> Unicode.Scalar {
        guard let next = peek() else { throw error("a text that ends with a backslash") }
        position += 1
        switch next {
        case "b": return "\u{8}"
        case "t": return "\t"
        case "n": return "\n"
        case "f": return "\u{c}"
        case "r": return "\r"
        case "\"", "\\": return next
        case "u", "U":
            let count = next == "u" ? 4 : 8
            let digits = text[position..<min(position + count, text.count)]
            guard digits.count == count, digits.allSatisfy({ $0.properties.isASCIIHexDigit }),
                let number = UInt32(String(String.UnicodeScalarView(digits)), radix: 16),
                let scalar = Unicode.Scalar(number)
            else { throw error("'\\\(next)' goes with \(count) hexadecimal digits of a character") }
            position += count
            return scalar
        default: throw error("'\\\(next)' means nothing")
        }
    }
}
