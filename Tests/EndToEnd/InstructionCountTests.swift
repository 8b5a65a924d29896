import Foundation
import Testing

/// What the parts of a copy cost, in instructions: see `Tests/count-instructions`.
struct InstructionCountTests {
    @Test func noPartCostsMoreThanItDid() throws {
        let benchmarks = URL(filePath: Command.dray).deletingLastPathComponent().appending(path: "PartBenchmarks").path
        try #require(
            FileManager.default.isExecutableFile(atPath: benchmarks),
            "build with DRAY_BENCHMARKS=1, as Tests/run does")
        let result = try Command.script("Tests/count-instructions", [benchmarks])
        #expect(result.status == 0, "\(result.text)\(result.errors)")
    }
}
