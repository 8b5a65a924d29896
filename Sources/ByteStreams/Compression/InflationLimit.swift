import ImageModel

/// How much more may come out of a compressed stream than went in, so that a small file cannot fill a disk.
package struct InflationLimit: Sendable, Hashable {
    /// Bytes out for each byte in, once `allowance` is used up.
    package var ratio: Int
    /// Bytes that may come out whatever the ratio.
    package var allowance: Int64

    package init(ratio: Int = 2000, allowance: Int64 = 64 << 20) {
        self.ratio = ratio
        self.allowance = allowance
    }

    package static let standard = InflationLimit()

    package func check(consumed: Int64, produced: Int64, name: String) throws {
        guard produced > allowance, produced / Int64(max(1, ratio)) > consumed else { return }
        throw ImageError.limit(
            "\(name) inflates \(consumed) bytes to more than \(produced), beyond \(ratio):1: "
                + "it looks like a decompression bomb; --max-inflation raises the limit")
    }
}
