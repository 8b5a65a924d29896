import Foundation
import ImageModel
import Testing

/// A tarball becomes a store and comes back, and other tools agree at each station.
struct RoundTripTests {
    @Test func archiveToStoreAndBackIsTheSameStore() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.succeed("copy", archive, "store:\(scratch["one"])")
        try Command.succeed("copy", "store:\(scratch["one"])", "docker-archive:\(scratch["back.tar"])")
        try Command.succeed("copy", "docker-archive:\(scratch["back.tar"])", "store:\(scratch["two"])")
        let same = try Command.shell("diff -r \(scratch["one"])/docker \(scratch["two"])/docker")
        #expect(same.status == 0, "\(same.text)")
    }

    @Test func rawLayersKeepTheirDiffIDs() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.succeed("copy", archive, "store:\(scratch["store"])")
        try Command.succeed(
            "copy", "--compression", "none", "store:\(scratch["store"])", "docker-archive:\(scratch["raw.tar"])")
        let ids = try [archive, scratch["raw.tar"]].map { path in
            try Command.shell("skopeo inspect --config docker-archive:\(path) | jq -c .rootfs.diff_ids").text
        }
        #expect(ids[0] == ids[1] && ids[0].contains("sha256:"))
    }

    /// schema2 has no name for zstd: then the image that gzipping its raw layers makes is OCI's.
    @Test func zstdLayersBesideRawOnes() throws {
        let scratch = try Scratch()
        let layers = [CraftedArchive.layer("one"), CraftedArchive.layer("two")]
        try Data(layers[0]).write(to: URL(filePath: scratch["layer"]))
        _ = try Command.shell("zstd -q \(scratch["layer"])")
        var archive = CraftedArchive()
        archive.add("0.tar", try [UInt8](Data(contentsOf: URL(filePath: scratch["layer.zst"]))))
        archive.add("1.tar", layers[1])
        let ids = layers.map { "\"\(Digest(of: $0))\"" }.joined(separator: ",")
        archive.add(
            "config.json", #"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[\#(ids)]}}"#)
        archive.add("manifest.json", #"[{"Config":"config.json","RepoTags":["a:1"],"Layers":["0.tar","1.tar"]}]"#)
        try archive.write(to: scratch["x.tar"])
        try Command.succeed("copy", "docker-archive:\(scratch["x.tar"])", "store:\(scratch["store"])")
        let manifest = try Command.succeed("inspect", "--raw", "store:\(scratch["store"])").text
        #expect(manifest.contains("tar+zstd") && manifest.contains("tar+gzip"))
        let refused = try Command.dray(
            "copy", "--format", "docker", "docker-archive:\(scratch["x.tar"])", "store:\(scratch["other"])")
        #expect(refused.status == 1 && refused.errors.contains("zstd"), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: scratch["other"]))
    }

    @Test func podmanLoadsFromAPipe() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        let store = "store:\(scratch["store"])"
        let digest = try #require(try Command.succeed("copy", "--output", "json", archive, store).rows().first?.digest)
        let podman = "podman --storage-driver vfs --root \(scratch["podman"]) --runroot \(scratch["run"])"
        let loaded = try Command.shell(
            "$DRAY copy \(store):sample/app:1.0 docker-archive:- | \(podman) load && "
                + "\(podman) images --digests --no-trunc --format '{{.Digest}} {{.ID}}'")
        #expect(loaded.status == 0, "\(loaded.errors)")
        #expect(loaded.text.contains(digest))
        let config = try Command.succeed("inspect", "--config", "\(store):sample/app:1.0")
        let imageID = try Command.shell("$DRAY inspect --config \(store):sample/app:1.0 | sha256sum").text.prefix(64)
        #expect(!config.output.isEmpty && loaded.text.contains(imageID))
        _ = try Command.shell("\(podman) rmi -af; chmod -R u+w \(scratch["podman"])")
    }

    @Test func containerdImports() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        let digest = try #require(
            try Command.succeed(
                "copy", "--output", "json", "--compression", "gzip", archive, "docker-archive:\(scratch["x.tar"])"
            )
            .rows().first?.digest)
        let socket = scratch["c.sock"]
        let result = try Command.shell(
            """
            containerd --root \(scratch["ctr"]) --state \(scratch["state"]) --address \(socket) >/dev/null 2>&1 & pid=$!
            trap 'kill $pid; wait $pid' EXIT
            ctr -a \(socket) --connect-timeout 20s version >/dev/null
            for try in $(seq 200); do ctr -a \(socket) version >/dev/null 2>&1 && break; done
            ctr -a \(socket) images import --snapshotter native \(scratch["x.tar"]) && ctr -a \(socket) images ls
            """)
        #expect(result.text.contains("sample/app:1.0") && result.text.contains(digest), "\(result.errors)")
    }

    @Test func skopeoReadsBothPartsOfAHybrid() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.succeed(
            "copy", "--compression", "gzip", "--format", "oci", archive, "docker-archive:\(scratch["x.tar"])")
        let digest = try Command.succeed("digest", scratch["x.tar"]).lines[0]
        let oci = try Command.shell("skopeo inspect oci-archive:\(scratch["x.tar"]) | jq -r .Digest")
        #expect(oci.lines.first == digest, "\(oci.errors)")
        let docker = try Command.shell(
            "skopeo inspect --config docker-archive:\(scratch["x.tar"]) | jq -c .rootfs.diff_ids")
        let original = try Command.shell("skopeo inspect --config docker-archive:\(archive) | jq -c .rootfs.diff_ids")
        #expect(docker.status == 0 && docker.text == original.text)
    }

    @Test func umociReadsTheLayout() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.succeed("copy", "--format", "oci", archive, "oci:\(scratch["layout"]):1.0")
        let stat = try Command.run("umoci", ["stat", "--image", "\(scratch["layout"]):1.0", "--json"])
        #expect(stat.status == 0, "\(stat.errors)")
        let unpack = try Command.run(
            "umoci", ["unpack", "--rootless", "--image", "\(scratch["layout"]):1.0", scratch["bundle"]])
        #expect(unpack.status == 0, "\(unpack.errors)")
        #expect(FileManager.default.fileExists(atPath: "\(scratch["bundle"])/rootfs/layer3"))
    }

    @Test func skopeoReadsDir() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.succeed("copy", archive, "store:\(scratch["store"])")
        try Command.succeed("copy", "store:\(scratch["store"])", "dir:\(scratch["dir"])")
        let raw = try Command.shell("skopeo inspect --raw dir:\(scratch["dir"]) | sha256sum")
        #expect("sha256:\(raw.text.prefix(64))" == (try Command.succeed("digest", scratch["dir"]).lines[0]))
        try Command.succeed("copy", "dir:\(scratch["dir"])", "store:\(scratch["again"]):sample/app:1.0")
        #expect(try Command.shell("diff -r \(scratch["store"])/docker \(scratch["again"])/docker").status == 0)
    }

    @Test(arguments: ["gzip -1", "zstd -q", "xz -0", "bzip2"])
    func anArchiveCompressedAsAWholeIsTheSame(_ packer: String) throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.succeed("copy", archive, "store:\(scratch["plain"])")
        #expect(try Command.shell("\(packer) < \(archive) > \(scratch["packed"])").status == 0)
        try Command.succeed("copy", "docker-archive:\(scratch["packed"])", "store:\(scratch["file"])")
        #expect(
            try Command.shell("cat \(scratch["packed"]) | $DRAY copy docker-archive:- store:\(scratch["pipe"])").status
                == 0)
        for store in ["file", "pipe"] {
            #expect(try Command.shell("diff -r \(scratch["plain"])/docker \(scratch[store])/docker").status == 0)
        }
    }

    @Test(arguments: ["gzip", "zstd", "none", "gzip:6"])
    func layersChangeTheirFormAndComeBack(_ compression: String) throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.succeed(
            "copy", "--compression", compression, "--format", "oci", archive, "oci:\(scratch["layout"]):x")
        try Command.succeed(
            "copy", "--compression", "gzip:1", "--format", "docker", "oci:\(scratch["layout"]):x",
            "store:\(scratch["a"]):sample/app:1.0")
        try Command.succeed("copy", archive, "store:\(scratch["b"])")
        let ids = try ["a", "b"].map { store in
            try Command.succeed("inspect", "--output", "json", "store:\(scratch[store])").text
                .split(separator: "\n").filter { $0.contains("diffID") }
        }
        #expect(ids[0] == ids[1] && ids[0].count == 3)
    }
}

