import Foundation
import ImageModel
import Testing

/// The far side says what it has, the near side packs the rest, and both end alike.
struct DeltaTests {
    /// `near` has two images, and `far` the first of them, which gives the second its layers' beginning.
    private static func stores(_ scratch: Scratch) throws {
        for (version, size) in [(1, 2), (2, 4)] {
            let archive = try Samples.archive(
                scratch, name: "\(version).tar", image: "team/app:\(version)", mebibytes: size)
            try Command.succeed("copy", archive, "store:\(scratch["near"])")
            if version == 1 { try Command.succeed("copy", archive, "store:\(scratch["far"])") }
        }
    }

    /// Takes stock of a place and packs `delta.tar` for it.
    private static func pack(_ scratch: Scratch, for place: String, name: String = "delta.tar") throws {
        let packed = try Command.shell(
            "$DRAY inventory \(place) > have.json && $DRAY copy --have have.json store:near oci-archive:\(name)",
            in: scratch.path)
        try #require(packed.status == 0, "\(packed.errors)")
    }

    private static func size(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    }

    @Test(arguments: ["file", "standard input"])
    func aStoreEndsByteIdentical(_ way: String) throws {
        let scratch = try Scratch()
        try Self.stores(scratch)
        try Self.pack(scratch, for: "store:far")
        try Command.succeed("copy", "store:\(scratch["near"])", "oci-archive:\(scratch["all.tar"])")
        #expect(try Self.size(scratch["delta.tar"]) < Self.size(scratch["all.tar"]) * 3 / 4)
        let copied = try Command.shell(
            way == "file" ? "$DRAY copy delta.tar store:far" : "$DRAY copy oci-archive:- store:far < delta.tar",
            in: scratch.path)
        #expect(copied.status == 0, "\(copied.errors)")
        let same = try Command.shell("diff -r near/docker far/docker", in: scratch.path)
        #expect(same.status == 0, "\(same.text)")
    }

    @Test func aLayoutEndsByteIdentical() throws {
        let scratch = try Scratch()
        try Self.stores(scratch)
        try Command.succeed("copy", "store:\(scratch["far"])", "oci:\(scratch["layout"])")
        try Self.pack(scratch, for: "oci:layout")
        try Command.succeed("copy", scratch["delta.tar"], "oci:\(scratch["layout"])")
        try Command.succeed("copy", "store:\(scratch["near"])", "oci:\(scratch["whole"])")
        let same = try Command.shell("diff -r layout/blobs whole/blobs", in: scratch.path)
        #expect(same.status == 0, "\(same.text)")
        let rows = try ["layout", "whole"].map {
            try Set(Command.succeed("ls", "--output", "json", scratch[$0]).rows())
        }
        #expect(rows[0] == rows[1] && rows[0].count == 2)
    }

    /// Also into another repository than the one that had the layers: there they are mounted.
    @Test(arguments: ["", "mirror"])
    func aRegistryEndsByteIdentical(_ prefix: String) async throws {
        let scratch = try Scratch()
        try Self.stores(scratch)
        let registry = try await Registry(serving: scratch["far"], scratch: scratch)
        try Self.pack(scratch, for: "docker://\(registry.address)/")
        var arguments = ["copy", "--output", "json", scratch["delta.tar"], "docker://\(registry.address)/"]
        if !prefix.isEmpty { arguments += ["--prefix", prefix] }
        let copied = try Command.dray(arguments)
        #expect(copied.status == 0, "\(copied.errors)")
        try registry.check(copied.rows(), scratch: scratch)
        let same = try Command.shell(
            "diff -r near/docker/registry/v2/blobs far/docker/registry/v2/blobs", in: scratch.path)
        #expect(same.status == 0, "\(same.text)")
    }

    /// An archive is made anew, so that what the delta builds on has to be named.
    @Test func anArchiveTakesTheRestFromTheOneBefore() throws {
        let scratch = try Scratch()
        try Self.stores(scratch)
        try Command.succeed("copy", "store:\(scratch["far"])", "oci-archive:\(scratch["before.tar"])")
        try Self.pack(scratch, for: "oci-archive:before.tar")
        let refused = try Command.dray("copy", scratch["delta.tar"], "oci-archive:\(scratch["after.tar"])")
        #expect(refused.status == 3 && refused.errors.contains("--base"), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: scratch["after.tar"]))
        try Command.succeed(
            "copy", "--base", scratch["before.tar"], scratch["delta.tar"], "oci-archive:\(scratch["after.tar"])")
        try Command.succeed("copy", "store:\(scratch["near"])", "oci-archive:\(scratch["whole.tar"])")
        let same = try Command.shell(
            "cmp after.tar whole.tar", in: scratch.path)
        #expect(same.status == 0, "\(same.text)\(same.errors)")
    }

    @Test(arguments: ["store", "oci", "docker"])
    func theWrongBaseIsRefusedBeforeAnythingIsWritten(_ kind: String) async throws {
        let scratch = try Scratch()
        try Self.stores(scratch)
        try Self.pack(scratch, for: "store:far")
        let other = try Samples.archive(scratch, name: "other.tar", image: "some/other:1", mebibytes: 1)
        try Command.succeed("copy", other, "\(kind == "oci" ? "oci" : "store"):\(scratch["wrong"])")
        let registry = kind == "docker" ? try await Registry(serving: scratch["wrong"], scratch: scratch) : nil
        _ = try Command.shell("cp -a wrong before", in: scratch.path)
        let place = registry.map { "docker://\($0.address)/" } ?? "\(kind):\(scratch["wrong"])"
        for option in [[], ["--dry-run"]] {
            let refused = try Command.dray(["copy"] + option + [scratch["delta.tar"], place])
            #expect(refused.status == 3, "\(refused.errors)")
            #expect(refused.errors.contains("3 blobs of team/app:1"), "\(refused.errors)")
        }
        let same = try Command.shell("diff -r before wrong", in: scratch.path)
        #expect(same.status == 0, "\(same.text)")
        let fresh = try Command.dray("copy", scratch["delta.tar"], "store:\(scratch["fresh"])")
        #expect(fresh.status == 3 && !FileManager.default.fileExists(atPath: scratch["fresh"]))
    }

