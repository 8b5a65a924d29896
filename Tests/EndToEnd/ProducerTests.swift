import Foundation
import ImageModel
import Testing

/// Archives and layouts as other tools write them.
struct ProducerTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func layout(_ name: String = "layout") throws -> CraftedLayout { try CraftedLayout(scratch[name]) }

    /// `REPOSITORY:TAG` or `REPOSITORY@DIGEST` of everything in a place.
    private func names(_ place: String) throws -> Set<String> {
        Set(try Command.succeed("ls", "--output", "json", place).rows().map(\.name))
    }

    // MARK: Letter case

    @Test(arguments: [
        #"[{"config":"config.json","repotags":["own/case:1"],"layers":["one/layer.tar"]}]"#,
        #"[{"CONFIG":"config.json","RepoTAGS":["own/case:1"],"Layers":["one/layer.tar"]}]"#,
    ])
    func listsInAnotherLetterCase(_ list: String) throws {
        try CraftedArchive.image(manifest: list).write(to: scratch["x.tar"])
        for reference in [scratch["x.tar"], "docker-archive:\(scratch["x.tar"])"] {
            #expect(try names(reference) == ["own/case:1"])
            try Command.succeed("copy", reference, "store:\(scratch["store"])")
        }
        let streamed = try Command.shell("$DRAY copy docker-archive:- store:streamed < x.tar", in: scratch.path)
        #expect(streamed.status == 0, "\(streamed.errors)")
        #expect(try names("store:\(scratch["streamed"])") == ["own/case:1"])
    }

    @Test(arguments: [
        #"[{"Config":"config.json","RepoTags":["a:1"],"Layers":["one/layer.tar"],"layers":[]}]"#,
        #"[{"Config":"config.json","repoTags":["b:1"],"RepoTags":["a:1"],"Layers":["one/layer.tar"]}]"#,
    ])
    func twoSpellingsOfOneKey(_ list: String) throws {
        try CraftedArchive.image(manifest: list).write(to: scratch["x.tar"])
        let result = try Command.dray("copy", scratch["x.tar"], "store:\(scratch["store"])")
        #expect(result.status == 3 && result.errors.contains("twice"), "\(result.errors)")
    }

    // MARK: Attachments

    /// cosign tells what is what by `kind`; hauler names it as well, and its own name counts.
    @Test(arguments: ["dev.cosignproject.cosign", "dev.hauler"])
    func attachmentsByKind(_ vendor: String) throws {
        let layout = try layout()
        let images = try ["a", "b"].map { try layout.image([layout.layer($0)]) }
        for (image, name) in zip(images, ["rancher/a:1", "library/b:2"]) {
            func annotations(_ kind: String) -> [String: String] { ["kind": "\(vendor)/\(kind)"] }
            let full = "index.docker.io/other/\(name)"
            try layout.add(image, name, full: full, annotations: annotations("image"))
            for kind in ["sigs", "atts", "sboms"] {
                let attachment = try layout.image([layout.layer("\(kind) \(name)")])
                try layout.add(attachment, name, full: full, annotations: annotations(kind))
            }
        }
        try Command.succeed("copy", "oci:\(layout.path)", "store:\(scratch["store"])")
        var expected: Set<String> = ["rancher/a:1", "library/b:2"]
        for (image, repository) in zip(images, ["rancher/a", "library/b"]) {
            for suffix in ["sig", "att", "sbom"] {
                expected.insert("\(repository):sha256-\(image.digest.hex).\(suffix)")
            }
        }
        #expect(try names("store:\(scratch["store"])") == expected)
    }

    /// Without names, and with several images, a signature and an attestation say themselves whose they are.
    @Test func attachmentsThatNameTheirImages() throws {
        let layout = try layout()
        let images = try ["a", "b"].map { try layout.image([layout.layer($0)]) }
        for image in images { try layout.add(image, annotations: ["kind": "dev.cosignproject.cosign/image"]) }
        let second = images[1].digest
        let payload = #"{"critical":{"image":{"docker-manifest-digest":"\#(second)"}},"optional":null}"#
        let statement = Data(#"{"subject":[{"name":"b","digest":{"sha256":"\#(second.hex)"}}]}"#.utf8)
            .base64EncodedString()
        for (kind, text) in [("sigs", payload), ("atts", #"{"payload":"\#(statement)","signatures":[]}"#)] {
            let content = try layout.put(Array(text.utf8), MediaType("application/vnd.example+json"))
            let attachment = try layout.image("x") { $0.layers = [content] }
            try layout.add(attachment, annotations: ["kind": "dev.cosignproject.cosign/\(kind)"])
        }
        try Command.succeed("copy", "oci:\(layout.path)", "store:\(scratch["store"])")
        let found = try names("store:\(scratch["store"])")
        #expect(found.contains("layout:sha256-\(second.hex).sig") && found.contains("layout:sha256-\(second.hex).att"))
    }

    /// What has a subject takes no tag that is meant for the image.
    @Test(arguments: ["store:STORE:team/app:1", "store:STORE:team/app", "store:STORE"])
    func referrersTakeNoTag(_ target: String) throws {
        let layout = try layout()
        let image = try layout.image([layout.layer("a")])
        let referrer = try layout.image([layout.layer("s")], subject: image)
        try layout.add(referrer)
        try layout.add(image)
        try Command.succeed("copy", "oci:\(layout.path)", target.replacing("STORE", with: scratch["store"]))
        let rows = try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows()
        #expect(rows.filter { $0.tag != nil }.map(\.digest) == ["\(image.digest)"], "\(rows)")
        #expect(Set(rows.map(\.repository)).count == 1)
        let referrers = try Command.succeed("verify", "--output", "json", "store:\(scratch["store"])").text
        #expect(!referrers.contains("orphan"))
    }

    /// They are no images that a name could be meant for.
    @Test func theOnlyImageBesideItsAttachments() throws {
        let layout = try layout()
        let image = try layout.image([layout.layer("a")])
        try layout.add(image)
        try layout.add(layout.image([layout.layer("s")], subject: image))
        try layout.add(layout.image([layout.layer("t")]), "sha256-\(image.digest.hex).sig")
        #expect(try Command.succeed("digest", "oci:\(layout.path)").text.trimmed == "\(image.digest)")
        #expect(try Command.succeed("inspect", "oci:\(layout.path)").text.contains(image.digest.hex))
    }

    // MARK: A flat index

    @Test(arguments: ["oci", "oci-archive", "docker-archive"])
    func anIndexThatIsTheImage(_ transport: String) throws {
        let layout = try layout()
        let images = try ["amd64", "arm64", "riscv64"].map {
            try layout.image([layout.layer($0)], architecture: $0).on($0)
        }
        for image in images { try layout.add(image) }
        for image in images { try layout.add(entry: layout.attestation(of: image)) }
        if transport == "docker-archive" {
            let manifest = try JSONDecoder().decode(
                ImageManifest.self, from: Data(contentsOf: layout.file(images[0].digest)))
            let path = { (digest: Digest) in "blobs/sha256/\(digest.hex)" }
            let list =
                #"[{"Config":"\#(path(manifest.config.digest))","RepoTags":["flat/app:7"],"Layers":["\#(path(manifest.layers[0].digest))"]}]"#
            try Data(list.utf8).write(to: URL(filePath: "\(layout.path)/manifest.json"))
        }
        var source = layout.path
        if transport != "oci" {
            source = scratch["flat.tar"]
            try layout.tar(source)
        }
        let index = Digest(of: [UInt8](try Data(contentsOf: URL(filePath: "\(layout.path)/index.json"))))
        let rows = try Command.succeed("ls", "--output", "json", "\(transport):\(source)").rows()
        #expect(rows.map(\.digest) == ["\(index)"])
        try Command.succeed("copy", "\(transport):\(source)", "store:\(scratch["store"]):tiny/app:2")
        let copied = try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows()
        #expect(copied.map(\.name) == ["tiny/app:2"] && copied.map(\.digest) == ["\(index)"])
        try Command.succeed("verify", "--deep", "store:\(scratch["store"])")
        try Command.succeed("copy", "--platform", "linux/riscv64", "\(transport):\(source)", "oci:\(scratch["part"]):3")
        let part = try Command.succeed("inspect", "--raw", "oci:\(scratch["part"])").text
        #expect(part.contains("\(images[2].digest)") && !part.contains("\(images[0].digest)"))
        let one = try Command.succeed("digest", "\(transport):\(source)@\(images[1].digest)").text.trimmed
        #expect(one == "\(images[1].digest)")
    }

    // MARK: Forms that cannot hold an image

    @Test(arguments: [
        ("application/vnd.oci.image.layer.v1.tar+zstd", "zstd"),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted", "encrypted"),
        ("application/vnd.oci.image.layer.v1.tar+encrypted", "encrypted"),
        ("application/wasm", "wasm"), ("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "helm"),
    ])
    func dockerCannotLoad(_ type: String, _ word: String) throws {
        let layout = try layout()
        try layout.add(layout.image("odd") { $0.layers[0].mediaType = MediaType(type) }, "odd/app:1")
        try layout.add(layout.image([layout.layer("plain")]), "plain/app:1")
        let target = "docker-archive:\(scratch["x.tar"])"
        let copied = try Command.succeed("copy", "oci:\(layout.path)", target)
        #expect(copied.errors.contains(word) && copied.errors.contains("docker load"), "\(copied.errors)")
        let list = try Command.shell("tar -xOf \(scratch["x.tar"]) manifest.json").text
        #expect(list.contains("plain/app:1") && !list.contains("odd/app:1"))
        #expect(try names(target) == ["odd/app:1", "plain/app:1"])
        if word == "zstd" {
            let packed = try Command.dray(
                "copy", "--compression", "gzip", "oci:\(layout.path):odd/app:1", "docker-archive:\(scratch["y.tar"])")
            #expect(packed.status == 3, "it is not zstd at all: \(packed.errors)")
        }
    }

    @Test func artifactsAreNotLoadable() throws {
        let layout = try layout()
        try layout.add(
            layout.image("chart") { $0.config.mediaType = MediaType("application/vnd.cncf.helm.config.v1+json") },
            "chart:1")
        let copied = try Command.succeed("copy", "oci:\(layout.path)", "docker-archive:\(scratch["x.tar"])")
        #expect(copied.errors.contains("chart:1: it is not a container image"), "\(copied.errors)")
        #expect(try Command.shell("tar -tf \(scratch["x.tar"])").text.contains("manifest.json") == false)
    }

    /// What speaks of the old bytes goes with them, in layers and in the index above.
    @Test(arguments: ["zstd", "none"])
    func annotationsOfOldBytes(_ compression: String) throws {
        let layout = try layout()
        let stale = [
            "io.github.containers.zstd-chunked.manifest-checksum": "sha256:0",
            "containerd.io/snapshot/nydus-blob": "true",
            "io.containers.zstd-chunked.position": "1:2:3",
        ]
        let image = try layout.image("chunked") {
            $0.layers[0].annotations = stale.merging(["org.example.keep": "yes"]) { $1 }
            $0.layers[0].data = "AAAA"
        }
        try layout.add(layout.index([image.on("amd64"), layout.attestation(of: image)]), "app:1")
        let target = "oci:\(scratch["out"])"
        try Command.succeed("copy", "--compression", compression, "oci:\(layout.path)", target)
        let index = try Command.succeed("inspect", "--raw", target).text
        #expect(!index.contains(image.digest.hex), "the attestation names the image as it was")
        let raw = try Command.shell("cat \(scratch["out"])/blobs/sha256/* | strings").text
        let kept = try Command.shell(
            "jq -r '.manifests[0].digest' <<<'\(index)' | sed s,:,/, | xargs -I{} jq -c '.layers[0]' \(scratch["out"])/blobs/{}"
        ).text
        #expect(
            kept.contains("org.example.keep") && !kept.contains("chunked") && !kept.contains("nydus")
                && !kept.contains("AAAA"), "\(kept)\(raw.count)")
    }

    // MARK: Configs that do not fit

    @Test(arguments: [0, 1, 3, -1])
    func diffIDsThatDoNotFit(_ count: Int) throws {
        let layout = try layout()
        let layers = try ["one", "two"].map { try layout.layer($0) }
        let ids = layers.map(\.diffID) + [Digest(of: [])]
        // -1: as many as there are layers, but of other bytes.
        let diffIDs = count < 0 ? [ids[1], ids[0]] : Array(ids.prefix(count))
        try layout.add(layout.image(layers, diffIDs: diffIDs), "app:1")
        let store = "store:\(scratch["store"])"
        let copied = try Command.succeed("copy", "oci:\(layout.path)", store)
        if count >= 0 { #expect(copied.errors.contains("diffIDs"), "\(copied.errors)") }
        try Command.succeed("copy", store, "oci-archive:\(scratch["x.tar"])")
        try Command.succeed("backup", store, scratch["backup"])
        try Command.succeed("restore", scratch["backup"], "store:\(scratch["restored"])")
        for place in ["oci:\(layout.path)", store, scratch["x.tar"], scratch["backup"]] {
            let verified = try Command.dray("verify", "--deep", place)
            #expect(verified.status == 3, "\(place): \(verified.text)")
        }
        let archive = try Command.succeed("copy", store, "docker-archive:\(scratch["y.tar"])")
        if count >= 0 { #expect(archive.errors.contains("docker load"), "\(archive.errors)") }
    }

    // MARK: Names

    @Test func namesWithDigests() throws {
        let layout = try layout()
        let images = try (0..<4).map { try layout.image([layout.layer("\($0)")]) }
        try layout.add(images[0], "v1@\(images[0].digest)", full: "localhost:5000/a/b:v1@\(images[0].digest)")
        try layout.add(images[1], full: "ghcr.io/o/tool@\(images[1].digest)")
        try layout.add(images[2], "ghcr.io/o/other:2@\(images[2].digest)")
        try layout.add(images[3], "@\(images[3].digest)", full: "docker.io/library/redis@\(images[3].digest)")
        try Command.succeed("copy", "oci:\(layout.path)", "store:\(scratch["store"])")
        #expect(
            try names("store:\(scratch["store"])") == [
                "a/b:v1", "o/tool@\(images[1].digest)", "o/other:2", "library/redis@\(images[3].digest)",
            ])
    }

    /// A name that no registry takes is told, and a wrong digest in one; a digest alone is no name.
    @Test(arguments: [
        ("1.2.0+up1", "is not a valid image name"), ("Team/App:1", "is not a valid image name"),
        ("team/app@sha256:\(String(repeating: "0", count: 64))", "names another digest"),
        ("sha256:\(String(repeating: "0", count: 64))", ""),
    ])
    func namesThatAreNone(_ name: String, _ remark: String) throws {
        let layout = try layout()
        let image = try layout.image([layout.layer("a")])
        try layout.add(image, name)
        let copied = try Command.succeed("copy", "oci:\(layout.path)", "store:\(scratch["store"])")
        #expect(remark.isEmpty || copied.errors.contains(remark), "\(copied.errors)")
        let rows = try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows()
        #expect(rows.map(\.digest) == ["\(image.digest)"] && rows[0].repository?.contains("sha256") == false)
    }

    /// Content that a descriptor embeds need not be anywhere else.
    @Test func embeddedContent() throws {
        let layout = try layout()
        let config = try layout.put(Array("{}".utf8), .ociEmpty)
        let artifact = try layout.image("x") {
            $0.config = config
            $0.config.data = Data("{}".utf8).base64EncodedString()
            $0.artifactType = "application/vnd.example"
        }
        try layout.add(artifact, "artifact:1")
        try layout.remove(config)
        for target in ["store:\(scratch["store"])", "oci-archive:\(scratch["x.tar"])"] {
            try Command.succeed("copy", "oci:\(layout.path)", target)
            try Command.succeed("verify", target)
        }
    }

    /// Two archives in one file: a reader would see only the first.
    @Test(arguments: [
        "cat a.tar b.tar > x", "gzip -k a.tar b.tar && cat a.tar.gz b.tar.gz > x",
        "(cat a.tar; head -c 70144 /dev/zero; cat b.tar) > x",
    ])
    func archivesOneAfterAnother(_ command: String) throws {
        for name in ["a", "b"] {
            try CraftedArchive.image(
                layer: CraftedArchive.layer(name),
                manifest: #"[{"Config":"config.json","RepoTags":["\#(name):1"],"Layers":["one/layer.tar"]}]"#
            ).write(to: scratch["\(name).tar"])
        }
        _ = try Command.shell(command, in: scratch.path)
        for reference in [scratch["x"], "docker-archive:\(scratch["x"])"] {
            let result = try Command.dray("copy", reference, "store:\(scratch["store"])")
            #expect(result.status == 3 && result.errors.contains("another archive begins at byte"), "\(result.errors)")
        }
        let streamed = try Command.shell("$DRAY copy docker-archive:- store:store < x", in: scratch.path)
        #expect(streamed.status == 3 && streamed.errors.contains("another archive"), "\(streamed.errors)")
    }

    /// Kubernetes looks for whole names, whatever form they were given in.
    @Test(arguments: ["oci-archive", "docker-archive", "oci"])
    func namesForContainerd(_ transport: String) throws {
        let layout = try layout()
        let expected = [
            "redis:7": "docker.io/library/redis:7", "grafana/grafana:10": "docker.io/grafana/grafana:10",
            "ghcr.io/o/t:1": "ghcr.io/o/t:1", "docker.io/library/nginx:1": "docker.io/library/nginx:1",
        ]
        for name in expected.keys.sorted() { try layout.add(layout.image([layout.layer(name)]), name) }
        let target = scratch["out"] + (transport == "oci" ? "" : ".tar")
        try Command.succeed("copy", "oci:\(layout.path)", "\(transport):\(target)")
        let index = try Command.shell(transport == "oci" ? "cat \(target)/index.json" : "tar -xOf \(target) index.json")
            .text
        let found = index.matches(of: /"io.containerd.image.name":"([^"]*)"/).map { String($0.1) }
        #expect(Set(found) == Set(expected.values))
        if transport == "docker-archive" {
            let tags = try Command.shell("tar -xOf \(target) manifest.json | jq -r '.[].RepoTags[]'").lines
            #expect(Set(tags) == ["redis:7", "grafana/grafana:10", "ghcr.io/o/t:1", "nginx:1"])
        }
    }

    /// A mirror of Docker Hub can be seeded and served, and a lone word stays what it is.
    @Test func libraryIsPartOfAPath() throws {
        let hub = try Server(in: scratch, program: .dray)
        try hub.push(TinyImage("a", type: TinyImage.oci), to: "library/redis", as: "7")
        try scratch.write(
            "rules: [{source: \"docker://\(hub.address)/library/redis\", destination: \"store:\(scratch["synced"])\", rename: \"hub/{repository}\"}]",
            to: "sync.yml")
        try Command.succeed("sync", scratch["sync.yml"])
        #expect(try names("store:\(scratch["synced"])") == ["hub/library/redis:7"])
        try Command.succeed("sync", "--prefix", "p", scratch["sync.yml"])
        #expect(try names("store:\(scratch["synced"])") == ["hub/library/redis:7", "p/hub/library/redis:7"])
        try Command.succeed("backup", "docker://\(hub.address)/", scratch["backup"])
        try Command.succeed("restore", "--prefix", "again", scratch["backup"], "store:\(scratch["restored"])")
        #expect(try names("store:\(scratch["restored"])") == ["again/library/redis:7"])
    }
}
