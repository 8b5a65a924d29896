/// The part of a request's target after `?`, decoded.
package struct Query: Sendable {
    private var values: [String: [String]] = [:]

    package init(_ text: some StringProtocol) {
        for item in text.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(parts[0], plusIsSpace: true),
                let value = parts.count > 1 ? Self.decode(parts[1], plusIsSpace: true) : ""
            else { continue }
            values[name, default: []].append(value)
        }
    }

    /// All names that have a value, with their first values.
    package var firstValues: [String: String] { values.compactMapValues(\.first) }

    /// The first value of that name.
    package subscript(_ name: String) -> String? { values[name]?.first }

    /// All values of that name.
    package func values(of name: String) -> [String] { values[name] ?? [] }

    /// - Returns: nil if an escape is broken, or what it hides is not UTF-8.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
