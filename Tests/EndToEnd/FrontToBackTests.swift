import Foundation
import ImageModel
import Testing

/// Archives that are read from front to back: on standard input, or compressed as a whole.
struct FrontToBackTests {
    /// The ways in which one archive can come.
    static let ways = [
        "docker-archive:-", "docker-archive:/dev/stdin", "docker-archive:<(cat)", "docker-archive:x.tar.gz",
        "docker-archive:x.tar.xz", "x.tar.zst",
    ]

    /// Nobody has to read what it offers.
    private static let fed = "(trap '' PIPE; cat x.tar 2>/dev/null || true) |"

    /// Makes `x.tar` come in that way, through a pipe where it is one.
    private func copy(_ way: String, _ rest: String, _ scratch: Scratch) throws -> Command {
        _ = try Command.shell(
            "cd \(scratch.path); for p in gzip:gz xz:xz zstd:zst; do ${p%:*} -q1 -c x.tar > x.tar.${p#*:}; done")
        return try Command.shell("\(Self.fed) $DRAY copy --progress none \(way) \(rest)", in: scratch.path)
    }

    /// To an archive everything comes before its role is known, or nothing does.
    @Test(arguments: ways, ["docker-archive", "oci-archive"])
    func intoAnArchive(_ way: String, _ transport: String) throws {
        let scratch = try Scratch()
        _ = try Samples.archive(scratch, name: "x.tar")
        try Command.succeed("copy", "docker-archive:\(scratch["x.tar"])", "\(transport):\(scratch["expected.tar"])")
        let result = try copy(way, "\(transport):out.tar", scratch)
        #expect(result.status == 0, "\(result.errors)")
        for name in ["expected", "out"] {
            try Command.succeed("copy", "--name", "a:1", scratch["\(name).tar"], "store:\(scratch[name])")
        }
        let same = try Command.shell("diff -r \(scratch["expected"])/docker \(scratch["out"])/docker")
        #expect(same.status == 0, "\(same.text)")
    }

    /// What has to be packed before its size is known cannot go out on a pipe, and nothing of it does.
    @Test func packingFromPipeToPipeIsRefusedBeforeTheFirstByte() throws {
        let scratch = try Scratch()
        _ = try Samples.archive(scratch, name: "x.tar", mebibytes: 1)
        let refused = try copy("docker-archive:-", "oci-archive:-", scratch)
        #expect(refused.status == 1 && refused.errors.contains("--compression keep"), "\(refused.errors)")
        #expect(refused.output.isEmpty)
        let file = try Command.shell(
            "for f in x.tar x.tar.gz; do $DRAY copy --progress none docker-archive:$f oci-archive:- > $f.out; done; "
                + "for f in x.tar x.tar.gz; do $DRAY copy oci-archive:$f.out oci:$f.oci || exit; done; "
                + "diff -r x.tar.oci x.tar.gz.oci",
            in: scratch.path)
        #expect(file.status == 0, "\(file.errors)")
    }

    private static func manifest(config: [UInt8], layers: [[UInt8]], type: String = "tar") -> String {
        let layers = layers.map {
            #"{"mediaType":"application/vnd.oci.image.layer.v1.\#(type)","digest":"\#(Digest(of: $0))","size":\#($0.count)}"#
        }
        return
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\#(Digest(of: config))","size":\#(config.count)},"layers":[\#(layers.joined(separator: ","))]}"#
    }

