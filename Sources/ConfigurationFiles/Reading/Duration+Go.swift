extension Duration {
    private static let units: [String: Int128] = [
        "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000,
        "h": 3_600_000_000_000,
    ]

    /// Reads Go's notation: `168h`, `1h30m`, `1.5s`, `-500ms`, `0`; nil for anything else, and beyond the 292 years
    /// that Go can count. Source: Go's time.ParseDuration.
    package init?(go text: String) {
        var rest = text[...]
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest.removeFirst() }
        guard !rest.isEmpty else { return nil }
        var nanoseconds: Int128 = 0
        if rest == "0" { rest = "" }
        while !rest.isEmpty {
            let whole = Self.takeDigits(&rest)
            var fraction: Substring = ""
            if rest.hasPrefix(".") {
                rest.removeFirst()
                fraction = Self.takeDigits(&rest)
            }
            let unit = rest.prefix { $0 != "." && !$0.isASCIIDigit }
            rest = rest[unit.endIndex...]
            guard !whole.isEmpty || !fraction.isEmpty, whole.utf8.count <= 19, let scale = Self.units[String(unit)]
            else { return nil }
            nanoseconds += (Int128(whole) ?? 0) * scale
            var part = scale
            // Digit by digit, as far as they still make a difference.
            for digit in fraction.prefix(20).utf8 {
                nanoseconds += Int128(digit - UInt8(ascii: "0")) * part / 10
                part /= 10
            }
            guard nanoseconds <= Int64.max else { return nil }
        }
        self = .nanoseconds(isNegative ? -Int64(nanoseconds) : Int64(nanoseconds))
    }

    private static func takeDigits(_ rest: inout Substring) -> Substring {
        let digits = rest.prefix(while: \.isASCIIDigit)
        rest = rest[digits.endIndex...]
        return digits
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isWholeNumber }
}
