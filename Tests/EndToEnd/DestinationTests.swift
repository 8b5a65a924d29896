import Foundation
import ImageModel
import Testing

/// What is at a destination already, and what is left there.
struct DestinationTests {
    private func signature(of place: String) throws -> String {
        try Command.shell("cd \(place) && find . -type f | sort | xargs sha256sum").text
    }

    @Test func dryRunsTellWhatAConversionIsGoingToBe() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        let store = "store:\(scratch["store"])"
        let text = try Command.dray("copy", "--dry-run", archive, store)
        #expect(text.text.contains("digest will change, at most ") && text.errors.contains("at most"), "\(text.text)")
        let plan = try Command.succeed("copy", "--dry-run", "--output", "json", archive, store).rows()[0]
        #expect(plan.kept == false && plan.estimate == "atMost" && plan.digest.isEmpty)
        let done = try Command.succeed("copy", "--output", "json", archive, store).rows()[0]
        #expect(try #require(plan.bytesMoved) >= #require(done.bytesMoved))
        // All is there: now it is known what comes out.
        let again = try Command.succeed("copy", "--dry-run", "--output", "json", archive, store).rows()[0]
        #expect(again.digest == done.digest && again.bytesMoved == 0 && again.estimate == nil && again.kept == false)
    }

    @Test func theSameImageIsNoObstacle() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        for place in ["store:\(scratch["store"])", "oci:\(scratch["layout"])"] {
            try Command.succeed("copy", archive, place)
            try Command.succeed("copy", "--on-existing", "error", archive, place)
        }
    }

    @Test func allNamesAreCheckedBeforeAnythingIsWritten() throws {
        let scratch = try Scratch()
        let store = "store:\(scratch["store"])"
        try Command.succeed("copy", try Samples.archive(scratch, name: "1.tar", mebibytes: 1), store)
        let before = try signature(of: scratch["store"])
        let new = try Samples.archive(scratch, name: "new.tar", image: "new/app:1", mebibytes: 1)
        let other = try Samples.archive(scratch, name: "2.tar", mebibytes: 2)
        let result = try Command.dray("copy", "--on-existing", "error", new, other, store)
        #expect(result.status == 1 && result.errors.contains("--on-existing"))
        #expect(try signature(of: scratch["store"]) == before)
    }

    @Test(arguments: ["docker-archive", "oci-archive"])
    func anArchiveThatIsThereIsNotReplacedUnasked(_ transport: String) throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        try scratch.write("precious", to: "there.tar")
        let place = "\(transport):\(scratch["there.tar"])"
        #expect(try Command.dray("copy", archive, place).status == 1)
        #expect(try Command.dray("copy", "--on-existing", "skip", archive, place).status == 0)
        #expect(try String(contentsOfFile: scratch["there.tar"], encoding: .utf8) == "precious")
        try Command.succeed("copy", "--on-existing", "overwrite", archive, place)
    }

    @Test(arguments: ["store", "oci"])
    func damagedManifestsAreRepaired(_ transport: String) throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        let place = "\(transport):\(scratch["place"])"
        try Command.succeed("copy", archive, place)
        let hex = try Command.succeed("digest", place).lines[0].dropFirst(7)
        let file =
            transport == "oci"
            ? scratch["place/blobs/sha256/\(hex)"]
            : scratch["place/docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data"]
        _ = try Command.shell("printf X | dd of=\(file) bs=1 seek=100 conv=notrunc status=none")
        try Command.succeed("copy", archive, place)
        #expect(try Command.shell("sha256sum \(file)").text.hasPrefix(hex))
    }

    @Test func newFilesTakeThePermissionsOfTheRoot() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        for (mode, directory, file, closed) in [("2775", "2775", "664", "2770"), ("0750", "750", "640", "700")] {
            let root = scratch[mode]
            _ = try Command.shell(
                "mkdir \(root) && chmod \(mode) \(root) && umask 077 && $DRAY copy -q \(archive) store:\(root)")
            let own = "-path '*/.dray/lock*' -o -path '*/.dray/staging*'"
            let modes = try Command.shell("find \(root) \\( \(own) \\) -o -printf '%y %m\\n' | sort -u").lines
            #expect(modes == ["d \(directory)", "f \(file)"])
            // Nobody who may not write there holds up those who do.
            let locks = try Command.shell("find \(root) \\( \(own) \\) -printf '%y %m\\n' | sort -u").lines
            #expect(locks == ["d \(closed)"])
        }
    }

    @Test func foreignLayersKeepAnImageOutOfDockersPart() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let near = try layout.layer("near")
        var far = Descriptor(mediaType: .dockerForeignLayer, digest: BadInputTests.wrong, size: 5)
        far.urls = ["https://far.invalid/layer"]
        let image = try layout.image([(far, BadInputTests.wrong), near])
        try layout.add(image, "a/foreign:1")
        try layout.add(layout.image([near]), "a/plain:1")
        let archive = "docker-archive:\(scratch["a.tar"])"
        let result = try Command.dray("copy", "oci:\(scratch["layout"])", archive)
        #expect(result.status == 0 && result.errors.contains("OCI part"), "\(result.errors)")
        #expect(
            try Command.shell("tar xOf \(scratch["a.tar"]) manifest.json | jq -r '.[].RepoTags[]'").lines == [
                "a/plain:1"
            ])
        try Command.succeed("copy", "oci:\(scratch["layout"]):a/foreign:1", "docker-archive:\(scratch["b.tar"])")
        for file in ["a.tar", "b.tar"] {
            #expect(try Command.succeed("digest", "\(scratch[file]):a/foreign:1").lines == [image.digest.description])
        }
    }

    /// Programs of other kinds have files called `version` and `manifest.json`, too.
    @Test func aDirectoryOfSomethingElseIsNotWrittenTo() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        for name in ["manifest.json", "version", "main.js"] { try scratch.write("theirs", to: "extension/\(name)") }
        let refused = try Command.dray("copy", archive, "dir:\(scratch["extension"])")
        #expect(refused.status == 1 && refused.errors.contains("not empty"), "\(refused.errors)")
        #expect(try Command.shell("cat extension/*", in: scratch.path).text == "theirstheirstheirs")
        try Command.shell("mkdir empty", in: scratch.path)
        for _ in 1...2 { try Command.succeed("copy", archive, "dir:\(scratch["empty"])") }
    }

    @Test func sha512IsRefusedWhereItWouldBeLost() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        try layout.add(layout.image([layout.layer("a")], algorithm: .sha512), "1")
        let result = try Command.dray("copy", "oci:\(scratch["layout"])", "dir:\(scratch["dir"])")
        #expect(result.status == 1 && result.errors.contains("SHA-512"), "\(result.errors)")
        #expect(scratch.files(below: "dir").isEmpty)
    }

    @Test func severalProcessesWriteIntoOneDir() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        for round in 1...5 {
            let result = try Command.shell(
                "for n in 1 2 3 4; do $DRAY copy --progress none \(archive) dir:\(scratch["dir\(round)"]) & all=\"$all $!\"; "
                    + "done; for one in $all; do wait $one || exit 1; done")
            #expect(result.status == 0, "\(result.errors)")
            try Command.succeed("copy", "dir:\(scratch["dir\(round)"])", "store:\(scratch["store\(round)"])")
        }
    }

    /// The index is written once, not once for each of many images.
    @Test func manyImagesGoIntoALayoutInOneGo() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let layer = try layout.layer("same")
        for number in 1...20 {
            try layout.add(layout.image([layer], architecture: "a\(number)"), "many/app:\(number)")
        }
        let result = try Command.shell(
            "strace -f -e trace=rename,renameat,renameat2 -o \(scratch["trace"]) $DRAY copy --progress none oci:\(scratch["layout"]) "
                + "oci:\(scratch["copy"])")
        #expect(result.status == 0, "\(result.errors)")
        // Once empty, at the beginning.
        #expect(try Command.shell("grep -c 'index.json\"' \(scratch["trace"])").lines == ["2"])
        #expect(try Command.succeed("ls", "--output", "json", "oci:\(scratch["copy"])").rows().count == 20)
    }

    @Test func aRegistryThatServesTheStoreIsToldOf() async throws {
        let scratch = try Scratch()
        let registry = try await Registry(serving: scratch["store"], scratch: scratch)
        let archive = try Samples.archive(scratch, mebibytes: 1)
        let store = "store:\(scratch["store"])"
        #expect(try Command.dray("copy", archive, store).errors.contains("restart it"))
        #expect(try !Command.dray("copy", archive, store).errors.contains("restart it"))
        #expect(try !Command.dray("copy", archive, "store:\(scratch["store"])2").errors.contains("restart it"))
        #expect(try Command.dray("delete", "\(store):sample/app:1.0").errors.contains("restart it"))
        withExtendedLifetime(registry) {}
    }
}
