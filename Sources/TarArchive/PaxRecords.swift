/// What a pax header says of the member after it: `LENGTH KEY=VALUE\n` each, one right after the other (POSIX.1-2001 pax,
/// as Go's `archive/tar` reads it).
struct PaxRecords {
    /// By their keys; of one key the last counts.
    private var values: [String: [UInt8]] = [:]

    /// - Returns: nil if it is anything else.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")),
                let length = Int(String(decoding: rest[..<space], as: UTF8.self)), length >= 5, length <= rest.count,
                rest.startIndex + length > space + 1
            else { return nil }
            let record = rest[(space + 1)..<(rest.startIndex + length)]
            guard record.last == UInt8(ascii: "\n"), let sign = record.firstIndex(of: UInt8(ascii: "=")),
                sign > record.startIndex
            else { return nil }
            let key = String(decoding: record[..<sign], as: UTF8.self)
            let value = Array(record[(sign + 1)...].dropLast())
            let isName = ["path", "linkpath", "uname", "gname"].contains(key)
            guard isName ? !value.contains(0) : !key.utf8.contains(0) else { return nil }
            values[key] = value
            rest = rest.dropFirst(length)
        }
    }

    /// Whether numbers are what they are for. An empty value stands for nothing.
    var hasSoundNumbers: Bool {
        ["uid", "gid", "size"].allSatisfy { text($0).map { Int64($0) != nil } ?? true }
            && ["atime", "mtime", "ctime"].allSatisfy { text($0).map(Self.isTime) ?? true }
    }

    private static func isTime(_ text: String) -> Bool {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        return Int64(parts[0]) != nil && parts.dropFirst().allSatisfy { $0.utf8.allSatisfy { (48...57).contains($0) } }
    }

    private func text(_ key: String) -> String? {
        values[key].flatMap { $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self) }
    }

    /// Bytes, as they are stated: may be negative.
    var size: Int64? { text("size").flatMap { Int64($0) } }

    var path: [UInt8]? { values["path"].flatMap { $0.isEmpty ? nil : $0 } }
}
