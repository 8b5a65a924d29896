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
            Case(title: "deep JSON", archive: .image(manifest: deep), says: "not an object"),
            Case(title: "broken config", archive: .image(config: "{"), says: "config"),
            Case(title: "null manifest", archive: .image(manifest: "null"), says: "no images"),
            Case(title: "no image", archive: noImage, says: "not an image archive"),
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

    /// An image whose layer is 200 MB of zeros, as `x.tar`.
    private func zeros(_ scratch: Scratch) throws {
        let made = try Command.shell(
            """
            truncate -s 200M zeros; tar --format=ustar -cf layer.tar zeros; id=$(sha256sum layer.tar | cut -c-64)
            echo '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:'$id'"]}}' > config.json
            echo '[{"Config":"config.json","RepoTags":["a/zeros:1"],"Layers":["layer.tar"]}]' > manifest.json
            tar -cf x.tar layer.tar config.json manifest.json
            """, in: scratch.path)
        try #require(made.status == 0, "\(made.errors)")
    }

    @Test(arguments: ["xz", "bzip2", "zstd"])
    func bombsOfEveryCodecAreStoppedUnlessAllowed(_ codec: String) throws {
        let scratch = try Scratch()
        try zeros(scratch)
        _ = try Command.shell("\(codec) -1 -c x.tar > packed", in: scratch.path)
        for way in ["packed", "docker-archive:packed", "docker-archive:-"] {
            let refused = try Command.shell("$DRAY copy \(way) store:store < packed", in: scratch.path)
            #expect(refused.status == 3 && refused.errors.contains("--max-inflation"), "\(refused.errors)")
            #expect(scratch.files(below: "store").isEmpty)
        }
        for way in ["packed", "docker-archive:-"] {
            let allowed = try Command.shell(
                "$DRAY copy --max-inflation 1000000 \(way) store:allowed < packed", in: scratch.path)
            #expect(allowed.status == 0, "\(allowed.errors)")
        }
    }

    /// What has no size that is known stops before it has filled the disk.
    @Test func diskIsNotFilled() throws {
        let scratch = try Scratch()
        try zeros(scratch)
        let result = try Command.shell(
            """
            mkdir small; unshare -m bash -c 'mount -t tmpfs -o size=180m none small || { echo cannot mount; exit; }
            cat x.tar | $DRAY copy --progress none --compression keep docker-archive:- store:small/store; echo $?
            find small -type f'
            """, in: scratch.path)
        guard !result.text.contains("cannot mount"), !result.errors.contains("unshare failed") else { return }
        #expect(result.lines == ["1"] && result.errors.contains("64 MiB free"), "\(result.text) \(result.errors)")
    }

    /// A few kilobytes of names must not become gigabytes of memory.
    @Test func manyLongPathsNeedLittleMemory() throws {
        let scratch = try Scratch()
        var archive = CraftedArchive.image()
        for number in 0..<1500 {
            archive.add((["\(number)"] + Array(repeating: "a", count: 200)).joined(separator: "/"), "")
        }
        try archive.write(to: scratch["x.tar"])
        for way in ["docker-archive:x.tar", "docker-archive:-"] {
            let result = try Command.shell(
                "env time -o memory -f %M $DRAY copy \(way) store:store < x.tar", in: scratch.path)
            #expect(result.status == 0, "\(result.errors)")
            let kibibytes = try String(contentsOfFile: scratch["memory"], encoding: .utf8).trimmed
            #expect(try #require(Int(kibibytes)) < 64 << 10)
        }
    }

    @Test func linkedDirectoriesLeadToTheirLayers() throws {
        let scratch = try Scratch()
        let layer = CraftedArchive.layer("linked")
        var archive = CraftedArchive()
        archive.add("real/layer.tar", layer)
        archive.link("one", to: "real")
        archive.add(
            "config.json",
            #"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["\#(Digest(of: layer))"]}}"#)
        archive.add("manifest.json", #"[{"Config":"config.json","RepoTags":["a:1"],"Layers":["one/layer.tar"]}]"#)
        try archive.write(to: scratch["x.tar"])
        for way in ["docker-archive:x.tar", "docker-archive:-"] {
            let result = try Command.shell("$DRAY copy \(way) store:store < x.tar", in: scratch.path)
            #expect(result.status == 0, "\(result.errors)")
        }
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