    @Test func aDeltaSaysWhatItIs() throws {
        let scratch = try Scratch()
        try Self.stores(scratch)
        try Self.pack(scratch, for: "store:far")
        let digest = try Command.shell("sha256sum < have.json", in: scratch.path).text.prefix(64)
        for command in [["ls"], ["inspect"]] {
            let reference = command == ["ls"] ? scratch["delta.tar"] : "oci-archive:\(scratch["delta.tar"]):team/app:2"
            let said = try Command.dray(command + [reference])
            #expect(said.status == 0 && said.errors.contains("is a delta: 3 blobs"), "\(said.errors)")
            #expect(said.errors.contains("sha256:\(digest)"))
        }
    }

    /// What it leaves out is not there.
    @Test func takingStockOfADeltaCountsWhatIsInIt() throws {
        let scratch = try Scratch()
        try Self.stores(scratch)
        try Self.pack(scratch, for: "store:far")
        let blobs = try ["delta.tar", "store:near"].map { place in
            try Command.shell("$DRAY inventory \(place) | jq '[.repositories[].blobs[]] | length'", in: scratch.path)
                .text
        }
        // Two images of three layers and a config each.
        #expect(blobs.map(\.trimmed) == ["5", "8"])
    }

    @Test func aDeltaIsTheSameEachTime() throws {
        let scratch = try Scratch()
        try Self.stores(scratch)
        try Self.pack(scratch, for: "store:far")
        try Self.pack(scratch, for: "store:far", name: "again.tar")
        #expect(try Command.shell("cmp delta.tar again.tar", in: scratch.path).status == 0)
    }

    /// What a layer becomes is known only when it was packed: then it is left out afterwards.
    @Test(arguments: ["docker-archive:2.tar", "docker-archive:-"])
    func layersThatAreGzippedOnTheirWayAreLeftOut(_ source: String) throws {
        let scratch = try Scratch()
        try Self.stores(scratch)
        let packed = try Command.shell(
            """
            $DRAY inventory store:near > have.json
            $DRAY copy --have have.json \(source) oci-archive:delta.tar < 2.tar && tar -tvf delta.tar
            """, in: scratch.path)
        #expect(packed.status == 0, "\(packed.errors)")
        #expect(try Self.size(scratch["delta.tar"]) < 64 << 10, "\(packed.text)")
        try Command.succeed("copy", scratch["delta.tar"], "store:\(scratch["near"])")
        let checked = try Command.succeed("ls", "--output", "json", "store:\(scratch["near"])").rows()
        #expect(checked.count == 2)
    }

    @Test func manyBlobsAreListedCompactly() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let layers = try (0..<1200).map { number in
            let bytes = CraftedArchive.layer("layer \(number)")
            return (layer: try layout.put(bytes, .ociLayer), diffID: Digest(of: bytes))
        }
        try layout.add(layout.image(layers), "many")
        let packed = try Command.shell(
            "$DRAY inventory oci:layout > have.json && $DRAY copy --have have.json oci:layout oci-archive:delta.tar",
            in: scratch.path)
        #expect(packed.status == 0, "\(packed.errors)")
        #expect(try Self.size(scratch["have.json"]) < 70_000)
        try Command.succeed("copy", scratch["delta.tar"], "oci:\(scratch["layout"])")
        let list = try Command.shell(
            "tar -xOf delta.tar dray/packing-list.json | jq '.absent | length'", in: scratch.path)
        #expect(list.text.trimmed == "1200")
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"mediaType":"x","repositories":[]}"#,
        #"{"mediaType":"application/vnd.dray.inventory.v1+json","repositories":[{"tags":{},"packedBlobs":"AAAA"}]}"#,
        #"{"mediaType":"application/vnd.dray.inventory.v1+json","repositories":[{"name":"../x","tags":{}}]}"#,
        #"{"mediaType":"application/vnd.dray.inventory.v1+json","repositories":[{"tags":{},"blobs":[{"digest":"sha256:12","size":1}]}]}"#,
    ])
    func aBadInventoryIsRefused(_ text: String) throws {
        let scratch = try Scratch()
        try scratch.write(text, to: "have.json")
        try CraftedLayout(scratch["layout"]).add(
            CraftedLayout(scratch["layout"]).image([CraftedLayout(scratch["layout"]).layer("x")]), "x")
        let result = try Command.dray(
            "copy", "--have", scratch["have.json"], "oci:\(scratch["layout"])", "oci-archive:\(scratch["x.tar"])")
        #expect(result.status == 3, "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: scratch["x.tar"]))
        let elsewhere = try Command.dray(
            "copy", "--have", scratch["have.json"], "oci:\(scratch["layout"])", "store:\(scratch["store"])")
        #expect(elsewhere.status == 3 || elsewhere.status == 64)
    }
}
