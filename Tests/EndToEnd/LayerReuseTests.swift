import Foundation
import ImageModel
import Testing

/// A layer that is there is not made again, but only what was verified counts as being there.
struct LayerReuseTests {
    /// An image whose config claims another's diffID for a layer of its own.
    private func poison(_ scratch: Scratch, _ destination: String, victim: [UInt8]) throws {
        let layout = try CraftedLayout(scratch["evil"])
        let evil = try layout.layer("evil")
        try layout.add(layout.image([evil], diffIDs: [Digest(of: victim)]), "good/app:0")
        try Command.succeed("copy", "oci:\(scratch["evil"])", destination)
    }

    private func layerContent(_ place: String) throws -> String {
        let layer = try Command.shell("$DRAY manifest \(place) | jq -r '.layers[0].digest'").lines[0]
        return try Command.shell("$DRAY blob \(place) \(layer) | tar xzO").text
    }

    @Test(arguments: ["store", "oci"])
    func aLayerIsNotSwappedForOneThatClaimsItsDiffID(_ transport: String) throws {
        let scratch = try Scratch()
        let place = "\(transport):\(scratch["place"])"
        let victim = CraftedArchive.layer("good")
        try poison(scratch, place, victim: victim)
        try CraftedArchive.image(
            layer: victim, manifest: #"[{"Config":"config.json","RepoTags":["good/app:1"],"Layers":["one/layer.tar"]}]"#
        ).write(to: scratch["good.tar"])
        let result = try Command.dray("copy", scratch["good.tar"], place)
        #expect(result.status == 0 && result.errors.contains("not reused"), "\(result.errors)")
        #expect(try layerContent("\(place):good/app:1") == "good")
    }

    @Test func aRegistryIsNotPoisonedEither() async throws {
        let scratch = try Scratch()
        let registry = try await Registry(serving: scratch["root"], scratch: scratch)
        let place = "docker://\(registry.address)/good/app:1"
        let victim = CraftedArchive.layer("good")
        try poison(scratch, place, victim: victim)
        try CraftedArchive.image(layer: victim).write(to: scratch["good.tar"])
        try Command.succeed("copy", scratch["good.tar"], place)
        #expect(try layerContent(place) == "good")
    }

