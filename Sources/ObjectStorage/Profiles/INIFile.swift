/// A file of sections with names and values, as AWS's tools write `~/.aws/config` and `~/.aws/credentials`.
///
/// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
package struct INIFile: Sendable {
    /// By section, then by name. A nested value `name = \n  inner = value` has the name `name.inner`.
    package private(set) var sections: [String: [String: String]] = [:]

    package init() {}

    /// Lines that are neither sections, values nor comments are skipped, as AWS's tools do.
    package init(_ text: String) {
        var section = ""
        var parent = ""
        for line in text.split(whereSeparator: \.isNewline) {
            let isIndented = line.first == " " || line.first == "\t"
            let content = Self.trimmed(line)
            guard let first = content.first, first != "#", first != ";" else { continue }
            if first == "[", !isIndented {
                section = Self.trimmed(content.dropFirst().prefix { $0 != "]" })
                    .split(whereSeparator: \.isWhitespace).joined(separator: " ")
                sections[section, default: [:]].merge([:]) { $1 }
                parent = ""
                continue
            }
            guard let sign = content.firstIndex(of: "=") else { continue }
            let name = Self.trimmed(content[..<sign]).lowercased()
            let value = Self.value(content[content.index(after: sign)...])
            if isIndented, !parent.isEmpty {
                sections[section, default: [:]]["\(parent).\(name)"] = value
            } else {
                sections[section, default: [:]][name] = value
                parent = value.isEmpty ? name : ""
            }
        }
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var text = Substring(text).drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    /// A comment in a value begins with white space.
    private static func value(_ text: Substring) -> String {
        var end = text.endIndex
        for mark in [" #", " ;", "\t#", "\t;"] {
            if let range = text.firstRange(of: mark) { end = min(end, range.lowerBound) }
        }
        return trimmed(text[..<end])
    }
}
