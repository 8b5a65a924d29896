/// Scheme, host, port and path of an endpoint.
package struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    package let isTLS: Bool
    /// In lower case; IPv6 addresses without brackets.
    package var host: String
    package let port: Int
    /// Without a final slash; usually empty.
    package let path: String

    /// - Parameter text: `https://host[:port][/path]`.
    /// - Returns: nil for anything else, such as addresses with an account, a query or a fragment.
    package init?(_ text: String) {
        guard let slashes = text.firstRange(of: "://") else { return nil }
        switch text[..<slashes.lowerBound].lowercased() {
        case "https": isTLS = true
        case "http": isTLS = false
        default: return nil
        }
        let rest = text[slashes.upperBound...]
        guard rest.utf8.allSatisfy({ $0 > 32 && $0 < 127 }), !rest.contains(where: { "@?#\"<>\\^`{|}".contains($0) })
        else { return nil }
        let authority = rest.prefix { $0 != "/" }
        var path = rest[authority.endIndex...]
        while path.last == "/" { path.removeLast() }
        self.path = String(path)
        var host = authority
        var digits: Substring = ""
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            digits = authority[end...].dropFirst()
            guard digits.isEmpty || digits.removeFirst() == ":" else { return nil }
            guard host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { return nil }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            digits = authority[authority.index(after: colon)...]
            guard !digits.contains(":") else { return nil }
        }
        guard !host.isEmpty, !host.contains(where: { "[]%".contains($0) }) else { return nil }
        guard digits.isEmpty || Int(digits).map({ (1...65535).contains($0) }) == true else { return nil }
        port = Int(digits) ?? (isTLS ? 443 : 80)
        self.host = host.lowercased()
    }

    /// The value of the header `host`: without the port that the scheme implies.
    package var authority: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return port == (isTLS ? 443 : 80) ? host : "\(host):\(port)"
    }

    /// `https://host[:port]`
    package var origin: String { "\(isTLS ? "https" : "http")://\(authority)" }
    package var description: String { origin + path }
}
