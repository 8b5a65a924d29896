import Foundation
import Testing

/// The failures of a receipt name what is to be tried again, so that it can be typed.
struct FailureReferenceTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A layout of a good image, and of one whose layer is damaged.
    private func layout(_ name: String = "layout") throws -> CraftedLayout {
        let layout = try CraftedLayout(scratch[name])
        try layout.add(layout.image([layout.layer("good")]), full: "team/good:1")
        let bad = try layout.layer("bad")
        try layout.add(layout.image([bad]), full: "team/bad:2")
        try layout.damage(bad.layer)
        return layout
    }

    /// Copies with a receipt, and gives the sources of the failures.
    private func failures(_ arguments: [String], status: ClosedRange<Int32> = 1...4) throws -> [String] {
        let run = try Command.dray(
            arguments.prefix(1) + ["--receipt", scratch["receipt.json"]] + arguments.dropFirst())
        #expect(status.contains(run.status), "\(run.errors)")
        return try Receipt(scratch["receipt.json"]).failures.map(\.source)
    }

    static let modes = [[], ["--keep-going"]]

    @Test(arguments: modes) func ofEveryTransportOnThisMachine(_ mode: [String]) throws {
        _ = try layout()
        let packed = try Command.shell("tar -C layout -cf set.tar oci-layout index.json blobs", in: scratch.path)
        try #require(packed.status == 0, "\(packed.errors)")
        let store = "store:\(scratch["target"])"
        for place in ["oci:\(scratch["layout"])", "oci-archive:\(scratch["set.tar"])"] {
            let found = try failures(["copy"] + mode + [place, store])
            #expect(found == ["\(place):team/bad:2"], "\(found)")
            // What it says is what the command takes.
            #expect(try failures(["copy", found[0], store]) == found)
        }
    }

    @Test(arguments: modes) func ofADockerArchiveAndADirectory(_ mode: [String]) throws {
        try CraftedArchive.image(diffIDs: [BadInputTests.wrong]).write(to: scratch["bad.tar"])
        let place = "docker-archive:\(scratch["bad.tar"])"
        let target = "store:\(scratch["target"])"
        #expect(try failures(["copy"] + mode + [place, target]) == ["\(place):bad/image:1"])
        #expect(
            try failures(["copy"] + mode + ["docker-archive:\(scratch["none.tar"])", target]) == [
                "docker-archive:\(scratch["none.tar"])"
            ])
        #expect(try failures(["copy"] + mode + [place + ":no/such:9", target]) == [place + ":no/such:9"])
        let bad = try layout()
        try Command.succeed("copy", "--keep-going", "oci:\(bad.path):team/good:1", "dir:\(scratch["dir"])")
        let broken = try Command.shell("rm dir/$(ls -S dir | head -1)", in: scratch.path)
        try #require(broken.status == 0)
        #expect(try failures(["copy"] + mode + ["dir:\(scratch["dir"])", target]) == ["dir:\(scratch["dir"])"])
    }

    @Test(arguments: modes) func ofAStoreAndItsBackup(_ mode: [String]) throws {
        let store = "store:\(scratch["store"])"
        let layout = try CraftedLayout(scratch["layout"])
        for (name, text) in [("team/app:1", "one"), ("other/tool:2", "another")] {
            try layout.add(layout.image([layout.layer(text)]), full: name)
        }
        try Command.succeed("copy", "oci:\(layout.path)", store)
        try Command.succeed("backup", store, scratch["backup"])
        func largest(_ reference: String) throws -> String {
            try Command.shell("$DRAY manifest \(reference) | jq -r '.layers | max_by(.size) | .digest[7:]'").lines[0]
        }
        let hex = try largest("\(store):team/app:1")
        for place in [
            "store/docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data", "backup/blobs/sha256/\(hex)",
        ] {
            try Data("damaged".utf8).write(to: URL(filePath: scratch[place]))
        }
        #expect(try failures(["copy"] + mode + [store, "oci:\(scratch["out"])"]) == ["\(store):team/app:1"])
        #expect(try failures(["backup"] + mode + [store, scratch["backup2"]]) == ["\(store):team/app:1"])
        let snapshot = try Backups.snapshots(scratch["backup"])[0].id
        let found = try failures(["restore"] + mode + [scratch["backup"], "store:\(scratch["restored"])"])
        #expect(found == ["oci:\(scratch["backup"])/snapshots/\(snapshot)/team/app:1"])
        #expect(try failures(["copy", found[0], "oci:\(scratch["again"])"]) == found)
        #expect(
            try failures(["restore"] + mode + ["--image", "team/app:1", scratch["backup"], "oci:\(scratch["one"])"])
                == found)
    }

    @Test(arguments: modes) func ofARegistry(_ mode: [String]) throws {
        let registry = try ScriptedRegistry([], scratch: scratch)
        let archive = try Samples.archive(scratch, image: "team/app:1", mebibytes: 1)
        let host = "docker://\(registry.address)"
        try Command.succeed("copy", archive, "\(host)/team/app:1")
        let target = "store:\(scratch["target"])"
        for missing in ["team/app:none", "no/such:1"] {
            #expect(try failures(["copy"] + mode + ["\(host)/\(missing)", target]) == ["\(host)/\(missing)"])
        }
        // Of a list, the line that failed, and not the others.
        try scratch.write("\(registry.address)/team/app:1\n\(registry.address)/team/app:gone\n", to: "list.txt")
        #expect(
            try failures(["copy"] + mode + ["--from-file", scratch["list.txt"], target]) == ["\(host)/team/app:gone"])
        #expect(try failures(["backup"] + mode + ["\(host)/team/gone", scratch["backup"]]) == ["\(host)/team/gone"])
        // Where the destination cannot be reached, all are to be tried again.
        let other = try Samples.archive(scratch, name: "other.tar", image: "other/tool:2", mebibytes: 1)
        let found = try failures(
            ["copy"] + mode + ["--retry-times", "0", "\(host)/team/app:1", other, "docker://127.0.0.1:1/"])
        let all: Set = ["\(host)/team/app:1", "docker-archive:\(other):other/tool:2"]
        #expect(mode.isEmpty ? !found.isEmpty && all.isSuperset(of: found) : Set(found) == all, "\(found)")
    }

    @Test func ofRules() throws {
        let registry = try ScriptedRegistry([], scratch: scratch)
        let archive = try Samples.archive(scratch, image: "team/app:1", mebibytes: 1)
        try Command.succeed("copy", archive, "docker://\(registry.address)/team/app:1")
        try CraftedArchive.image(diffIDs: [BadInputTests.wrong]).write(to: scratch["bad.tar"])
        let host = "docker://\(registry.address)"
        try scratch.write(
            """
            defaults: {destination: 'store:\(scratch["store"])'}
            rules:
              - {name: tag, source: '\(host)/team/app:gone'}
              - {name: tags, source: '\(host)/team/app', tags: {names: ["1", lost]}}
              - {name: file, source: 'docker-archive:\(scratch["none.tar"])'}
              - {name: bad, source: 'docker-archive:\(scratch["bad.tar"])'}

            """, to: "sync.yml")
        let found = try failures(["sync", scratch["sync.yml"]])
        #expect(
            Set(found) == [
                "\(host)/team/app:gone", "\(host)/team/app:lost", "docker-archive:\(scratch["none.tar"])",
                "docker-archive:\(scratch["bad.tar"]):bad/image:1",
            ])
    }

    /// A path that holds no image is a source like any other that fails.
    @Test(arguments: modes) func ofWhatIsNoImage(_ mode: [String]) throws {
        let good = try Samples.archive(scratch, image: "team/app:1", mebibytes: 1)
        try scratch.write("<html>", to: "page.tar")
        try scratch.write("readme", to: "docs/README")
        try scratch.write("\(scratch["page.tar"])\ndocker-archive:\(good)\n", to: "list.txt")
        let target = "store:\(scratch["store"])"
        for sources in [[scratch["page.tar"], good], [good, scratch["docs"]], ["--from-file", scratch["list.txt"]]] {
            let run = try Command.dray(["copy", "--receipt", scratch["receipt.json"]] + mode + sources + [target])
            #expect(run.status == (mode.isEmpty ? 3 : 2), "\(run.errors)")
            let receipt = try Receipt(scratch["receipt.json"])
            #expect(
                receipt.failures.map(\.source) == [
                    sources.contains(scratch["docs"]) ? scratch["docs"] : scratch["page.tar"]
                ])
            #expect(receipt.images.count == (mode.isEmpty ? 0 : 1))
        }
        let run = try Command.dray(
            ["backup", "--receipt", scratch["receipt.json"]] + mode + [scratch["page.tar"], good, scratch["backup"]])
        #expect(run.status == (mode.isEmpty ? 3 : 2), "\(run.errors)")
        #expect(try Receipt(scratch["receipt.json"]).failures.map(\.source) == [scratch["page.tar"]])
        #expect(FileManager.default.fileExists(atPath: scratch["backup"]) == !mode.isEmpty)
    }

    /// Two images that claim one name, each by its own reference.
    @Test(arguments: modes) func ofWhatClaimsOneName(_ mode: [String]) throws {
        let one = try Samples.archive(scratch, name: "one.tar", image: "shop/app:1", mebibytes: 1)
        let two = try Samples.archive(scratch, name: "two.tar", image: "shop/app:1", mebibytes: 2)
        let found = try failures(["copy"] + mode + [one, two, "store:\(scratch["store"])"])
        #expect(found == [one, two].map { "docker-archive:\($0):shop/app:1" }, "\(found)")
    }
}
