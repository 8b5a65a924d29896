import Foundation
import ImageModel
import Testing

/// Which images are meant, what they are called, and what becomes of those that are broken.
struct SelectionTests {
    // MARK: Broken ones among good ones

    /// A layout with a good image, and one whose manifest is damaged.
    private func oneBroken(_ scratch: Scratch) throws -> String {
        let layout = try CraftedLayout(scratch["layout"])
        let bad = try layout.image([layout.layer("bad")])
        try layout.add(bad, "bad")
        try layout.add(layout.image([layout.layer("good")]), "good")
        try layout.damage(bad)
        return "oci:\(scratch["layout"])"
    }

    @Test func oneBrokenEntryDoesNotStopTheOthers() throws {
        let scratch = try Scratch()
        let layout = try oneBroken(scratch)
        #expect(try Command.succeed("ls", "--output", "json", layout).rows().map(\.tag) == ["bad", "good"])
        try Command.succeed("copy", "\(layout):good", "store:\(scratch["one"])")
        #expect(try Command.dray("copy", layout, "store:\(scratch["none"])").status == 3)
        #expect(scratch.files(below: "none").isEmpty)
        let result = try Command.dray("copy", "--keep-going", "--output", "json", layout, "store:\(scratch["some"])")
        #expect(result.status == 2, "\(result.errors)")
        #expect(try result.rows().map { $0.error == nil } == [false, true])
    }

