import ArgumentParser

/// Bytes a second, as `500k`, `10M` or a plain number.
struct ByteRate: ExpressibleByArgument, Sendable {
    let bytesPerSecond: Int64

    init?(argument: String) {
        let units: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        let unit = argument.last.flatMap { units[Character($0.lowercased())] }
        guard let number = Double(unit == nil ? argument[...] : argument.dropLast()), number > 0 else { return nil }
        let rate = number * Double(unit ?? 1)
        // A petabyte a second is no limit.
        guard rate < 1e15 else { return nil }
        bytesPerSecond = max(1, Int64(rate))
    }
}
