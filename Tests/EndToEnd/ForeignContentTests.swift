import Foundation
import ImageModel
import Testing

/// What is no archive is named as what it is by every command, under every transport, and from standard input.
struct ForeignContentTests {
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        let made = try Command.shell(
            """
            mkdir fs && mkdir -p fs/etc fs/usr fs/lib && tar -C fs -cf rootfs.tar . && rm fs/lib -r
            printf '<!doctype html><html><body>503</body></html>' > page.tar && gzip -k page.tar
            printf '7z\\xbc\\xaf\\x27\\x1c%01000d' 0 > app.7z
            printf '{"errors":[{"code":"DENIED","message":"no pull access"}]}' > app.tar.gz
            """, in: scratch.path)
        try #require(made.status == 0, "\(made.errors)")
    }

    static let files = [
        ("page.tar", "HTML"), ("page.tar.gz", "HTML"), ("app.7z", "7z x"), ("app.tar.gz", "DENIED"),
        ("rootfs.tar", "docker save"), ("fs", "docker save"),
    ]
    static let commands = [
        "ls", "inspect", "digest", "verify", "inventory", "serve --addr 127.0.0.1:0", "backup PLACE backup",
        "copy PLACE store:store", "copy --dry-run PLACE oci:layout",
    ]

    @Test(arguments: files, commands)
    func isNamedWithExitCode3(_ file: (String, String), _ command: String) throws {
        let forms = ["", "docker-archive:", "oci-archive:", "oci:", "store:", "dir:"]
        for form in forms {
            let place = "\(form)\(file.0)"
            let line = command.contains("PLACE") ? command.replacing("PLACE", with: place) : "\(command) \(place)"
            let run = try Command.shell("timeout 20 $DRAY \(line)", in: scratch.path)
            let said = run.text + run.errors
            #expect(run.status == 3 && said.contains(file.1), "\(line): exit \(run.status), \(said)")
        }
        #expect(scratch.files(below: "store").isEmpty && scratch.files(below: "layout").isEmpty)
        #expect(scratch.files(below: "backup").allSatisfy { !$0.hasPrefix("blobs") })
    }

    @Test(arguments: files.dropLast(), ["docker-archive:-", "oci-archive:-", "store:-"])
    func isNamedFromStandardInput(_ file: (String, String), _ form: String) throws {
        for command in ["ls \(form)", "copy \(form) store:store", "inspect \(form)"] {
            let run = try Command.shell("$DRAY \(command) < \(file.0)", in: scratch.path)
            #expect(run.status == 3 && run.errors.contains(file.1), "\(command): exit \(run.status), \(run.errors)")
            #expect(run.errors.contains("standard input: "), "\(run.errors)")
        }
        #expect(scratch.files(below: "store").isEmpty)
    }

    /// What is not there is not found, and no damage.
    @Test func whatIsNotThereIsNotFound() throws {
        for (place, status) in [("docker-archive:none.tar", 4), ("oci:none", 4), ("store:none", 4), ("none.tar", 64)] {
            let run = try Command.shell("$DRAY ls \(place)", in: scratch.path)
            #expect(run.status == status, "\(place): \(run.errors)")
        }
    }

    /// An archive that was unpacked is read where it lies, whatever wrote it.
    @Test(arguments: ["docker", "docker with a layout", "before 1.10"])
    func anUnpackedArchiveIsRead(_ kind: String) throws {
        let archive = try Samples.archive(scratch, name: "whole.tar", image: "team/app:1")
        switch kind {
        case "docker": break
        case "docker with a layout":
            try Command.succeed("copy", "--compression", "keep", archive, "docker-archive:\(scratch["both.tar"])")
            _ = try Command.shell("mv both.tar whole.tar", in: scratch.path)
        default: try Self.legacy(scratch)
        }
        let unpacked = try Command.shell("mkdir out && tar -C out -xf whole.tar && chmod -R u+w out", in: scratch.path)
        try #require(unpacked.status == 0, "\(unpacked.errors)")
        try Command.succeed("copy", "docker-archive:\(scratch["whole.tar"])", "store:\(scratch["a"])")
        for form in ["", "docker-archive:"] {
            let place = "\(form)\(scratch["out"])"
            try Command.succeed("copy", place, "store:\(scratch["b\(form.count)"])")
            let rows = try Command.succeed("ls", "--output", "json", "store:\(scratch["b\(form.count)"])").rows()
            #expect(
                try rows.map(\.digest)
                    == Command.succeed("ls", "--output", "json", "store:\(scratch["a"])").rows().map(\.digest))
            #expect(rows.map(\.name) == ["team/app:1"])
            try Command.succeed("inspect", place)
            try Command.succeed("verify", "--deep", place)
            try Command.succeed("backup", place, scratch["backup"])
        }
    }

    /// An archive of v1 layers, as Docker wrote it before 1.10.
    private static func legacy(_ scratch: Scratch) throws {
        let id = String(repeating: "5c", count: 32)
        var archive = CraftedArchive()
        archive.add("\(id)/json", #"{"id":"\#(id)","os":"linux","architecture":"amd64"}"#)
        archive.add("\(id)/layer.tar", CraftedArchive.layer("legacy"))
        archive.add("repositories", #"{"team/app":{"1":"\#(id)"}}"#)
        try archive.write(to: scratch["whole.tar"])
    }

    /// Bazel's rules link the blobs of a layout to files elsewhere: a copy of them helps.
    @Test(arguments: ["", "oci:"], [true, false])
    func aLayoutOfLinksIsToBeCopied(_ form: String, listIsLinked: Bool) throws {
        let archive = try Samples.archive(scratch, name: "x.tar")
        try Command.succeed("copy", archive, "oci:\(scratch["real"])")
        let linked = try Command.shell(
            """
            mkdir -p out/blobs/sha256 && cp real/oci-layout real/index.json out
            for blob in real/blobs/sha256/*; do ln -s "$PWD/$blob" out/blobs/sha256/; done
            \(listIsLinked ? "ln -sf ../real/index.json out/index.json" : ":")
            """, in: scratch.path)
        try #require(linked.status == 0, "\(linked.errors)")
        let run = try Command.shell("$DRAY copy \(form)out store:store", in: scratch.path)
        #expect(run.status == 3 && run.errors.contains("cp -rL out COPY"), "\(run.errors)")
        let followed = try Command.shell("cp -rL out COPY && $DRAY copy \(form)COPY store:store", in: scratch.path)
        #expect(followed.status == 0, "\(followed.errors)")
        let packed = try Command.shell(
            "tar -C out -cf links.tar . && $DRAY copy links.tar store:other; tar -h -C out -cf files.tar . && $DRAY copy files.tar store:other",
            in: scratch.path)
        #expect(packed.status == 0 && packed.errors.contains("tar -h -C DIR"), "\(packed.errors)")
    }

    /// Archives of buildpacks name the layers of their base as '': at the start, or among others.
    @Test(arguments: [
        (#"["", "one/layer.tar"]"#, 2), (#"["one/layer.tar", ""]"#, 2), (#"[""]"#, 1),
    ])
    func aLayerThatWasLeftOutIsSaidToBeMissing(_ layers: String, _ count: Int) throws {
        let archive = CraftedArchive.image(
            diffIDs: Array(repeating: Digest(of: CraftedArchive.layer("hello")), count: count),
            manifest: #"[{"Config":"config.json","RepoTags":["pack/app:1"],"Layers":\#(layers)}]"#)
        try archive.write(to: scratch["pack.tar"])
        for way in ["pack.tar", "docker-archive:pack.tar", "docker-archive:-"] {
            let run = try Command.shell("$DRAY copy \(way) store:store < pack.tar", in: scratch.path)
            #expect(run.status == 3 && run.errors.contains("a layer is missing"), "\(way): \(run.errors)")
            #expect(!run.errors.contains("leaves the archive") && scratch.files(below: "store").isEmpty)
        }
    }
}
