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
            guard Self.isSound(key, value) else { return nil }
            values[key] = value
            rest = rest.dropFirst(length)
        }
    }

    private static func isSound(_ key: String, _ value: [UInt8]) -> Bool {
        let text = String(decoding: value, as: UTF8.self)
        switch key {
        case "path", "linkpath", "uname", "gname": return !value.contains(0)
        // An empty value stands for nothing.
        case "uid", "gid": return value.isEmpty || Int64(text) != nil
        case "size": return value.isEmpty || (Int64(text) ?? -1) >= 0
        case "atime", "mtime", "ctime":
            let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            return value.isEmpty
                || Int64(parts[0]) != nil
                    && parts.dropFirst().allSatisfy { $0.utf8.allSatisfy { (48...57).contains($0) } }
        default: return !key.utf8.contains(0)
        }
    }

    /// Bytes.
    var size: Int64? { values["size"].flatMap { Int64(String(decoding: $0, as: UTF8.self)) } }

    var path: [UInt8]? { values["path"].flatMap { $0.isEmpty ? nil : $0 } }
}
