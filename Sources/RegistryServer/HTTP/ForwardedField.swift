/// The header `Forwarded`: proxies say there what they hide. Source: RFC 7239, section 4.
enum ForwardedField {
    /// The parameters of all elements, in the order in which they stand: the client's own proxy first.
    ///
    /// - Parameter lines: one for each header; a line that is broken is taken as far as it goes.
    /// - Returns: names in lower case, values without quotes.
    static func pairs(_ lines: [String]) -> [(name: String, value: String)] {
        lines.flatMap { line in
            split(line).compactMap { pair in
                guard let equals = pair.firstIndex(of: "=") else { return nil }
                let name = pair[..<equals].trimmedWhitespace
                let value = pair[pair.index(after: equals)...].trimmedWhitespace
                return (name.lowercased(), unquoted(value))
            }
        }
    }

    /// The text of a quoted string; other text as it is.
    static func unquoted(_ text: Substring) -> String {
        guard text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return String(text) }
        var plain = ""
        var isEscaped = false
        for character in text.dropFirst().dropLast() {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else {
                plain.append(character)
                isEscaped = false
            }
        }
        return plain
    }

    /// Splits at commas and semicolons that are not within quotes.
    private static func split(_ line: String) -> [Substring] {
        var isQuoted = false
        var isEscaped = false
        return line.split { character in
            if isEscaped {
                isEscaped = false
                return false
            }
            if isQuoted, character == "\\" { isEscaped = true }
            if character == "\"" { isQuoted.toggle() }
            return !isQuoted && (character == "," || character == ";")
        }
    }
}
