import ArgumentParser

/// Bytes, as `4GiB`, `700M` or a plain number: `KB`, `MB`, `GB`, `TB` are powers of 1000, all else powers of 1024.
struct ByteSize: ExpressibleByArgument, Sendable {
    let bytes: Int64

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let unit = argument.dropFirst(digits.count).lowercased()
        guard let number = Int64(digits), number > 0 else { return nil }
        guard let power = ["", "k", "m", "g", "t"].firstIndex(of: unit.prefix { $0 != "i" && $0 != "b" }) else {
            return nil
        }
        let rest = unit.dropFirst(power == 0 ? 0 : 1)
        guard ["", "b", "ib"].contains(rest), power > 0 || rest != "ib" else { return nil }
        let factor = (0..<power).reduce(Int64(1)) { product, _ in product * (rest == "b" ? 1000 : 1024) }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        self.bytes = bytes
    }
}
