import Foundation
import Testing

/// Networks that garble what they carry: nothing wrong is ever kept, and nothing that is garbled is taken for done.
struct GarbledNetworkTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var garbling: [String]
        /// Bytes that go through each connection before: enough of them, and only a blob's are hit.
        var least: Int

        var testDescription: String { garbling.joined(separator: " ") + " from \(least)" }
    }

    static let cases = [["flip"], ["double"], ["swap"], ["flip", "double", "swap"]].flatMap { kinds in
        [1, 100_000].map { Case(garbling: kinds, least: $0) }
    }

    private let scratch: Scratch
    private let layout: String
    private let digest: String

    init() throws {
        scratch = try Scratch()
        layout = "oci:\(scratch["layout"]):1"
        try Command.succeed("copy", try Samples.archive(scratch, mebibytes: 4), layout)
        digest = try Command.succeed("digest", layout).text
    }

    private func proxy(_ server: Server, _ test: Case, seed: Int, _ more: String...) throws -> Helper {
        let port = String(server.address.split(separator: ":")[1])
        let garbling = test.garbling.flatMap { ["--garble", $0] }
        return try Helper(
            "cutting-proxy",
            [port, "--seed", "\(seed)", "--least", "\(test.least)", "--most", "\(test.least + 200_000)"] + garbling
                + more)
    }

    /// - Parameter isBlob: whether only a blob's bytes can have been garbled.
    private func check(_ run: Command, isBlob: Bool, _ what: String) {
        // What looks like an answer of the registry's may say anything; a blob is right, or damaged.
        let allowed: Set<Int32> = isBlob ? [0, 3] : [0, 1, 3, 4, 5]
        #expect(allowed.contains(run.status), "\(what): \(run.status): \(run.errors)")
        #expect(run.status == 0 || run.errors.contains("dray: error: "), "\(what): \(run.errors)")
    }

    @Test(arguments: cases) func garbledPulls(_ test: Case) throws {
        let server = try Server(in: scratch, program: .dray)
        try Command.succeed("copy", layout, "docker://\(server.address)/app:1")
        for seed in 1...(Samples.isLong ? 50 : 5) {
            let proxy = try proxy(server, test, seed: seed)
            let pulled = "oci:\(scratch["pulled-\(seed)"]):1"
            let run = try Command.dray(
                "copy", "-q", "--timeout", "5", "docker://127.0.0.1:\(proxy.port)/app:1", pulled)
            check(run, isBlob: test.least > 1, "\(seed)")
            if run.status == 0 { #expect(try Command.succeed("digest", pulled).text == digest, "\(seed)") }
            // Whatever came, nothing of it is wrong, and the rest comes another time.
            try Command.succeed("copy", "-q", "docker://\(server.address)/app:1", pulled)
            try Command.succeed("verify", "--deep", "-q", pulled)
            #expect(try Command.succeed("digest", pulled).text == digest, "\(seed)")
        }
        #expect(server.stop() == 0)
    }

    @Test(arguments: cases) func garbledPushes(_ test: Case) throws {
        let server = try Server(in: scratch, program: .dray)
        for seed in 1...(Samples.isLong ? 50 : 5) {
            let proxy = try proxy(server, test, seed: seed)
            let run = try Command.dray(
                "copy", "-q", "--timeout", "5", layout, "docker://127.0.0.1:\(proxy.port)/app\(seed):1")
            check(run, isBlob: test.least > 1, "\(seed)")
            let target = "docker://\(server.address)/app\(seed):1"
            if run.status == 0 { #expect(try Command.succeed("digest", target).text == digest, "\(seed)") }
            try Command.succeed("copy", "-q", layout, target)
            #expect(try Command.succeed("digest", target).text == digest, "\(seed)")
        }
        try Command.succeed("verify", "--deep", "-q", "store:\(server.root)")
        #expect(server.stop() == 0)
    }

    @Test func delaysAreWaitedFor() throws {
        let server = try Server(in: scratch, program: .dray)
        let proxy = try proxy(server, Case(garbling: [], least: 1), seed: 1, "--delay", "0.01")
        let address = "docker://127.0.0.1:\(proxy.port)/app:1"
        try Command.succeed("copy", "-q", "--retry-times", "0", "--timeout", "5", layout, address)
        let pulled = "oci:\(scratch["pulled"]):1"
        try Command.succeed("copy", "-q", "--retry-times", "0", "--timeout", "5", address, pulled)
        #expect(try Command.succeed("digest", pulled).text == digest)
        #expect(server.stop() == 0)
    }
}
