import ArgumentParser

/// Bytes a second, as `500k`, `10M` or a plain number.
struct ByteRate: ExpressibleByArgument, Sendable {
    let bytesPerSecond: Int64

    init?(argument: String) {
        let units: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        let unit = argument.last.flatMap { units[Character($0.lowercased())] }
        guard let number = Double(unit == nil ? argument[...] : argument.dropLast()), number > 0, number < 1e12 else {
            return nil
        }
        bytesPerSecond = max(1, Int64(number * Double(unit ?? 1)))
    }
}
