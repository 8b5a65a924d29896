/// A number of bytes as people write it: `4.7GB`, `4.7 GiB`, `700M`, `65536`.
///
/// `KB`, `MB`, `GB`, `TB` and `PB` are powers of 1000, as manufacturers count; `KiB` and so on are powers of 1024, and so are
/// the letters alone.
package struct ByteSize: Hashable, Sendable {
    package let bytes: Int64

    /// - Throws: `ImageError`, which says what would be right.
    package init(_ text: String) throws(ImageError) {
        func refused(_ problem: String) -> ImageError { ImageError.usage("'\(text.prefix(40))' \(problem)") }
        guard !text.contains(",") else {
            throw refused("has a comma; write a decimal point and no separators, such as 4.7GB")
        }
        let number = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
            throw refused("is not a size; write a number and a unit, such as 700M, 4GiB or 4.7GB")
        }
        guard let unit = Self.unit(text.dropFirst(number.count).drop(while: \.isWhitespace).lowercased()) else {
            throw refused("has an unknown unit; write K, M, G, T or P, KiB and so on (1024), or KB and so on (1000)")
        }
        guard parts.count == 1 || unit > 1 else { throw refused("is a fraction of a byte; write a unit after it") }
        // More digits than this tell nothing: a petabyte has 16.
        let fraction = parts.count == 2 ? parts[1].prefix(18) : ""
        guard let whole = UInt128(parts[0]), let tail = UInt128("0" + fraction), whole < 1 << 63 else {
            throw refused("is too large")
        }
        let scale = fraction.reduce(UInt128(1)) { product, _ in product * 10 }
        guard let bytes = Int64(exactly: whole * unit + tail * unit / scale) else { throw refused("is too large") }
        guard bytes > 0 else { throw refused("is less than a byte") }
        self.bytes = bytes
    }

    /// - Parameter text: in lower case.
    private static func unit(_ text: String) -> UInt128? {
        let power = text.first.flatMap { Array("kmgtp").firstIndex(of: $0) }.map { $0 + 1 } ?? 0
        let base: UInt128
        switch text.dropFirst(power == 0 ? 0 : 1) {
        case "": base = 1024
        case "b": base = 1000
        case "i" where power > 0, "ib" where power > 0: base = 1024
        default: return nil
        }
        return (0..<power).reduce(1) { product, _ in product * base }
    }
}

/// A number of bytes as people read it: three digits and a decimal unit.
package struct ByteCount: CustomStringConvertible {
    package let bytes: Int64

    package init(_ bytes: Int64) { self.bytes = bytes }

    package var description: String {
        guard bytes >= 1000 else { return "\(bytes) B" }
        var unit: Int64 = 1000
        for name in ["kB", "MB", "GB", "TB", "PB"] {
            // Rounded to what is shown, it has to stay below the next unit.
            let tenths = bytes / unit * 10 + bytes % unit * 10 / unit
            if tenths < 9995 || name == "PB" {
                return tenths < 100 ? "\(tenths / 10).\(tenths % 10) \(name)" : "\((tenths + 5) / 10) \(name)"
            }
            unit *= 1000
        }
        return "\(bytes) B"
    }
}

extension Int64 {
    /// The sum, or the largest number there is: sizes that others claim may add up to more.
    package func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
