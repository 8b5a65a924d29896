import ArgumentParser
import ImageTransfer

/// `keep`, or what layers are compressed with and how hard.
struct CompressionArgument: ExpressibleByArgument, Sendable {
    let choice: CompressionChoice
    let level: Int?

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let levels: ClosedRange<Int>
        switch parts[0] {
        case "keep": (choice, levels) = (.keep, 0...0)
        case "none": (choice, levels) = (.none, 0...0)
        case "gzip": (choice, levels) = (.gzip, 1...9)
        case "zstd": (choice, levels) = (.zstd, 1...19)
        default: return nil
        }
        guard parts.count == 2 else {
            level = nil
            return
        }
        guard let number = Int(parts[1]), levels.contains(number), choice == .gzip || choice == .zstd else {
            return nil
        }
        level = number
    }

    static var allValueStrings: [String] { ["keep", "gzip[:1-9]", "zstd[:1-19]", "none"] }
}
