import ConfigurationFiles

extension ValueKind where Value == String {
    /// A directory of this machine. What only a shell or Windows would understand would become a directory of that name.
    static var directory: ValueKind {
        text { (text) throws(Complaint) in
            let problem: String? =
                switch text.first {
                case "~": "'~' is not expanded here"
                case "$": "variables are not expanded here"
                case let first? where "'\"`\u{201c}\u{201d}\u{201e}\u{2018}\u{2019}\u{201a}\u{ab}\u{bb}".contains(first):
                    "it begins with a quote character"
                default: isOfWindows(text) ? "paths of Windows are not understood here" : nil
                }
            guard let problem else { return text }
            throw Complaint("\(quoted(text)): \(problem); write the path from the root, such as /var/lib/registry")
        }
    }

    private static func isOfWindows(_ path: String) -> Bool {
        if path.hasPrefix("\\\\") || path.hasPrefix(".\\") { return true }
        let start = path.utf8.prefix(3).map { $0 }
        guard start.count == 3, start[1] == UInt8(ascii: ":") else { return false }
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(start[0] | 0x20)
        return isLetter && [UInt8(ascii: "\\"), UInt8(ascii: "/")].contains(start[2])
    }
}
