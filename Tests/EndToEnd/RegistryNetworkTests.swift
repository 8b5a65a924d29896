import Foundation
import Testing

/// Networks and registries that are slow, or break at the worst moment.
struct RegistryNetworkTests {
    private let scratch: Scratch
    private let layout: String

    init() throws {
        scratch = try Scratch()
        layout = "oci:\(scratch["layout"]):1"
        try Command.succeed(
            "copy", "--compression", "none", try Samples.archive(scratch, mebibytes: 24), layout)
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
    }

    private func cutter(_ address: String, cuts: Int, most: Int) throws -> (Helper, counts: () throws -> Counts) {
        let log = scratch["cuts-\(UUID().uuidString)"]
        let port = String(address.split(separator: ":")[1])
        let helper = try Helper(
            "cutting-proxy", [port, "--cuts", "\(cuts)", "--most", "\(most)", "--seed", "7", "--log", log])
        return (helper, { try JSONDecoder().decode(Counts.self, from: Data(contentsOf: URL(filePath: log))) })
    }

    private struct Counts: Decodable {
        var cuts: Int
        var up: Int
        var down: Int
    }

    private func size() throws -> Int {
        try #require(Int(try Command.shell("cat \(scratch["layout"])/blobs/sha256/* | wc -c").text.trimmed))
    }

    /// Manifests, tag lists and tokens as well as blobs.
    @Test func smallAnswersAreReadAgain() throws {
        let registry = try ScriptedRegistry(["cut-documents", "token"], scratch: scratch)
        let target = "docker://\(registry.address)/app"
        try Command.succeed("copy", "--creds", scratch["creds"], layout, "\(target):1")
        try Command.succeed("copy", "--creds", scratch["creds"], target, "oci:\(scratch["pulled"])")
        try Command.succeed("ls", "--creds", scratch["creds"], "docker://\(registry.address)")
        let cut = try registry.requests.filter { $0.cut == true }.map { $0.path.split(separator: "?")[0] }
        for kind in ["manifests", "tags", "_catalog", "token", "referrers"] {
            #expect(cut.contains { $0.contains(kind) }, "\(kind) was not cut: \(cut)")
        }
    }

    /// Whatever is cut wherever: counted on the wire.
    @Test func cutsCostLittle() throws {
        let registry = try ScriptedRegistry([], scratch: scratch)
        let cuts = Samples.isLong ? 100 : 12
        let size = try size()
        let (up, sent) = try cutter(registry.address, cuts: cuts, most: 2 * size / cuts)
        try Command.succeed(
            "copy", "--jobs", "1", "--retry-times", "60", layout, "docker://127.0.0.1:\(up.port)/app:1")
        let pushed = try sent()
        #expect(pushed.cuts >= cuts / 2, "\(pushed)")
        #expect(Double(pushed.up) < 1.1 * Double(size), "\(pushed) of \(size)")
        let (down, got) = try cutter(registry.address, cuts: cuts, most: 2 * size / cuts)
        try Command.succeed(
            "copy", "--jobs", "1", "--retry-times", "60", "docker://127.0.0.1:\(down.port)/app:1",
            "oci:\(scratch["pulled"])")
        let pulled = try got()
        #expect(pulled.cuts >= cuts / 2, "\(pulled)")
        #expect(Double(pulled.down) < 1.1 * Double(size), "\(pulled) of \(size)")
    }