    /// With the memory gone, layers are read, found right, and not written again.
    @Test func whatIsForgottenIsVerifiedAgain() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        let store = "store:\(scratch["store"])"
        try Command.succeed("copy", archive, store)
        let memory = scratch["store/.dray/layers"]
        let lines = try String(contentsOfFile: memory, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 4 && lines[1].contains(" gzip sha256:"))
        try FileManager.default.removeItem(atPath: memory)
        #expect(try Command.succeed("copy", "--output", "json", archive, store).rows().map(\.bytesMoved) == [0])
        let again = try String(contentsOfFile: memory, encoding: .utf8).split(separator: "\n")
        #expect(Set(again.dropFirst()) == Set(lines.dropFirst()))
    }

    /// What a registry has under its name it has altogether, and is not asked for the pieces.
    @Test func aSecondCopyAsksOnceForEachImage() throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry([], scratch: scratch)
        let place = "docker://\(registry.address)"
        let archives = try ["a", "b"].map {
            try Samples.archive(scratch, name: "\($0).tar", image: "sample/\($0):1", mebibytes: 1)
        }
        let first = try Command.succeed("copy", "--output", "json", archives[0], archives[1], "\(place)/").rows()
        let before = try registry.requestCount
        let again = try Command.succeed("copy", "--output", "json", archives[0], archives[1], "\(place)/").rows()
        #expect(again.map(\.bytesMoved) == [0, 0] && again.map(\.digest) == first.map(\.digest))
        let asked = try registry.requests.dropFirst(before).filter { $0.path != "/v2/" }
        #expect(
            asked.map { "\($0.method) \($0.path)" }.sorted()
                == ["HEAD /v2/sample/a/manifests/1", "HEAD /v2/sample/b/manifests/1"])
        // A name that means something else by now is given anew.
        try Command.succeed("copy", archives[0], "\(place)/sample/b:1")
        let mended = try Command.succeed("copy", "--output", "json", archives[0], archives[1], "\(place)/").rows()
        #expect(mended.map(\.digest) == first.map(\.digest))
        #expect(try Command.succeed("digest", "\(place)/sample/b:1").text.contains(first[1].digest))
    }

    /// A memory that came along with a layout from elsewhere is none.
    @Test func aMemoryFromElsewhereCountsForNothing() throws {
        let scratch = try Scratch()
        let victim = CraftedArchive.layer("good")
        let layout = try CraftedLayout(scratch["evil"])
        let evil = try layout.layer("evil")
        try layout.add(layout.image([evil], diffIDs: [Digest(of: victim)]), "good/app:0")
        try CraftedArchive.image(layer: victim).write(to: scratch["good.tar"])
        try Command.succeed("copy", scratch["good.tar"], "oci:\(scratch["honest"])")
        let text = try String(contentsOfFile: scratch["honest/.dray/layers"], encoding: .utf8)
        let forged =
            text.split(separator: "\n")[0] + "\n\(Digest(of: victim)) gzip \(evil.layer.digest) \(evil.layer.size)\n"
        try scratch.write(forged + "nonsense\n", to: "evil/.dray/layers")
        try Command.succeed("copy", scratch["good.tar"], "oci:\(scratch["evil"])")
        #expect(try layerContent("oci:\(scratch["evil"]):bad/image:1") == "good")
    }

    /// The last of two diffIDs for one layer does not hide that the first is wrong.
    @Test func twoDiffIDsForOneLayerAreNoticed() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let one = try layout.layer("one")
        let wrong = Digest(of: Array("wrong".utf8))
        try layout.add(layout.image([one, one], diffIDs: [wrong, one.diffID]), "a:1")
        let kept = try Command.succeed("copy", "oci:\(scratch["layout"])", "oci:\(scratch["copy"])")
        #expect(kept.errors.contains(wrong.description), "\(kept.errors)")
        let packed = try Command.dray(
            "copy", "--compression", "zstd", "oci:\(scratch["layout"])", "store:\(scratch["store"])")
        #expect(packed.status == 3 && packed.errors.contains(wrong.description), "\(packed.errors)")
        let layer = try [UInt8](Data(contentsOf: layout.file(one.layer.digest)))
        try CraftedArchive.image(
            layer: layer, diffIDs: [wrong, one.diffID],
            manifest:
                #"[{"Config":"config.json","RepoTags":["a:1"],"Layers":["one/layer.tar","one/layer.tar"]}]"#
        ).write(to: scratch["a.tar"])
        let result = try Command.dray("copy", scratch["a.tar"], "store:\(scratch["store"])")
        #expect(result.status == 3 && result.errors.contains(wrong.description), "\(result.errors)")
        #expect(scratch.files(below: "store").isEmpty)
    }

    /// Bytes that stay as they are need none; layers that change their form do.
    @Test func changedLayersNeedADiffIDForEach() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["few"])
        let one = try layout.layer("one")
        try layout.add(layout.image([one, layout.layer("two")], diffIDs: [one.diffID]), "a:1")
        let raw = try CraftedLayout(scratch["raw"])
        let tar = try raw.put(CraftedArchive.layer("raw"), .ociLayer)
        try raw.add(raw.image([(tar, one.diffID)]), "a:1")
        for name in ["few", "raw"] {
            try Command.succeed("copy", "oci:\(scratch[name])", "oci:\(scratch["\(name)-copy"])")
            let result = try Command.dray(
                "copy", "--compression", "zstd", "oci:\(scratch[name])", "store:\(scratch["store"])")
            #expect(result.status == 3 && result.errors.contains("--compression keep"), "\(name): \(result.errors)")
        }
        #expect(scratch.files(below: "store").isEmpty)
    }
}
