import ImageModel

/// Text from files that nobody vouches for, made safe for a terminal.
enum Printable {
    /// Without control characters and the secrets of URLs, and in one line.
    static func line(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in PrintableURL.hidingSecrets(in: text).unicodeScalars {
            if !scalar.isTerminalControl {
                line.append(scalar)
            } else if let last = line.last, last != " " {
                line.append(" ")
            }
        }
        return String(line)
    }
}