    /// docker-registry 2.8.2 takes up no upload that broke within a request: its `_state` tells the size before
    /// that, and the size that it has by then is another. So a cut costs what its connection had carried.
    @Test func cutsBeforeTheRealRegistry() async throws {
        let registry = try await Registry(serving: scratch["root"], scratch: scratch)
        let (cuts, most) = (6, 3_000_000)
        let size = try size()
        let (up, sent) = try cutter(registry.address, cuts: cuts, most: most)
        try Command.succeed(
            "copy", "--jobs", "1", "--retry-times", "60", layout, "docker://127.0.0.1:\(up.port)/app:1")
        let pushed = try sent()
        #expect(pushed.cuts == cuts && pushed.up < size + cuts * most, "\(pushed) of \(size)")
        let (down, got) = try cutter(registry.address, cuts: cuts, most: most)
        try Command.succeed(
            "copy", "--jobs", "1", "--strict", "--retry-times", "60", "docker://127.0.0.1:\(down.port)/app:1",
            "oci:\(scratch["pulled"]):1")
        let pulled = try got()
        #expect(pulled.cuts == cuts && Double(pulled.down) < 1.1 * Double(size), "\(pulled) of \(size)")
        #expect(
            try Command.succeed("digest", "oci:\(scratch["pulled"]):1").text == Command.succeed("digest", layout).text)
    }

    @Test(arguments: [["slow-finish", "no-put-body"], ["slow-finish"]])
    func slowFinishesAreWaitedFor(_ faults: [String]) throws {
        let registry = try ScriptedRegistry(faults, scratch: scratch)
        let result = try Command.dray(
            "copy", "--timeout", "2", layout, "docker://\(registry.address)/app:1")
        #expect(result.status == 0, "\(result.errors)")
        // No blob was sent again for it.
        let method = faults.contains("no-put-body") ? "PATCH" : "PUT"
        let sent = try registry.requests.filter { $0.method == method && $0.path.contains("/uploads/") }.reduce(0) {
            $0 + $1.received
        }
        #expect(Double(sent) < 1.1 * Double(try size()), "\(sent)")
    }

    @Test func bytesThatFlowAreNoSilence() throws {
        let registry = try ScriptedRegistry(["slow-reader", "no-put-body", "no-stream"], scratch: scratch)
        // Each layer takes some 8 seconds, 64 KiB at a time.
        let result = try Command.dray(
            "copy", "--jobs", "4", "--retry-times", "0", "--timeout", "3", layout, "docker://\(registry.address)/app:1")
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test func chunksAreAsLargeAsTheyHaveToBe() throws {
        let registry = try ScriptedRegistry(
            ["cut-at", "chunk-minimum", "no-put-body"], scratch: scratch, cuts: 1)
        try Command.succeed("copy", "--jobs", "1", layout, "docker://\(registry.address)/app:1")
        #expect(try registry.requests.contains { $0.cut == true })
        // Any other size than that of the last chunk is refused by the script itself.
        let sizes = try registry.requests.filter { $0.headers["content-range"] != nil }.map(\.received)
        #expect(sizes.contains { $0 >= 1_000_000 }, "\(sizes)")
    }

    @Test func absurdChunksAreNotGathered() throws {
        let registry = try ScriptedRegistry(["chunk-absurd", "no-put-body", "no-stream"], scratch: scratch)
        let archive = try Samples.archive(scratch, mebibytes: 24)
        let result = try Command.shell(
            "/usr/bin/time -f %M $DRAY copy -q \(archive) docker://\(registry.address)/app:1")
        #expect(result.status == 0, "\(result.errors)")
        let kilobytes = try #require(Int(result.errors.trimmed.split(separator: "\n").last ?? ""))
        #expect(kilobytes < 110_000, "\(kilobytes) kB")
    }

    @Test func chunksShareTheirMemory() throws {
        let registry = try ScriptedRegistry(["no-put-body", "no-stream"], scratch: scratch)
        let result = try Command.shell(
            "/usr/bin/time -f %M $DRAY copy -q --jobs 4 \(layout) docker://\(registry.address)/app:1")
        #expect(result.status == 0, "\(result.errors)")
        let kilobytes = try #require(Int(result.errors.trimmed.split(separator: "\n").last ?? ""))
        #expect(kilobytes < 96_000, "\(kilobytes) kB")
    }

    @Test func aTokenThatExpiresIsRenewedWithoutTries() throws {
        let registry = try ScriptedRegistry(["token", "token-expires"], scratch: scratch)
        let result = try Command.dray(
            "copy", "--creds", scratch["creds"], "--retry-times", "0", layout, "docker://\(registry.address)/app:1")
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test func partsThatWereNotAskedForAreSkipped() throws {
        let registry = try ScriptedRegistry(["cut-downloads", "wrong-range"], scratch: scratch, cuts: 3)
        try Command.succeed("copy", layout, "docker://\(registry.address)/app:1")
        try Command.succeed("copy", "--strict", "docker://\(registry.address)/app:1", "oci:\(scratch["pulled"])")
        #expect(try registry.requests.filter { $0.cut == true }.count == 3)
    }

    @Test func ratesAreLimited() throws {
        let registry = try ScriptedRegistry([], scratch: scratch)
        let start = ContinuousClock.now
        try Command.succeed("copy", "--limit-rate", "8M", layout, "docker://\(registry.address)/app:1")
        let time = ContinuousClock.now - start
        #expect(time > .seconds(2) && time < .seconds(8), "\(time)")
    }
}
