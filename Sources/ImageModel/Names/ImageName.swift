/// What an image is called: `[host/]repository[:tag]`.
///
/// The parts are checked by the grammar of the distribution specification; the host is kept apart because
/// stores and layouts name images without it.
public struct ImageName: Hashable, Sendable, CustomStringConvertible {
    /// `registry.example:5000`; nil where none was named.
    public var host: String?
    public var repository: String
    public var tag: String?

    public init(host: String? = nil, repository: String, tag: String? = nil) {
        self.host = host
        self.repository = repository
        self.tag = tag
    }

    /// Reads a name as people write it. The first component is a host if it has a dot or a colon, or is
    /// `localhost`.
    ///
    /// - Returns: nil if it breaks the grammar.
    public init?(_ text: some StringProtocol) {
        var rest = String(text)
        var host: String?
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost" || first.hasPrefix("[") {
                host = String(first)
                rest = String(rest[rest.index(after: slash)...])
            }
        }
        guard let own = ImageName(withoutHost: rest), host.map(Self.isHost) ?? true else { return nil }
        self = own
        self.host = host
    }

    /// Reads `REPOSITORY[:TAG]`, as a registry, store or layout calls an image itself.
    ///
    /// - Returns: nil if it breaks the grammar.
    public init?(withoutHost text: some StringProtocol) {
        let text = String(text), colon = text.lastIndex(of: ":")
        let repository = text[..<(colon ?? text.endIndex)], tag = colon.map { text[text.index(after: $0)...] }
        guard Self.isRepository(repository), tag.map(Self.isTag) ?? true else { return nil }
        self.init(repository: String(repository), tag: tag.map { String($0) })
    }

    /// The name without host: `repository[:tag]`.
    public var path: String { repository + (tag.map { ":\($0)" } ?? "") }

    public var description: String { (host.map { "\($0)/" } ?? "") + path }

    /// Distribution specification: components of `[a-z0-9]+` joined by single separators, 255 characters.
    public static func isRepository(_ text: some StringProtocol) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 255 else { return false }
        return text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { isComponent($0.utf8) }
    }

    /// Distribution specification: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
    public static func isTag(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128 else { return false }
        func isWord(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
        }
        return isWord(first) && text.utf8.allSatisfy { isWord($0) || $0 == 46 || $0 == 45 }
    }

    /// `name`, `name:port` or `[v6]:port`.
    private static func isHost(_ text: String) -> Bool {
        var name = text[...]
        if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
            guard UInt16(text[text.index(after: colon)...]) != nil else { return false }
            name = text[..<colon]
        }
        if name.hasPrefix("["), name.hasSuffix("]") {
            name = name.dropFirst().dropLast()
            return name.contains(":") && HostName.isValid(name)
        }
        return HostName.isValid(name) && !name.contains { "_:".contains($0) } && !name.hasSuffix(".")
    }

    private static func isComponent(_ bytes: some Collection<UInt8>) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (97...122).contains(byte) }
        guard let first = bytes.first, isAlphanumeric(first) else { return false }
        var separator: [UInt8] = []
        for byte in bytes {
            if isAlphanumeric(byte) {
                let isSeparator =
                    separator.isEmpty || separator == [46] || separator == [95] || separator == [95, 95]
                    || separator.allSatisfy { $0 == 45 }
                guard isSeparator else { return false }
                separator = []
            } else if byte == 46 || byte == 95 || byte == 45 {
                separator.append(byte)
            } else {
                return false
            }
        }
        return separator.isEmpty
    }
}

extension ImageName {
    /// The repository, and the registry's host where the name has one.
    package func repository(withHost: Bool) -> String { (withHost ? host.map { "\($0)/" } ?? "" : "") + repository }
}