    @Test func sourcesThatFailDoNotStopTheOthers() throws {
        let scratch = try Scratch()
        let good = try Samples.archive(scratch, mebibytes: 1)
        try CraftedArchive.image(manifest: "[{").write(to: scratch["bad.tar"])
        try scratch.write("nothing like a tar", to: "worse.gz")
        let result = try Command.dray(
            "copy", "--keep-going", "docker-archive:\(scratch["absent.tar"])", scratch["bad.tar"],
            "docker-archive:\(scratch["worse.gz"])", good, "store:\(scratch["store"])")
        #expect(result.status == 2, "\(result.errors)")
        #expect(result.errors.split(separator: "\n").filter { $0.hasPrefix("dray: error:") }.count == 3)
        #expect(
            try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows().map(\.name) == [
                "sample/app:1.0"
            ])
    }

    @Test func brokenImagesOfAnArchiveDoNotStopTheOthers() throws {
        let scratch = try Scratch()
        let manifest =
            #"[{"Config":"gone.json","RepoTags":["gone:1"],"Layers":[]},"#
            + #"{"Config":"config.json","RepoTags":["good:1"],"Layers":["one/layer.tar"]}]"#
        try CraftedArchive.image(manifest: manifest).write(to: scratch["a.tar"])
        let listed = try Command.dray("ls", scratch["a.tar"])
        #expect(listed.status == 0 && listed.text.contains("good:1") && listed.errors.contains("gone:1 is broken"))
        try Command.succeed("copy", "\(scratch["a.tar"]):good:1", "store:\(scratch["one"])")
        #expect(try Command.dray("copy", "\(scratch["a.tar"]):gone:1", "store:\(scratch["none"])").status == 3)
        let result = try Command.shell(
            "$DRAY copy --keep-going docker-archive:- store:\(scratch["some"]) < \(scratch["a.tar"])")
        #expect(result.status == 2 && result.errors.contains("gone.json"), "\(result.errors)")
    }

    @Test func brokenTagsOfAStoreAreTold() throws {
        let scratch = try Scratch()
        let store = "store:\(scratch["store"])"
        try Command.succeed("copy", try Samples.archive(scratch, mebibytes: 1), store)
        try Command.succeed("tag", "\(store):sample/app:1.0", "broken")
        try scratch.write(
            "", to: "store/docker/registry/v2/repositories/sample/app/_manifests/tags/broken/current/link")
        for command in ["ls", "inspect"] {
            let result = try Command.dray(command, store)
            #expect(result.status == 0 && result.errors.contains("sample/app:broken is broken"), "\(result.errors)")
        }
        #expect(try Command.dray("copy", store, "oci:\(scratch["none"])").status == 3)
        #expect(try Command.dray("digest", "\(store):sample/app:broken").status == 3)
        #expect(try Command.dray("copy", "--keep-going", store, "oci:\(scratch["some"])").status == 2)
    }

    @Test func otherContentInALayoutIsPassedOver() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        try layout.add(layout.image([layout.layer("good")]), "good")
        try layout.add(layout.put([0, 1, 2], MediaType("application/octet-stream")), "blob")
        let result = try Command.dray("ls", "--output", "json", "oci:\(scratch["layout"])")
        #expect(try result.rows().map(\.tag) == ["good"])
        #expect(result.errors.contains("application/octet-stream"))
        try Command.succeed("copy", "oci:\(scratch["layout"])", "store:\(scratch["store"])")
    }

    @Test func hugeSizesAreRefused() throws {
        let scratch = try Scratch()
        for (name, size) in [("huge", Int64.max), ("many", Descriptor.sizeLimit)] {
            let layout = try CraftedLayout(scratch[name])
            let layers = try (0..<1100).map { number in
                var layer = try layout.put(Array("\(number)".utf8), .ociLayerGzip)
                layer.size = size
                return (layer, Digest(of: Array("\(number)".utf8)))
            }
            try layout.add(layout.image(layers), "1")
            for arguments in [
                ["inspect", "oci:\(scratch[name])"], ["copy", "oci:\(scratch[name])", "store:\(scratch["s"])"],
            ] {
                let result = try Command.dray(arguments)
                #expect(
                    result.status == (name == "huge" || arguments[0] == "copy" ? 3 : 0),
                    "\(result.status) \(result.errors)")
            }
        }
    }

    // MARK: Names

    /// An image, and a signature of it that has no name.
    private func signed(_ scratch: Scratch) throws -> (reference: String, image: Descriptor) {
        let layout = try CraftedLayout(scratch["layout"])
        let image = try layout.image([layout.layer("good")])
        try layout.add(image, "1")
        try layout.add(layout.image([], subject: image))
        return ("oci:\(scratch["layout"])", image)
    }

    @Test func aNameIsForTheTaggedImageAlone() throws {
        let scratch = try Scratch()
        let (layout, image) = try signed(scratch)
        #expect(try Command.succeed("digest", layout).lines == [image.digest.description])
        try Command.succeed("copy", layout, "store:\(scratch["store"]):team/app:2")
        let rows = try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows()
        #expect(rows.first?.name == "team/app:2" && rows.first?.digest == image.digest.description)
        #expect(rows.count == 2)
    }

    @Test func aNameOfContainerdsIsReplaced() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        try layout.add(layout.image([layout.layer("old")]), "1", full: "docker.io/library/a:1")
        try CraftedArchive.image().write(to: scratch["a.tar"])
        let place = "oci:\(scratch["layout"])"
        #expect(
            try Command.dray("copy", "--on-existing", "error", "--name", "a:1", scratch["a.tar"], place).status == 1)
        try Command.succeed("copy", "--name", "a:1", scratch["a.tar"], place)
        let rows = try Command.succeed("ls", "--output", "json", place).rows()
        #expect(rows.filter { $0.tag == "1" }.count == 1 && rows.count == 2)
    }

    /// In an archive like docker 25's.
    private func hybrid(_ scratch: Scratch, entry: String, repoTag: String) throws -> String {
        let layout = try CraftedLayout(scratch["hybrid"])
        let (layer, diffID) = try layout.layer("hello")
        let image = try layout.image([(layer, diffID)])
        try layout.add(image, entry)
        let manifest = try JSONDecoder().decode(ImageManifest.self, from: Data(contentsOf: layout.file(image.digest)))
        func path(_ descriptor: Descriptor) -> String { "blobs/sha256/\(descriptor.digest.hex)" }
        try scratch.write(
            #"[{"Config":"\#(path(manifest.config))","RepoTags":["\#(repoTag)"],"Layers":["\#(path(layer))"]}]"#,
            to: "hybrid/manifest.json")
        #expect(try Command.shell("tar cf ../hybrid.tar *", in: scratch["hybrid"]).status == 0)
        return scratch["hybrid.tar"]
    }

    @Test func aRepoTagReplacesABareTag() throws {
        let scratch = try Scratch()
        let rows = try Command.succeed("ls", "--output", "json", hybrid(scratch, entry: "1", repoTag: "a/b:1")).rows()
        #expect(rows.map(\.name) == ["a/b:1"])
    }

    @Test func repoTagsWithDigestsKeepTheirNames() throws {
        let scratch = try Scratch()
        let digest = BadInputTests.wrong
        try CraftedArchive.image(
            manifest:
                #"[{"Config":"config.json","RepoTags":["host:5000/a/b:tag@\#(digest)","UPPER:1"],"Layers":["one/layer.tar"]}]"#
        ).write(to: scratch["a.tar"])
        let result = try Command.dray("ls", "--output", "json", scratch["a.tar"])
        #expect(try result.rows().map(\.name) == ["host:5000/a/b:tag"])
        #expect(result.errors.contains("'UPPER:1'"))
    }

    @Test func manyNamesMadeUpAreSummedUp() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let layer = try layout.layer("same")
        for number in 1...50 {
            try layout.add(layout.image([layer], architecture: "a\(number)"), "\(number)")
        }
        let result = try Command.dray("copy", "oci:\(scratch["layout"])", "oci:\(scratch["copy"])")
        let notes = result.errors.split(separator: "\n").filter { $0.contains("note:") }
        #expect(result.status == 0 && notes.count < 6 && notes.contains { $0.contains("47 more images") }, "\(notes)")
        #expect(try Command.succeed("ls", "--output", "json", "oci:\(scratch["copy"])").rows().count == 50)
    }

    // MARK: Indexes

    @Test func aPlatformIsChosenInIndexesOfIndexes() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let amd = try layout.image([layout.layer("amd")])
        let arm = try layout.image([layout.layer("arm")], architecture: "arm64")
        let inner = try layout.index([amd.on("amd64"), arm.on("arm64")])
        let other = try layout.index([amd.on("amd64")])
        try layout.add(layout.index([inner, other]), "1")
        let store = "store:\(scratch["store"]):a:1"
        try Command.succeed("copy", "--platform", "linux/arm64", "oci:\(scratch["layout"])", store)
        let platforms = try Command.shell("$DRAY inspect --output json \(store) | jq -c .platforms").lines
        #expect(platforms == [#"["linux/arm64"]"#])
        let missing = try Command.dray("copy", "--platform", "linux/s390x", "oci:\(scratch["layout"])", store)
        #expect(missing.status == 4 && missing.errors.contains("linux/arm64"), "\(missing.errors)")
    }

    @Test func childrenWithoutATypeAreManifestsIfTheyAre() async throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let child = try layout.image([layout.layer("child")])
        let text =
            #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","manifests":[{"digest":"\#(child.digest)","size":\#(child.size)}]}"#
        try layout.add(layout.put(Array(text.utf8), .ociIndex), "1")
        try Command.succeed("copy", "oci:\(scratch["layout"])", "store:\(scratch["store"]):a:1")
        let repository = scratch["store/docker/registry/v2/repositories/a"]
        #expect(
            FileManager.default.fileExists(atPath: "\(repository)/_manifests/revisions/sha256/\(child.digest.hex)/link")
        )
        #expect(!FileManager.default.fileExists(atPath: "\(repository)/_layers/sha256/\(child.digest.hex)/link"))
        let rows = try Command.succeed(
            "copy", "--output", "json", "oci:\(scratch["layout"])", "store:\(scratch["store"]):a:1"
        ).rows()
        #expect(rows.map(\.bytesMoved) == [0])
        let registry = try await Registry(serving: scratch["store"], scratch: scratch)
        #expect(try registry.garbage() == [])
        #expect(
            try Command.shell(
                "curl -sf http://\(registry.address)/v2/a/manifests/\(child.digest) -H 'Accept: application/vnd.oci.image.manifest.v1+json'"
            )
            .status
                == 0)
    }
}