    /// As docker 25 writes it: the manifest is there, and no index lists it.
    @Test(arguments: ways)
    func untaggedImagesKeepTheirManifest(_ way: String) throws {
        let scratch = try Scratch()
        let layer = CraftedArchive.layer("small")
        let config = Array(
            #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["\#(Digest(of: layer))"]}}"#
                .utf8)
        let manifest = Self.manifest(config: config, layers: [layer])
        var archive = CraftedArchive()
        for blob in [layer, config, Array(manifest.utf8)] { archive.add("blobs/sha256/\(Digest(of: blob).hex)", blob) }
        archive.add("oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#)
        archive.add("index.json", #"{"schemaVersion":2,"manifests":[]}"#)
        archive.add(
            "manifest.json",
            #"[{"Config":"blobs/sha256/\#(Digest(of: config).hex)","RepoTags":null,"Layers":["blobs/sha256/\#(Digest(of: layer).hex)"]}]"#
        )
        try archive.write(to: scratch["x.tar"])
        let result = try copy(way, "store:store --compression keep --output json", scratch)
        #expect(result.status == 0, "\(result.errors)")
        #expect(try result.rows().map(\.digest) == [Digest(of: Array(manifest.utf8)).description])
    }

    /// Compressed layers are what their diffIDs say, or are damage, however they come.
    @Test(arguments: ways + ["docker-archive:x.tar"], ["right", "wrong", "cut"])
    func compressedLayersAreChecked(_ way: String, _ what: String) throws {
        let scratch = try Scratch()
        let layer = CraftedArchive.layer("compressed")
        try Data(layer).write(to: URL(filePath: scratch["layer"]))
        _ = try Command.shell("gzip -1n < \(scratch["layer"]) > \(scratch["layer.gz"])")
        var packed = try [UInt8](Data(contentsOf: URL(filePath: scratch["layer.gz"])))
        if what == "cut" { packed.removeLast(5) }
        let diffID = what == "wrong" ? BadInputTests.wrong : Digest(of: layer)
        try CraftedArchive.image(layer: packed, diffIDs: [diffID]).write(to: scratch["x.tar"])
        for destination in ["store:store", "docker-archive:out.tar"] {
            let result = try copy(way, destination, scratch)
            #expect(result.status == (what == "right" ? 0 : 3), "\(result.errors)")
            if what == "wrong" { #expect(result.errors.contains("expected was \(diffID)"), "\(result.errors)") }
            guard what != "right" else { continue }
            #expect(scratch.files(below: ".").allSatisfy { !$0.hasPrefix("store/") && !$0.contains("out.tar") })
        }
    }

    /// A file can be looked at before anything is written: then only what is missing is.
    @Test func secondRunOfACompressedArchiveWritesNothing() throws {
        let scratch = try Scratch()
        _ = try Samples.archive(scratch, name: "x.tar")
        for way in ["x.tar.zst", "docker-archive:x.tar.gz"] {
            #expect(try copy(way, "store:store", scratch).status == 0)
            let again = try Command.shell(
                "strace -f -e trace=openat,openat2 -o trace $DRAY copy --output json --progress none \(way) store:store",
                in: scratch.path)
            #expect(try again.rows().map(\.bytesMoved) == [0])
            #expect(try Command.shell("grep -E 'O_WRONLY|O_RDWR|O_CREAT' \(scratch["trace"])").text.isEmpty)
            let opens = try Command.shell("grep -c '\"x.tar' \(scratch["trace"])").text.trimmed
            #expect(opens == "1")
        }
    }

    /// Nor is anything taken in before its name is known, so that a registry need not be told one.
    @Test func compressedArchiveNamesItsImagesAtARegistry() throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry([], scratch: scratch)
        _ = try Samples.archive(scratch, name: "x.tar")
        let result = try copy("x.tar.zst", "docker://\(registry.address)/ --plain-http --output json", scratch)
        #expect(result.status == 0, "\(result.errors)")
        #expect(try result.rows().map(\.name) == ["sample/app:1.0"])
    }

    @Test func tooLargeADocumentIsALimit() throws {
        let scratch = try Scratch()
        let spaces = String(repeating: " ", count: 5 << 20)
        try CraftedArchive.image(config: "{\(spaces)}").write(to: scratch["x.tar"])
        for way in Self.ways {
            let result = try copy(way, "store:store", scratch)
            #expect(result.status == 3 && result.errors.contains("limit of 4194304"), "\(way): \(result.errors)")
        }
        try CraftedArchive.image(manifest: spaces + spaces + spaces + spaces + "[]").write(to: scratch["x.tar"])
        let result = try copy("docker-archive:-", "store:store", scratch)
        #expect(result.status == 3 && result.errors.contains("which is the limit"), "\(result.errors)")
    }

    /// Many large JSON blobs on a pipe: they are not kept in memory, and arrive.
    @Test func jsonBlobsDoNotFillTheMemory() throws {
        let scratch = try Scratch()
        var archive = CraftedArchive()
        var blobs = (0..<60).map { Array("{\"x\":\"\($0)\(String(repeating: "y", count: 2 << 20))\"}".utf8) }
        let manifest = Self.manifest(config: Array("{}".utf8), layers: blobs, type: "tar+json")
            .replacing("image.config.v1+json", with: "empty.v1+json")
        blobs += [Array("{}".utf8), Array(manifest.utf8)]
        for blob in blobs { archive.add("blobs/sha256/\(Digest(of: blob).hex)", blob) }
        let root = blobs.last!
        archive.add(
            "index.json",
            #"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(Digest(of: root))","size":\#(root.count),"annotations":{"org.opencontainers.image.ref.name":"big/boms:1"}}]}"#
        )
        try archive.write(to: scratch["x.tar"])
        for destination in ["store:store", "oci-archive:out.tar", "oci-archive:- > out2.tar"] {
            let result = try Command.shell(
                "cat x.tar | env time -o memory -f %M $DRAY copy --progress none oci-archive:- \(destination)",
                in: scratch.path)
            #expect(result.status == 0, "\(result.errors)")
            let kibibytes = try String(contentsOfFile: scratch["memory"], encoding: .utf8).trimmed
            #expect(try #require(Int(kibibytes)) < 64 << 10)
        }
        try Command.succeed("copy", "oci-archive:\(scratch["out2.tar"])", "store:\(scratch["store"])")
    }

    @Test func blobsOfAPipe() throws {
        let scratch = try Scratch()
        let layer = CraftedArchive.layer("hello")
        try CraftedArchive.image(layer: layer).write(to: scratch["x.tar"])
        for way in ["docker-archive:-", "docker-archive:x.tar"] {
            let blob = try Command.shell("\(Self.fed) $DRAY blob \(way) \(Digest(of: layer))", in: scratch.path)
            #expect(blob.status == 0 && [UInt8](blob.output) == layer, "\(blob.errors)")
            let absent = try Command.shell("\(Self.fed) $DRAY blob \(way) \(BadInputTests.wrong)", in: scratch.path)
            #expect(absent.status == 4, "\(absent.errors)")
        }
        for place in ["store:store", "oci:layout", "dir:dir"] {
            try Command.shell("$DRAY copy x.tar \(place)", in: scratch.path)
            let absent = try Command.shell("$DRAY blob \(place) \(BadInputTests.wrong)", in: scratch.path)
            #expect(absent.status == 4, "\(absent.errors)")
        }
    }
}
