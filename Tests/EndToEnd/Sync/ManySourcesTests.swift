import Foundation
import Testing

/// Several sources at once: directories of archives, lists, names that two of them claim, and receipts.
struct ManySourcesTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var store: String { "store:\(scratch["store"])" }

    private func digest(_ name: String) throws -> String {
        try Command.succeed("digest", "\(store):\(name)").text.trimmed
    }

    @Test func aDirectoryOfArchivesIsEachOfThem() throws {
        try FileManager.default.createDirectory(atPath: scratch["in"], withIntermediateDirectories: true)
        for name in ["a", "b"] {
            _ = try Samples.archive(scratch, name: "in/\(name).tar", image: "shop/\(name):1", mebibytes: 1)
        }
        try Command.succeed(
            "copy", "docker-archive:\(scratch["in/b.tar"])", "oci-archive:\(scratch["in/c.tar"]):shop/c:1")
        try Command.shell("gzip \(scratch["in/b.tar"])")
        try scratch.write("sums", to: "in/SHA256SUMS")
        let dry = try Command.succeed("copy", "--dry-run", "--receipt", scratch["plan.json"], scratch["in"], store)
        #expect(dry.errors.contains("note: \(scratch["in/SHA256SUMS"]): skipped (plain text)"), "\(dry.errors)")
        let plan = try Receipt(scratch["plan.json"])
        #expect(plan.dryRun && plan.images.count == 3 && plan.disks.count == 1)
        #expect(plan.disks[0].needed > 1 << 20 && plan.disks[0].free > plan.disks[0].needed)
        #expect(!FileManager.default.fileExists(atPath: scratch["store"]))
        let run = try Command.succeed(
            "copy", "--receipt", scratch["receipt.json"], scratch["in"], store, "--output", "json")
        #expect(Set(try run.rows().map(\.name)) == ["shop/a:1", "shop/b:1", "shop/c:1"])
        let receipt = try Receipt(scratch["receipt.json"])
        #expect(
            receipt.images.allSatisfy { $0.outcome == "copied" } && receipt.failures.isEmpty && !receipt.version.isEmpty
        )
        #expect(plan.bytesMoved >= receipt.bytesMoved)
        // An archive that is damaged is no note, but a failure.
        let cut = try Data(contentsOf: URL(filePath: scratch["in/a.tar"])).prefix(100_000)
        try cut.write(to: URL(filePath: scratch["in/d.tar"]))
        let broken = try Command.dray("copy", "--keep-going", scratch["in"], "store:\(scratch["other"])")
        #expect(broken.status == 2 && broken.errors.contains("d.tar"), "\(broken.errors)")
        let inspect = try Command.dray("inspect", scratch["in"])
        #expect(inspect.status == 64 && inspect.errors.contains("directory of archives"), "\(inspect.errors)")
    }

    @Test func twoThatClaimOneNameAreRefusedOrDecided() throws {
        let one = try Samples.archive(scratch, name: "one.tar", image: "shop/app:1", mebibytes: 1)
        let two = try Samples.archive(scratch, name: "two.tar", image: "shop/app:1", mebibytes: 2)
        for (index, arguments) in [[], ["--keep-going"], ["--on-existing", "error"]].enumerated() {
            let run = try Command.dray(["copy"] + arguments + [one, two, store])
            #expect(
                run.status == 1 && run.errors.contains("two different images would be called shop/app:1"),
                "\(run.errors)")
            #expect(
                run.errors.contains("one.tar") && run.errors.contains("two.tar") && run.errors.contains("--on-existing")
            )
            #expect(!FileManager.default.fileExists(atPath: scratch["store"]), "\(index)")
        }
        for (action, winner) in [("skip", one), ("overwrite", two)] {
            let run = try Command.succeed(
                "copy", "--on-existing", action, "--receipt", scratch["receipt.json"], one, two,
                "store:\(scratch[action])")
            #expect(run.text.contains("skipped, another image has the name"), "\(run.text)")
            try Command.succeed("copy", winner, "store:\(scratch["alone-\(action)"])")
            let digests = try [scratch[action], scratch["alone-\(action)"]].map {
                try Command.succeed("digest", "store:\($0):shop/app:1").text
            }
            #expect(digests[0] == digests[1], "\(action)")
            #expect(Set(try Receipt(scratch["receipt.json"]).images.map(\.outcome)) == ["copied", "skipped"])
        }
    }

    @Test func aListOfImagesIsCopied() throws {
        let registry = try ScriptedRegistry([], scratch: scratch)
        let archive = try Samples.archive(scratch, image: "shop/app:1", mebibytes: 1)
        try Command.succeed("copy", archive, "docker://\(registry.address)/team/app:1")
        let list =
            "# what is wanted\n\n\(registry.address)/team/app:1   # from a registry\r\ndocker-archive:\(archive)\n"
        try scratch.write(list, to: "images.txt")
        let run = try Command.dray("copy", "--plain-http", "--from-file", scratch["images.txt"], store)
        #expect(run.status == 0 && run.lines.count == 2, "\(run.errors)")
        #expect(try digest("team/app:1") == digest("shop/app:1"))
        for (text, words) in [
            ("a b\n", "images.txt:1: "), ("\nUPPER/x\n", "images.txt:2: "), ("# none\n", "names no image"),
        ] {
            try scratch.write(text, to: "images.txt")
            let wrong = try Command.dray("copy", "--from-file", scratch["images.txt"], store)
            #expect(wrong.status == 64 && wrong.errors.contains(words), "\(wrong.errors)")
        }
    }

    @Test func aReceiptTellsOfARunThatFailed() throws {
        let run = try Command.dray("copy", "--receipt", scratch["receipt.json"], "docker-archive:/nowhere.tar", store)
        #expect(run.status == 4)
        let receipt = try Receipt(scratch["receipt.json"])
        #expect(
            receipt.images.isEmpty && receipt.failures.map(\.message) == ["/nowhere.tar: no such file or directory"])
    }

    @Test func theSeedingSampleWorks() throws {
        let walk = try Command.script("samples/seed/walk-through")
        #expect(walk.status == 0, "\(walk.text)\n\(walk.errors)")
        #expect(walk.lines.last == "the registry is seeded: every image is served as it is stored")
    }
}
