/// Paths as Windows and word processors write them. Nothing of such a name is made; what has it already is found.
package enum PathHints {
    private static let quotes: Set<Character> = [
        "\u{2018}", "\u{2019}", "\u{201A}", "\u{201B}", "\u{201C}", "\u{201D}", "\u{201E}", "\u{201F}", "\u{AB}",
        "\u{BB}",
        "\u{2039}", "\u{203A}",
    ]

    /// - Parameters:
    ///   - text: a path, or a reference with its transport.
    ///   - exists: whether a path is there.
    /// - Throws: `ImageError` with the text that was probably meant.
    package static func check(_ text: String, exists: (String) throws -> Bool) throws {
        let prefix = ImageReference.Transport.allCases.map(\.prefix).first(where: text.hasPrefix) ?? ""
        let path = String(text.dropFirst(prefix.count))
        let bare = prefix + unquoted(path)
        let own = text.contains("://") ? nil : translated(path)
        guard bare != text || own != nil else { return }
        guard try ![text, path, ImageReference.split(path).0].contains(where: exists) else { return }
        let shown = ImageReference.printable(text)
        if bare != text {
            throw ImageError.usage("'\(shown)': typographic quotes; write \(ImageReference.printable(bare))")
        }
        if let own {
            throw ImageError.usage("'\(shown)': a Windows path; write it as this system does, e.g. \(prefix)\(own)")
        }
    }

    private static func unquoted(_ text: String) -> String {
        var rest = text[...]
        while let first = rest.first, quotes.contains(first) { rest.removeFirst() }
        while let last = rest.last, quotes.contains(last) { rest.removeLast() }
        return String(rest)
    }

    /// A Windows path where a machine that runs beside Windows has it: drives and shares are below `/mnt`.
    ///
    /// - Returns: nil for other paths.
    private static func translated(_ path: String) -> String? {
        let slashed = path.replacing("\\", with: "/")
        let start = Array(slashed.prefix(3))
        if start.count == 3, start[0].isASCII, start[0].isLetter, start[1] == ":", start[2] == "/" {
            return "/mnt/\(start[0].lowercased())/\(slashed.dropFirst(3).drop { $0 == "/" })"
        }
        // Before a colon, a backslash belongs to the grammar.
        guard path.replacing("\\:", with: "").contains("\\") else { return nil }
        guard path.hasPrefix("\\\\") else { return slashed }
        return "/mnt/" + slashed.split(separator: "/").dropFirst().joined(separator: "/")
    }
}
