import ByteStreams
import Foundation
import ObjectStorage
import Testing

/// The memory of a large upload. It is measured alone: `DRAY_S3_UPLOAD_GB=20 swift test --filter UploadMemoryTests`.
struct UploadMemoryTests {
    private static let size = ProcessInfo.processInfo.environment["DRAY_S3_UPLOAD_GB"].flatMap { Int($0) }

    private static func kilobytes(_ name: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
        return try #require(Int(line.split(whereSeparator: \.isWhitespace)[1]))
    }

    @Test(.enabled(if: size != nil)) func staysBounded() async throws {
        let server = try ScriptedBucket("--discard")
        let bucket = try server.bucket()
        let block = Pattern.bytes(0..<1 << 20)
        let count = (Self.size ?? 0) * 1_000_000_000 / block.count
        // Linux sets the peak back to the present size.
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        let before = try Self.kilobytes("VmRSS")
        let start = ContinuousClock.now
        try await Workers.blobs.run {
            let writer = bucket.writer("large")
            for _ in 0..<count { try writer.write(block) }
            try writer.commit()
        }
        let time = ContinuousClock.now - start
        let peak = try Self.kilobytes("VmHWM")
        print("\(count) MiB in \(time); \(before >> 10) MiB before, \(peak >> 10) MiB at most")
        #expect(try await bucket.head("large")?.size == Int64(count * block.count))
        // The tests themselves take some, dray less than 16 MiB.
        #expect(peak - before <= 80 << 10)
    }
}
