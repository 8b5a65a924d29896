import ByteStreams
import Foundation
import ImageModel
import Testing

/// `dray verify`, beside what real registries and clients make of the same places.
struct VerifyTests {
    private func files(_ root: String) throws -> String {
        try Command.shell("cd \(root); find . -path ./.dray -prune -o -type f -print | sort | xargs sha256sum").text
    }

    @Test func whatWasFoundIsToldWhateverBecomesOfOtherTargets() throws {
        let scratch = try Scratch()
        let (store, layout) = try Samples.places(scratch)
        let nowhere = "docker://127.0.0.1:1/app"
        let sound = try Command.dray("verify", "--output", "json", "--retry-times", "0", nowhere, "oci:\(layout)")
        #expect(sound.status == 1 && sound.errors.contains("\(nowhere) was not verified"), "\(sound.errors)")
        #expect(try JSONDecoder().decode([Verification].self, from: sound.output).map(\.sound) == [true])
        try Command.shell("> \(store)/docker/registry/v2/repositories/other/tool/_manifests/tags/2/current/link")
        let damaged = try Command.dray("verify", "--retry-times", "0", "store:\(store)", nowhere)
        #expect(damaged.status == 3 && damaged.text.contains("other/tool:2"), "\(damaged.text)")
    }

    @Test func aConfigThatSaysNothingHidesNoBrokenLayer() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let layer = try layout.layer("something").layer
        let cut = Array(try Data(contentsOf: layout.file(layer.digest)).dropLast(9))
        let image = ImageManifest(
            mediaType: .ociManifest, config: try layout.put(Array("no JSON".utf8), .ociConfig),
            layers: [try layout.put(cut, .ociLayerGzip)])
        try layout.add(layout.put(Document.encode(image), .ociManifest), "1")
        let found = try Verification.run("--deep", "oci:\(layout.path)", status: 3)
        #expect(found.damage.contains { $0.problem.contains("a config that says nothing of its layers") })
    }

    @Test func aStoreIsVerifiedAndMended() throws {
        let scratch = try Scratch()
        let (store, layout) = try Samples.places(scratch)
        let sound = try Verification.run("--deep", "store:\(store)", status: 0)
        #expect(sound.sound && sound.damage.isEmpty && sound.remarks.isEmpty && sound.blobs >= 8)
        // Of a part nothing is said but what is wrong with it.
        let part = try Verification.run("store:\(store):sample/app:1.0", status: 0)
        #expect(part.remarks.isEmpty && part.blobs < sound.blobs)
        let before = try files(store)
        let base = "\(store)/docker/registry/v2"
        try Command.shell(
            """
            set -e; cd \(base)
            large=$(find blobs -name data -size +200k | sort | head -1)
            printf x | dd of=$large bs=1 seek=1000 conv=notrunc status=none
            rm repositories/sample/app/_layers/sha256/*/link
            > repositories/other/tool/_manifests/tags/2/current/link
            mkdir -p repositories/sample/app/_uploads/1f5a9a0e-0000-4000-8000-000000000000
            printf half > repositories/sample/app/_uploads/1f5a9a0e-0000-4000-8000-000000000000/data
            printf ? > repositories/README
            mkdir -p blobs/sha256/2c/2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
            printf foo > blobs/sha256/2c/2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae/data
            chmod 666 blobs/sha256/2c/*/data
            """)
        let found = try Verification.run("store:\(store)", status: 3)
        #expect(found.names("link-missing").contains("sample/app:1.0"))
        #expect(found.names("tag-damaged") == ["other/tool:2"])
        #expect(found.damage.contains { $0.kind == "blob-damaged" && !$0.affected.isEmpty })
        #expect(Set(found.remarks.map(\.kind)).isSuperset(of: ["orphan", "upload", "permissions", "foreign"]))
        let mended = try Verification.run("--repair-from", "oci:\(layout)", "--quarantine", "store:\(store)", status: 0)
        #expect(mended.sound && mended.mended.count >= 3 && mended.failures.isEmpty)
        let id = try #require(mended.quarantine)
        #expect(try Command.shell("find \(store)/.dray/quarantine/\(id) -name data | wc -l").text.trimmed == "1")
        #expect(try Command.succeed("gc", "--list-quarantine", "store:\(store)").text.hasPrefix(id))
        #expect(try Verification.run("--deep", "store:\(store)", status: 0).sound)
        try Command.shell(
            "cd \(base); rm -r repositories/sample/app/_uploads/* blobs/sha256/2c/2c26* repositories/README")
        #expect(try files(store) == before)
    }

    /// A registry is mended over its API, and serves what it did not before.
    @Test func aRegistryIsVerifiedAndMended() async throws {
        let scratch = try Scratch()
        let (store, layout) = try Samples.places(scratch)
        let registry = try await Registry(serving: store, scratch: scratch)
        #expect(try Verification.run("--deep", "docker://\(registry.address)/", status: 0).sound)
        try Command.shell(
            """
            set -e; cd \(store)/docker/registry/v2
            rm $(find blobs -name data -size +200k | sort | head -1)
            digest=$(cat repositories/other/tool/_manifests/tags/2/current/link)
            rm -r repositories/other/tool/_manifests/revisions/sha256/${digest#*:}
            """)
        let again = try await Registry(serving: store, scratch: scratch)
        let found = try Verification.run("docker://\(again.address)/", status: 3)
        #expect(found.names("tag-damaged") == ["\(again.address)/other/tool:2"])
        #expect(!found.names("blob-missing").isEmpty)
        let mended = try Verification.run("--repair-from", "oci:\(layout)", "docker://\(again.address)/", status: 0)
        #expect(mended.mended.count >= 2)
        #expect(
            try Command.shell(
                "skopeo copy -q --src-tls-verify=false docker://\(again.address)/other/tool:2 dir:\(scratch["pulled"])"
            ).status == 0)
        #expect(try Verification.run("--deep", "store:\(store)", status: 0).sound)
    }

    /// What skopeo can pull from a registry that serves the damaged store, against what is said of it.
    @Test(arguments: 0..<(Samples.isLong ? 40 : 6)) func whatCannotBePulledIsNamed(_ seed: Int) async throws {
        let scratch = try Scratch()
        let (store, _) = try Samples.places(scratch)
        let base = "\(store)/docker/registry/v2"
        var random = SeededBytes(seed)
        let all = try Command.shell("cd \(base); find . -type f | sort").lines
        let victim = try #require(all.randomElement(using: &random))
        let act = ["> FILE", "rm FILE", "printf '\\001' | dd of=FILE bs=1 seek=9 conv=notrunc status=none"]
        let command = act[seed % act.count].replacing("FILE", with: victim)
        #expect(try Command.shell("cd \(base); \(command)").status == 0)
        let registry = try await Registry(serving: store, scratch: scratch)
        let report = try Command.dray("verify", "--output", "json", "store:\(store)")
        let found = try #require(try JSONDecoder().decode([Verification].self, from: report.output).first)
        let named = Set(found.damage.flatMap(\.affected).map(\.image))
        for name in ["sample/app:1.0", "other/tool:2"] {
            let pull = try Command.shell(
                "rm -rf \(scratch["pull"]); skopeo copy -q --src-tls-verify=false docker://\(registry.address)/\(name) dir:\(scratch["pull"])"
            )
            #expect(
                (pull.status != 0) == named.contains(name),
                "\(command): \(name): \(pull.errors) \(named)")
        }
    }

    /// In one run, all that the original's garbage collection ends at, one after the other.
    @Test func whatGarbageCollectionStumblesOverIsFound() throws {
        let scratch = try Scratch()
        let (store, _) = try Samples.places(scratch)
        try scratch.write(
            "version: 0.1\nstorage: {filesystem: {rootdirectory: \(store)}}\nhttp: {addr: 127.0.0.1:0}\n",
            to: "config.yml")
        try Command.shell(
            """
            cd \(store)/docker/registry/v2/repositories
            echo >> other/tool/_manifests/revisions/sha256/*/link
            printf '' | tee sample/app/_manifests/revisions/sha256/*/link
            """)
        let theirs = try Command.run("docker-registry", ["garbage-collect", "--dry-run", scratch["config.yml"]])
        #expect(theirs.status == 1)
        let found = try Verification.run("store:\(store)", status: 3)
        #expect(found.names("link-damaged").isSuperset(of: ["other/tool:2", "sample/app:1.0"]))
        #expect(found.damage.contains { $0.problem.contains("is empty") })
        #expect(found.damage.contains { $0.problem.contains("more than a digest") })
        // Any source will do: what the links have to say is known.
        #expect(
            try Verification.run("--repair-from", scratch["app.tar"], "store:\(store)", status: 0).mended.count == 2)
        #expect(
            try Command.run("docker-registry", ["garbage-collect", "--dry-run", scratch["config.yml"]]).status == 0)
    }

    @Test func archivesAreVerifiedAndNotChanged() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.shell("gzip -k \(archive)")
        for target in [archive, "\(archive).gz"] { #expect(try Verification.run("--deep", target, status: 0).sound) }
        let piped = try Command.shell("$DRAY verify --deep docker-archive:- < \(archive).gz")
        #expect(piped.status == 0 && piped.text.contains("sound"), "\(piped.errors)")
        #expect(try Command.shell("head -c 200000 \(archive).gz | $DRAY verify -q docker-archive:-").status == 3)
        let refused = try Command.dray("verify", "--repair-from", archive, "\(archive).gz")
        #expect(refused.status == 1 && refused.errors.contains("dray copy"), "\(refused.errors)")
        try Command.shell("printf x | dd of=\(archive) bs=1 seek=900000 conv=notrunc status=none")
        let found = try Verification.run(archive, status: 3)
        #expect(found.damage.flatMap(\.affected).map(\.image) == ["sample/app:1.0"])
        try Command.shell("truncate -s 300000 \(archive)")
        #expect(try Verification.run(archive, status: 3).damage.count == 1)
        #expect(try Command.dray("verify", "oci:\(scratch["nothing"])").status == 4)
    }

    // MARK: What only --deep sees, and what is no damage

    @Test func layersThatAreNotWhatTheyClaimAreFound() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let good = try layout.layer("good")
        let other = try layout.layer("other")
        let cut = try layout.put(Array(try Data(contentsOf: layout.file(good.layer.digest)).dropLast(9)), .ociLayerGzip)
        let noise = try layout.put(Array("no tar at all, and still pushed as one".utf8), .ociLayer)
        try layout.add(try layout.image([good, other]), "good")
        try layout.add(try layout.image([good, other], diffIDs: [good.diffID, good.diffID]), "swapped")
        try layout.add(try layout.image([(cut, good.diffID)]), "cut")
        try layout.add(try layout.image([(noise, noise.digest)]), "noise")
        try layout.add(try layout.image([good], diffIDs: [good.diffID, other.diffID]), "more")
        #expect(try Verification.run("oci:\(layout.path)", status: 0).sound)
        let found = try Verification.run("--deep", "oci:\(layout.path)", status: 3)
        #expect(found.names("layer-damaged") == ["swapped", "cut", "noise", "more"], "\(found.damage)")
        #expect(found.damage.allSatisfy { $0.kind == "layer-damaged" })
    }

    @Test func diffIDsByAnotherAlgorithmAreCompared() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let one = try layout.layer("one")
        let two = try layout.layer("two")
        func long(_ text: String) -> Digest { Digest(of: CraftedArchive.layer(text), algorithm: .sha512) }
        try layout.add(try layout.image([one, two], diffIDs: [long("one"), two.diffID]), "good")
        // The same layer by both.
        try layout.add(try layout.image([one]), "short")
        let target = "oci:\(layout.path)"
        #expect(try Verification.run("--deep", target, status: 0).sound)
        try Command.succeed("copy", target, "oci-archive:\(scratch["packed.tar"])")
        let streamed = try Command.shell(
            "gzip -c packed.tar | $DRAY verify --deep --output json oci-archive:-", in: scratch.path)
        #expect(streamed.status == 0 && streamed.text.contains("was not held against its diffID"), "\(streamed.text)")
        try layout.add(try layout.image([one, two], diffIDs: [long("two"), two.diffID]), "wrong")
        let found = try Verification.run("--deep", "--resume", scratch["journal"], target, status: 3)
        #expect(found.names("layer-damaged") == ["wrong"], "\(found.damage)")
    }

    /// A tar of a store is a store, links and all.
    @Test func anArchivedStoreLacksALink() throws {
        let scratch = try Scratch()
        let (store, _) = try Samples.places(scratch)
        try Command.shell("tar -C \(store) -cf sound.tar docker; gzip -k sound.tar", in: scratch.path)
        for file in ["sound.tar", "sound.tar.gz"] {
            #expect(try Verification.run("--deep", "store:\(scratch[file])", status: 0).sound)
        }
        let layers = "\(store)/docker/registry/v2/repositories/other/tool/_layers/sha256"
        try Command.shell("rm -r \(layers)/*; tar -C \(store) -cf lacking.tar docker", in: scratch.path)
        let found = try Verification.run("store:\(scratch["lacking.tar"])", status: 3)
        #expect(found.names("link-missing").contains("other/tool:2"), "\(found.damage)")
        #expect(try Verification.run("store:\(scratch["lacking.tar"]):sample/app", status: 0).sound)
        #expect(
            try Command.dray("copy", "store:\(scratch["lacking.tar"]):other/tool:2", "oci:\(scratch["copy"])").status
                == 3)
    }

    /// Alike in the whole, in a part, and in a tar of it.
    @Test(arguments: ["rm repositories/sample/app/_manifests/tags/1.0/current/link", "rm blobs/sha256/REVISION/data"])
    func whatLeadsNowhereIsToldOfEveryFormOfAStore(_ damage: String) throws {
        let scratch = try Scratch()
        let (store, _) = try Samples.places(scratch)
        try Command.succeed("copy", "store:\(store):other/tool:2", "store:\(store):sample/app:2")
        try Command.succeed("delete", "store:\(store):sample/app:2")
        let done = try Command.shell(
            """
            set -e; cd \(store)/docker/registry/v2
            digest=$(cat repositories/other/tool/_manifests/tags/2/current/link); hex=${digest#*:}
            rm -r repositories/other
            \(damage.replacing("REVISION", with: "${hex:0:2}/$hex"))
            cd \(scratch.path); tar -C \(store) -cf it.tar docker; gzip -k it.tar
            """)
        try #require(done.status == 0, "\(done.errors)")
        for target in ["root", "root:sample/app", "root:sample/*", "it.tar", "it.tar.gz", "it.tar:sample/app"] {
            let found = try Verification.run("store:\(scratch[target])", status: 3)
            #expect(Set(found.damage.map(\.kind)).isSubset(of: ["tag-damaged", "manifest-missing"]), "\(target)")
        }
    }

    /// What skopeo does not take is damage.
    @Test(arguments: [1, 511, 512, 513, 1023, 1024, -1, -700])
    func theEndOfAnArchiveIsWhatOthersTake(_ cut: Int) throws {
        let scratch = try Scratch()
        let (_, layout) = try Samples.places(scratch)
        try Command.succeed("copy", "oci:\(layout):sample/app:1.0", "oci-archive:\(scratch["whole.tar"])")
        let change =
            cut > 0
            ? "truncate -s -\(cut) cut.tar"
            : "printf x | dd of=cut.tar bs=1 seek=$(($(stat -c %s cut.tar) + \(cut))) conv=notrunc status=none"
        try Command.shell("cp whole.tar cut.tar; \(change)", in: scratch.path)
        let theirs = try Command.shell("skopeo copy -q oci-archive:cut.tar dir:pulled", in: scratch.path)
        for file in ["oci-archive:cut.tar", "oci-archive:- < cut.tar"] {
            let ours = try Command.shell("$DRAY verify --deep \(file)", in: scratch.path)
            #expect((ours.status == 0) == (theirs.status == 0), "\(file): \(ours.text) \(theirs.errors)")
        }
    }

    /// What umoci (Go's programs) cannot unpack is damaged, and nothing else: `b` is a tar, `h` a header in it.
    @Test(arguments: [
        "gzip(b)", "gzip(b) + gzip(b)", "gzip(b[:700]) + gzip(b[700:])", "gzip(b) + bytes(512)", "gzip(b) + b'x'",
        "gzip(b)[:-1]", "b", "gzip(b[:-1])", "gzip(b[:-1024])", "gzip(b[:-512] + b'x' * 512)",
        "gzip(pax(b'8 size=\\n') + b)", "gzip(pax(b'99 a=b\\n') + b)", "gzip(pax(b'11 mtime=x\\n') + b)",
        "gzip(pax(b'6 a=b\\n' + bytes(3)) + b)", "gzip(h(b'd/', bytes(1), 5000) + b)",
        "gzip(h(b'd', bytes(1), 5000) + b)",
        "gzip(h(b'', b'L', 3) + b'd/' + bytes(510) + h(b'd', bytes(1), 5000) + b)", "gzip(h(b'd/', b'5', 5000) + b)",
    ])
    func layersAreJudgedAsByThoseWhoUnpackThem(_ layer: String) throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        try Data(CraftedArchive.layer("hello")).write(to: URL(filePath: scratch["tar"]))
        try Data(
            """
            import gzip as z, hashlib, tarfile, zlib
            b = open('tar', 'rb').read()
            gzip = lambda data: z.compress(data, mtime=0)
            def h(name, kind, size):
                header = tarfile.TarInfo(name.decode())
                header.size, header.type = size, kind
                raw = bytearray(header.tobuf(tarfile.USTAR_FORMAT))
                raw[:100] = name.ljust(100, bytes(1))
                raw[148:156] = b' ' * 8
                raw[148:156] = b'%06o\\0 ' % sum(raw)
                return bytes(raw)
            def pax(records): return h(b'pax', b'x', len(records)) + records.ljust(-(-len(records) // 512) * 512, bytes(1))
            layer = \(layer)
            open('layer', 'wb').write(layer)
            out, rest = b'', layer
            while rest[:2] == b'\\x1f\\x8b':
                one = zlib.decompressobj(31)
                out += one.decompress(rest)
                rest = one.unused_data
            open('diffid', 'w').write('sha256:' + hashlib.sha256(out or layer).hexdigest())
            """.utf8
        ).write(to: URL(filePath: scratch["make.py"]))
        #expect(try Command.shell("python3 make.py", in: scratch.path).errors.isEmpty)
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: scratch["layer"])))
        let diffID = try Digest(String(contentsOfFile: scratch["diffid"], encoding: .utf8))
        let blob = try layout.put(bytes, layer == "b" ? .ociLayer : .ociLayerGzip)
        try layout.add(layout.image([(blob, #require(diffID))]), "1.0")
        let theirs = try Command.run(
            "umoci", ["unpack", "--rootless", "--image", "\(layout.path):1.0", scratch["bundle"]])
        let ours = try Command.dray("verify", "--deep", "oci:\(layout.path)")
        #expect((ours.status == 0) == (theirs.status == 0), "\(ours.text)\n\(theirs.errors)")
    }

    @Test func aSparseIndexLacksAPlatform() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let amd = try layout.image([try layout.layer("amd")])
        let arm = try layout.image([try layout.layer("arm")], architecture: "arm64")
        let index = try layout.index([amd.on("amd64"), arm.on("arm64")])
        try layout.add(index, "multi")
        try Command.succeed("copy", "oci:\(layout.path)", "oci:\(scratch["whole"])")
        try FileManager.default.removeItem(at: layout.file(arm.digest))
        let found = try Verification.run("oci:\(layout.path)", status: 3)
        #expect(found.damage.map(\.kind) == ["manifest-missing"])
        #expect(
            found.damage[0].affected[0].platforms == ["linux/arm64"] && found.damage[0].affected[0].image == "multi")
        #expect(
            try Verification.run("--repair-from", "oci:\(scratch["whole"])", "oci:\(layout.path)", status: 0).mended
                .count == 1)
    }

    /// Foreign layers that are elsewhere, artifacts, SHA-512 and schema1 are what they are.
    @Test func whatIsPeculiarIsNoDamage() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let good = try layout.layer("good")
        var foreign = Descriptor(mediaType: .ociForeignLayerGzip, digest: Digest(of: "elsewhere".utf8), size: 9)
        foreign.urls = ["https://example.invalid/layer"]
        let image = try layout.image([good, (foreign, Digest(of: "its tar".utf8))])
        try layout.add(image, "windows")
        try layout.add(try layout.image([good], algorithm: .sha512), "long")
        try layout.add(try layout.image([], subject: image), "signature")
        #expect(try Verification.run("--deep", "oci:\(layout.path)", status: 0).sound)
        try Command.succeed("copy", "oci:\(layout.path)", "store:\(scratch["root"])")
        let schema1 = #"{"schemaVersion":1,"name":"old","tag":"1","architecture":"amd64","fsLayers":[],"history":[]}"#
        let digest = Digest(of: Array(schema1.utf8))
        let base = "root/docker/registry/v2"
        try scratch.write(schema1, to: "\(base)/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)/data")
        for link in ["revisions/sha256/\(digest.hex)", "tags/1/current", "tags/1/index/sha256/\(digest.hex)"] {
            try scratch.write("\(digest)", to: "\(base)/repositories/old/_manifests/\(link)/link")
        }
        let report = try Verification.run("--deep", "store:\(scratch["root"])", status: 0)
        #expect(report.sound && report.remarks.isEmpty, "\(report.remarks)")
    }

    @Test func aBombIsDamage() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        try Command.shell("head -c 100M /dev/zero | gzip -9 > \(scratch["bomb"])")
        let bomb = try layout.put([UInt8](try Data(contentsOf: URL(filePath: scratch["bomb"]))), .ociLayerGzip)
        try layout.add(try layout.image([(bomb, Digest(of: "?".utf8))]), "bomb")
        let found = try Verification.run("--deep", "--max-inflation", "500", "oci:\(layout.path)", status: 3)
        #expect(found.damage.first?.problem.contains("decompression bomb") == true, "\(found.damage)")
    }

    // MARK: Going on

    @Test func aRunGoesOnAndDoesNotTrustWhatChanged() throws {
        let scratch = try Scratch()
        let (_, layout) = try Samples.places(scratch)
        let blob = try Command.shell("find \(layout)/blobs -size +200k | sort | head -1").text.trimmed
        try Command.shell("printf x | dd of=\(blob) bs=1 seek=1000 conv=notrunc status=none")
        #expect(try Verification.run("oci:\(layout)", status: 3).damage.count == 1)
        var status = stat()
        #expect(stat(blob, &status) == 0)
        func nanoseconds(_ time: timespec) -> Int { time.tv_sec * 1_000_000_000 + time.tv_nsec }
        let stamp =
            "\(status.st_dev).\(status.st_ino).\(status.st_size).\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)."
            + "\(nanoseconds(status.st_ctim))"
        let digest = "sha256:\(blob.split(separator: "/").last ?? "")"
        let journal = scratch["journal"]
        // What an interrupted run has read is not read again ...
        try scratch.write("dray verify 1\n\(digest) \(stamp) \(status.st_size) -\nsha256:cut of", to: "journal")
        #expect(try Verification.run("--resume", journal, "oci:\(layout)", status: 0).sound)
        // ... a run that came to its end begins anew the next time ...
        #expect(!FileManager.default.fileExists(atPath: journal))
        #expect(try Verification.run("--resume", journal, "oci:\(layout)", status: 3).damage.count == 1)
        // ... and what was touched since, or not inflated then, is read.
        try scratch.write("dray verify 1\n\(digest) \(stamp) \(status.st_size) -\n", to: "journal")
        #expect(try Verification.run("--deep", "--resume", journal, "oci:\(layout)", status: 3).damage.count == 1)
        try scratch.write("dray verify 1\n\(digest) \(stamp) \(status.st_size) -\n", to: "journal")
        try Command.shell("touch \(blob)")
        #expect(try Verification.run("--resume", journal, "oci:\(layout)", status: 3).damage.count == 1)
        try scratch.write("something else\n", to: "journal")
        let refused = try Command.dray("verify", "--resume", journal, "oci:\(layout)")
        #expect(refused.status == 1 && refused.errors.contains("no journal"))
        #expect(try String(contentsOfFile: journal, encoding: .utf8) == "something else\n")
    }
}
