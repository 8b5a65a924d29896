import ArgumentParser
import ImageTransfer

/// `keep`, or what layers are compressed with and how hard.
struct CompressionArgument: ExpressibleByArgument, Sendable {
    let choice: CompressionChoice
    let level: Int?

    init?(argument: String) {
        guard let parsed = CompressionChoice.parse(argument.lowercased()) else { return nil }
        (choice, level) = parsed
    }

    static var allValueStrings: [String] { ["keep", "gzip[:1-9]", "zstd[:1-19]", "none"] }
}
