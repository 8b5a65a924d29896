import Foundation
import ImageModel
import Testing

/// What is damaged, hostile or simply no image gets one clear message, and leaves nothing behind.
struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var title: String
        var archive: CraftedArchive
        var says: String
        var status: Int32 = 3

        var testDescription: String { title }
    }

    static let wrong = Digest(of: Array("wrong".utf8))

    static var cases: [Case] {
        var outside = CraftedArchive.image()
        outside.add("../evil", "x")
        var cycle = CraftedArchive()
        cycle.link("one/layer.tar", to: "../two/layer.tar")
        cycle.link("two/layer.tar", to: "../one/layer.tar")
        cycle.add("config.json", #"{"rootfs":{"type":"layers","diff_ids":["\#(wrong)"]}}"#)
        cycle.add("manifest.json", #"[{"Config":"config.json","RepoTags":null,"Layers":["one/layer.tar"]}]"#)
        var escape = cycle
        escape.link("one/layer.tar", to: "../../../etc/passwd")
        var noImage = CraftedArchive()
        noImage.add("readme.txt", "no image")
        let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        return [
            Case(title: "wrong diffID", archive: .image(diffIDs: [wrong]), says: wrong.description),
            Case(title: "more diffIDs than layers", archive: .image(diffIDs: [wrong, wrong]), says: "1 layers"),
            Case(title: "missing layer", archive: .image(withLayer: false), says: "one/layer.tar"),
            Case(
                title: "missing config",
                archive: .image(manifest: #"[{"Config":"gone.json","RepoTags":["a:1"],"Layers":[]}]"#),
                says: "gone.json"),
            Case(
                title: "config outside",
                archive: .image(manifest: #"[{"Config":"../../etc/passwd","RepoTags":["a:1"],"Layers":[]}]"#),
                says: "leaves the archive"),
            Case(title: "member outside", archive: outside, says: "../evil"),
            Case(title: "link cycle", archive: cycle, says: "back to itself"),
            Case(title: "link outside", archive: escape, says: "out of the archive"),
            Case(title: "broken JSON", archive: .image(manifest: "[{"), says: "manifest.json"),
            Case(title: "deep JSON", archive: .image(manifest: deep), says: "levels deep"),
            Case(title: "broken config", archive: .image(config: "{"), says: "config"),
            Case(title: "null manifest", archive: .image(manifest: "null"), says: "no images"),
            Case(title: "no image", archive: noImage, says: "no image archive"),
        ]
    }

    @Test(arguments: cases, [false, true])
    func isRefusedAndLeavesNothing(_ bad: Case, fromPipe: Bool) throws {
        let scratch = try Scratch()
        try bad.archive.write(to: scratch["bad.tar"])
        let good = try Samples.archive(scratch, mebibytes: 1)
        try Command.succeed("copy", good, "store:\(scratch["store"])")
        let before = try Command.shell("cd \(scratch["store"]) && find . -type f | sort | xargs sha256sum").text
        let result =
            fromPipe
            ? try Command.shell("$DRAY copy docker-archive:- store:\(scratch["store"]) < \(scratch["bad.tar"])")
            : try Command.dray("copy", "docker-archive:\(scratch["bad.tar"])", "store:\(scratch["store"])")
        #expect(result.status == bad.status, "\(result.errors)")
        #expect(result.errors.contains(bad.says), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").filter { $0.hasPrefix("dray: error:") }.count == 1)
        let after = try Command.shell("cd \(scratch["store"]) && find . -type f | sort | xargs sha256sum").text
        #expect(before == after)
    }

    @Test func everyTruncationIsNoticed() throws {
        let scratch = try Scratch()
        let archive = CraftedArchive.image()
        try archive.write(to: scratch["whole.tar"])
        let size = try Data(contentsOf: URL(filePath: scratch["whole.tar"])).count
        // The two blocks of zeros at the end are no content.
        for length in stride(from: 0, to: size - 1024, by: Samples.isLong ? 97 : 997) {
            try archive.write(to: scratch["cut.tar"], length: length)
            let file = try Command.dray("copy", "docker-archive:\(scratch["cut.tar"])", "store:\(scratch["store"])")
            #expect(file.status == 3, "\(length): \(file.errors)")
            let pipe = try Command.shell(
                "$DRAY copy docker-archive:- store:\(scratch["store"]) < \(scratch["cut.tar"])")
            #expect(pipe.status == 3, "\(length): \(pipe.errors)")
        }
        #expect(scratch.files(below: "store").filter { $0.contains("repositories") }.isEmpty)
    }

    @Test func truncatedGzipIsNoticed() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        let cut = try Command.shell(
            "gzip -1 < \(archive) > \(scratch["a.gz"]); head -c -8 \(scratch["a.gz"]) > \(scratch["cut.gz"]); "
                + "$DRAY copy docker-archive:\(scratch["cut.gz"]) store:\(scratch["store"])")
        #expect(cut.status == 3 && cut.errors.contains("truncated"), "\(cut.errors)")
    }

    @Test func bombIsStopped() throws {
        let scratch = try Scratch()
        // zstd packs zeros far beyond 2000:1.
        let made = try Command.shell("head -c 2G /dev/zero | zstd -q -19 > \(scratch["bomb.tar.zst"])")
        #expect(made.status == 0)
        let result = try Command.dray("copy", "docker-archive:\(scratch["bomb.tar.zst"])", "store:\(scratch["store"])")
        #expect(result.status == 3)
        #expect(scratch.files(below: "store").isEmpty)
    }

    @Test func damagedBlobOfALayoutIsNoticed() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        try Command.succeed("copy", archive, "oci:\(scratch["layout"])")
        let largest = try Command.shell("cd \(scratch["layout"])/blobs/sha256 && ls -S | head -1").lines[0]
        _ = try Command.shell(
            "printf X | dd of=\(scratch["layout"])/blobs/sha256/\(largest) bs=1 seek=1000 conv=notrunc status=none")
        let result = try Command.dray("copy", "oci:\(scratch["layout"])", "store:\(scratch["store"])")
        #expect(result.status == 3 && result.errors.contains(largest), "\(result.errors)")
        #expect(!scratch.files(below: "store").contains { $0.contains(largest) || $0.contains("current/link") })
    }

    @Test func linkOutOfALayoutIsRefused() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        try Command.succeed("copy", archive, "oci:\(scratch["layout"])")
        let largest = try Command.shell("cd \(scratch["layout"])/blobs/sha256 && ls -S | head -1").lines[0]
        _ = try Command.shell(
            "cd \(scratch["layout"])/blobs/sha256 && mv \(largest) \(scratch["out"]) && ln -s \(scratch["out"]) \(largest)"
        )
        let result = try Command.dray("copy", "oci:\(scratch["layout"])", "store:\(scratch["store"])")
        #expect(result.status == 3 && result.errors.contains("leads out"), "\(result.errors)")
    }
}