/// Content that few registries hold, but that passes through.
struct UnusualContentTests {
    @Test func signedSchema1TravelsBetweenStoresOnly() async throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        do {
            let registry = try await Registry(serving: scratch["old"], scratch: scratch)
            let push = try Command.shell(
                "skopeo copy -q --format v2s1 --dest-tls-verify=false docker-archive:\(archive) "
                    + "docker://\(registry.address)/app:1")
            try #require(push.status == 0, "\(push.errors)")
        }
        let row = try #require(
            try Command.succeed("copy", "--output", "json", "store:\(scratch["old"])", "store:\(scratch["new"])")
                .rows().first)
        #expect(row.kept == true && row.mediaType == "application/vnd.docker.distribution.manifest.v1+json")

        // The registry signs what it serves anew each time; the digest is that of the payload, as skopeo checks.
        let registry = try await Registry(serving: scratch["new"], scratch: scratch)
        let headers = try Command.shell("curl -sfI http://\(registry.address)/v2/app/manifests/1").text
        #expect(headers.contains(row.digest) && headers.contains("manifest.v1+prettyjws"))
        let pull = try Command.shell(
            "skopeo copy -q --src-tls-verify=false docker://\(registry.address)/app@\(row.digest) dir:\(scratch["pull"])"
        )
        #expect(pull.status == 0, "\(pull.errors)")
        #expect(try registry.garbage().isEmpty)

        for elsewhere in ["oci", "docker-archive", "dir"] {
            let refused = try Command.dray("copy", "store:\(scratch["new"])", "\(elsewhere):\(scratch["elsewhere"])")
            #expect(refused.status == 1 && refused.errors.contains("schema1"), "\(refused.errors)")
            #expect(scratch.files(below: "elsewhere").isEmpty)
        }
    }

    /// A layout with one image whose manifest, config, layer and empty layer all go by SHA-512.
    private func layout(_ scratch: Scratch) throws {
        let script = """
            import hashlib, json, os, sys
            root = sys.argv[1]
            os.makedirs(root + '/blobs/sha512')
            def put(data):
                name = hashlib.sha512(data).hexdigest()
                open(f'{root}/blobs/sha512/{name}', 'wb').write(data)
                return {'digest': 'sha512:' + name, 'size': len(data)}
            config = put(b'{"architecture":"amd64","os":"linux"}')
            manifest = put(json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
                'config': {'mediaType': 'application/vnd.oci.image.config.v1+json', **config},
                'layers': [{'mediaType': 'application/octet-stream', **put(b'abc')},
                           {'mediaType': 'application/octet-stream', **put(b'')}]}).encode())
            json.dump({'schemaVersion': 2, 'manifests': [{'mediaType': 'application/vnd.oci.image.manifest.v1+json', **manifest,
                'annotations': {'org.opencontainers.image.ref.name': 'big/app:1'}}]}, open(root + '/index.json', 'w'))
            open(root + '/oci-layout', 'w').write('{"imageLayoutVersion":"1.0.0"}')
            """
        try #require(try Command.run("python3", ["-c", script, scratch["layout"]]).status == 0)
    }

    @Test func sha512PassesThroughEverything() throws {
        let scratch = try Scratch()
        try layout(scratch)
        let digest = try Command.succeed("digest", scratch["layout"]).lines[0]
        #expect(digest.hasPrefix("sha512:"))
        var from = "oci:\(scratch["layout"])"
        for station in [
            "store:\(scratch["a"])", "oci-archive:\(scratch["b.tar"])", "docker-archive:\(scratch["c.tar"])",
            "store:\(scratch["d"])",
        ] {
            let rows = try Command.succeed(
                "copy", "--strict", "--compression", "keep", "--output", "json", from, station
            ).rows()
            #expect(rows.map(\.digest) == [digest])
            from = station
        }
        #expect(try Command.shell("diff -r \(scratch["a"])/docker \(scratch["d"])/docker").status == 0)
        #expect(
            try Command.succeed("copy", "--output", "json", "store:\(scratch["a"])", "store:\(scratch["d"])").rows()
                .map(\.bytesMoved) == [0])
    }
}
