import NIOHTTP1

/// One challenge of a `WWW-Authenticate` header: RFC 9110, section 11.6.1.
package struct Challenge: Hashable, Sendable {
    /// In lower case: `basic`, `bearer`.
    package let scheme: String
    /// Names in lower case.
    package let parameters: [String: String]

    /// All challenges of all such headers. What cannot be understood is left out.
    static func all(in headers: HTTPHeaders) -> [Challenge] {
        headers["www-authenticate"].flatMap { parse($0) }
    }

    package static func parse(_ text: String) -> [Challenge] {
        var challenges: [Challenge] = []
        var scheme: String?
        var parameters: [String: String] = [:]
        var rest = Substring(text)
        func finish() {
            if let scheme { challenges.append(Challenge(scheme: scheme, parameters: parameters)) }
            parameters = [:]
        }
        while true {
            rest = rest.drop { $0.isWhitespace || $0 == "," }
            guard !rest.isEmpty else { break }
            let word = rest.prefix { !$0.isWhitespace && $0 != "=" && $0 != "," }
            rest = rest.dropFirst(word.count)
            let after = rest.drop { $0.isWhitespace }
            if after.first == "=", !word.isEmpty, scheme != nil {
                rest = after.dropFirst().drop { $0.isWhitespace }
                let value = quoted(&rest)
                if parameters[word.lowercased()] == nil { parameters[word.lowercased()] = value }
            } else if word.isEmpty {
                rest = rest.dropFirst()
            } else {
                finish()
                scheme = word.lowercased()
            }
        }
        finish()
        return challenges
    }

    /// A token or a quoted string, taken off the front.
    private static func quoted(_ rest: inout Substring) -> String {
        guard rest.first == "\"" else {
            let token = rest.prefix { !$0.isWhitespace && $0 != "," }
            rest = rest.dropFirst(token.count)
            return String(token)
        }
        rest.removeFirst()
        var value = ""
        while let character = rest.popFirst() {
            if character == "\"" { break }
            if character == "\\", let escaped = rest.popFirst() {
                value.append(escaped)
            } else {
                value.append(character)
            }
        }
        return value
    }
}
