import ImageModel

/// Lists of sources, to be compared: references in any order and form.
struct SourceLists {
    private var known: [String: String] = [:]

    mutating func list(_ sources: [String]) -> Set<String> { Set(sources.map { plain($0) }) }

    /// `docker://HOST/` is `docker://HOST`, and a path is whatever lies there, with its transport or without.
    private mutating func plain(_ source: String) -> String {
        if let known = known[source] { return known }
        let transport = source.firstIndex(of: ":").flatMap { ImageReference.Transport(rawValue: String(source[..<$0])) }
        var plain = source
        if let transport, transport != .registry {
            plain.removeFirst(transport.rawValue.utf8.count + 1)
        } else if let reference = try? ImageReference(source, exists: { _ in false }, recognise: { _ in nil }) {
            plain = reference.description
        }
        if plain.hasSuffix("/") { plain.removeLast() }
        known[source] = plain
        return plain
    }

    /// Each list once, the newest first.
    mutating func text(_ snapshots: [Snapshot]) -> String {
        var seen: Set<Set<String>> = []
        return snapshots.reversed().filter { seen.insert(list($0.sources)).inserted }
            .map { $0.sources.joined(separator: " and ") }.joined(separator: "; ")
    }
}
