import ImageModel

/// A value for a message: in quotes, short, on one line, without the secrets that a URL may hold.
package func quoted(_ text: String) -> String { "'\(printable(text))'" }

/// At most 64 characters, none of which moves the cursor, without the secrets that a URL may hold.
package func printable(_ text: String) -> String {
    let text = PrintableURL.value(text)
    let start = text.prefix(64)
    let line = String(String.UnicodeScalarView(start.unicodeScalars.map { $0.isControl ? "?" : $0 }))
    return start.endIndex == text.endIndex ? line : line + "..."
}

extension Unicode.Scalar {
    /// C0, DEL and C1.
    package var isControl: Bool { value < 0x20 || (0x7f...0x9f).contains(value) }
}

/// The name that a mistyped one may have been meant for; nil where none is at most two letters away.
package func closest(to name: String, of candidates: some Sequence<String>) -> String? {
    let name = name.lowercased()
    let near = candidates.map { (distance: editDistance(name, $0), name: $0) }
        .filter { $0.distance <= min(2, $0.name.count / 2) }
    return near.min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
}

/// How many letters have to be put in, taken out or changed.
private func editDistance(_ a: String, _ b: String) -> Int {
    let a = Array(a.utf8.prefix(64))
    let b = Array(b.utf8.prefix(64))
    var row = Array(0...b.count)
    for i in a.indices {
        var diagonal = row[0]
        row[0] = i + 1
        for j in b.indices {
            let change = diagonal + (a[i] == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(change, row[j] + 1, diagonal + 1)
        }
    }
    return row[b.count]
}
