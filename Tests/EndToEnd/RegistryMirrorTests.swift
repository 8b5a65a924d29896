import Foundation
import Testing

/// `registries.conf`: mirrors that are there, that are dead, that break; and what is blocked.
struct RegistryMirrorTests {
    private let scratch: Scratch
    private let archive: String
    private let dead = "127.0.0.1:1"

    init() throws {
        scratch = try Scratch()
        archive = try Samples.archive(scratch)
    }

    private func dray(_ text: String, _ arguments: String) throws -> Command {
        try scratch.write(text, to: "registries.conf")
        return try Command.shell("CONTAINERS_REGISTRIES_CONF=\(scratch["registries.conf"]) $DRAY \(arguments)")
    }

    private func entry(_ main: String, _ mirrors: [String], extra: String = "") -> String {
        "[[registry]]\nprefix = \"images.example/lib\"\nlocation = \"\(main)\"\n"
            + mirrors.map { "[[registry.mirror]]\nlocation = \"\($0)\"\n\(extra)\n" }.joined()
    }

    /// The air gap: all that there is, is the mirror.
    @Test(arguments: [[], ["no-referrers"]])
    func aDeadRegistryIsARemark(_ faults: [String]) throws {
        let mirror = try ScriptedRegistry(faults, scratch: scratch)
        try Command.succeed("copy", archive, "docker://\(mirror.address)/copies/app:1")
        let conf = entry("\(dead)/real", ["\(mirror.address)/copies"])
        let pull = try dray(conf, "copy --retry-times 0 docker://images.example/lib/app:1 oci:\(scratch["pulled"]):x")
        #expect(pull.status == 0 && pull.errors.contains("only mirrors are asked"), "\(pull.errors)")
        let list = try dray(conf, "ls --retry-times 0 docker://images.example/lib/app")
        #expect(list.status == 0 && list.text.contains("app:1"), "\(list.errors)")
        let none = try dray(conf, "digest --retry-times 0 docker://images.example/lib/app:none")
        #expect(none.status == 1 && none.errors.contains("cannot be reached"), "\(none.errors)")
    }

    @Test func aDeadMirrorIsAskedOnce() throws {
        let registry = try ScriptedRegistry([], scratch: scratch)
        try Command.succeed("copy", archive, "docker://\(registry.address)/real/app:1")
        let start = ContinuousClock.now
        let pull = try dray(
            entry("\(registry.address)/real", ["\(dead)/x"]),
            "copy docker://images.example/lib/app:1 oci:\(scratch["pulled"]):x")
        #expect(pull.status == 0, "\(pull.errors)")
        #expect(pull.errors.split(separator: "\n").filter { $0.contains("passed over") }.count == 1, "\(pull.errors)")
        #expect(ContinuousClock.now - start < .seconds(6))
    }

    @Test func aMirrorThatBreaksIsDoneWithout() throws {
        let main = try ScriptedRegistry([], scratch: scratch)
        let mirror = try ScriptedRegistry(["breaks-late"], scratch: scratch)
        try Command.succeed("copy", "--compression", "none", archive, "oci:\(scratch["layout"]):1")
        for address in [main.address, mirror.address] {
            try Command.succeed("copy", "oci:\(scratch["layout"]):1", "docker://\(address)/app:1")
        }
        let pull = try dray(
            entry(main.address, [mirror.address]),
            "copy --strict --jobs 1 --retry-times 1 docker://images.example/lib/app:1 oci:\(scratch["pulled"]):1")
        #expect(pull.status == 0 && pull.errors.contains("passed over"), "\(pull.errors)")
        // It went on where the mirror had stopped.
        #expect(try main.requests.contains { $0.headers["range"] == "bytes=500000-" })
    }

    @Test func pullsAreSortedByWhatTheyName() throws {
        let main = try ScriptedRegistry([], scratch: scratch)
        let mirror = try ScriptedRegistry([], scratch: scratch)
        for address in [main.address, mirror.address] {
            try Command.succeed("copy", archive, "docker://\(address)/app:1")
        }
        for (kind, reached) in [("digest-only", false), ("tag-only", true), ("all", true)] {
            let before = try mirror.requests.count
            let conf = entry(main.address, [mirror.address], extra: "pull-from-mirror = \"\(kind)\"")
            let digest = try dray(conf, "digest docker://images.example/lib/app:1")
            #expect(digest.status == 0, "\(digest.errors)")
            #expect((try mirror.requests.count > before) == reached, "\(kind)")
            let by = try mirror.requests.count
            _ = try dray(conf, "digest docker://images.example/lib/app@\(digest.text.trimmed)")
            #expect((try mirror.requests.count > by) == (kind != "tag-only"), "\(kind)")
        }
    }

    @Test func wildcardsBlocksAndInsecurePlaces() async throws {
        let registry = try ScriptedRegistry([], scratch: scratch)
        try Command.succeed("copy", archive, "docker://\(registry.address)/app:1")
        let conf = """
            [[registry]]
            prefix = "*.mirrored.example"
            location = "\(registry.address)"
            [[registry]]
            prefix = "bad.example"
            location = "bad.example"
            blocked = true
            """
        let wild = try dray(conf, "digest docker://any.mirrored.example/app:1")
        #expect(wild.status == 0, "\(wild.errors)")
        let blocked = try dray(conf, "digest docker://bad.example/app:1")
        #expect(blocked.status == 1 && blocked.errors.contains("blocked"), "\(blocked.errors)")

        // Insecure: a certificate that nobody vouches for will do there.
        try scratch.makeCertificate("server")
        let secure = try await Registry(
            serving: scratch["root"], scratch: scratch,
            tls: "{certificate: \(scratch["server.crt"]), key: \(scratch["server.key"])}")
        try Command.succeed("copy", "--ca-file", scratch["server.crt"], archive, "docker://\(secure.address)/app:1")
        for (extra, status) in [("insecure = true", Int32(0)), ("", 1)] {
            let conf = "[[registry]]\nlocation = \"\(secure.address)\"\n\(extra)\n"
            let result = try dray(conf, "digest --retry-times 0 docker://\(secure.address)/app:1")
            #expect(result.status == status, "\(extra): \(result.errors)")
            if status != 0 { #expect(result.errors.contains("--ca-file"), "\(result.errors)") }
        }
    }
}
