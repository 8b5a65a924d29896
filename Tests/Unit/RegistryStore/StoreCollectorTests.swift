import ByteStreams
import Foundation
import ImageModel
import RegistryStore
import Synchronization
import Testing

/// What goes and what stays: each danger of the registries' own collections is a test.
struct StoreCollectorTests {
    @Test func aDeletedImageGoesAndWhatItSharedStays() async throws {
        let store = try CraftedStore()
        let dead = try store.image(["own", "shared"], in: "a/b", tag: "1")
        let live = try store.image(["shared"], in: "c", tag: "1")
        try store.write("half an upload", "repositories/a/b/_uploads/0/data")
        try store.delete(dead, in: "a/b", tags: "1")
        let before = try store.content()
        let planned = try await store.collect(dryRun: true)
        #expect(try store.content() == before)
        let report = try await store.collect()
        #expect(report.blobs == planned.blobs && report.marked == planned.marked && report.marked == 3)
        #expect(report.emptyDirectories == planned.emptyDirectories)
        #expect(
            Set(report.blobs.map(\.digest)) == [
                dead, Digest(of: "own".utf8), Digest(of: #"config of ["own", "shared"]"#.utf8),
            ])
        #expect(report.bytes == report.blobs.reduce(0) { $0 + $1.size } && report.bytes > 400)
        let names = report.repositories.map(\.name)
        #expect(names == ["a/b", "c"])
        #expect(report.repositories[0].blobs.map(\.digest) == report.blobs.map(\.digest).sorted())
        #expect(report.repositories[0].layerLinksRemoved.count == 3 && report.repositories[1].isUntouched)
        #expect(!store.has(dead) && store.has(live) && store.has(Digest(of: "shared".utf8)))
        for place in ["_layers/sha256", "_manifests/revisions/sha256", "_manifests/tags", "_uploads/0/data"] {
            #expect(store.exists("repositories/a/b/\(place)"))
        }
        #expect(!store.exists("blobs/sha256/\(dead.hex.prefix(2))/\(dead.hex)"))
        #expect(!store.exists("repositories/a/b/_manifests/revisions/sha256/\(dead.hex)"))
        let again = try await store.collect()
        #expect(again.blobs.isEmpty && again.repositories.allSatisfy(\.isUntouched) && again.emptyDirectories == 0)
    }

    @Test func untaggedManifestsGoOnlyWhenAsked() async throws {
        let store = try CraftedStore()
        let loose = try store.image(["loose"], in: "a")
        let child = try store.image(["child"], in: "a")
        let grandchild = try store.image(["grandchild"], in: "a")
        let nested = try store.index([grandchild], in: "a")
        let index = try store.index([child], in: "a", tag: "multi", indexes: [nested])
        // What an index gives an odd type is a manifest all the same, if it is served as one.
        let odd = try store.image(["odd"], in: "a")
        try store.index([odd], in: "a", tag: "odd", type: MediaType("application/octet-stream"))
        let kept = try await store.collect()
        #expect(kept.blobs.isEmpty && kept.repositories[0].manifestsKept == 7)
        let report = try await store.collect(untagged: true)
        #expect(report.repositories[0].manifestsDeleted == [loose] && report.manifests == 1)
        #expect(report.blobs.count == 3 && !store.serves(loose, "a") && !store.has(loose))
        for digest in [child, grandchild, nested, index, odd] {
            #expect(store.serves(digest, "a") && store.has(digest))
        }
        for text in ["child", "grandchild", "odd"] { #expect(store.has(Digest(of: text.utf8))) }
    }

    @Test func whatIsAttachedToAKeptManifestStays() async throws {
        let store = try CraftedStore()
        let child = try store.image(["child"], in: "a")
        try store.index([child], in: "a", tag: "1")
        let signature = try store.image(["signature"], in: "a", subject: child)
        let countersignature = try store.image(["countersignature"], in: "a", subject: signature)
        let loose = try store.image(["loose"], in: "a")
        let orphan = try store.image(["orphan"], in: "a", subject: loose)
        let cosign = try store.image(["cosign"], in: "a", tag: "sha256-\(loose.hex).sig")
        let report = try await store.collect(untagged: true)
        #expect(Set(report.repositories[0].manifestsDeleted) == [loose, orphan])
        for digest in [signature, countersignature, cosign] { #expect(store.serves(digest, "a") && store.has(digest)) }
        #expect(store.has(Digest(of: "countersignature".utf8)) && !store.has(Digest(of: "orphan".utf8)))
    }

    @Test func marksAreARepositorysOwn() async throws {
        let store = try CraftedStore()
        let digest = try store.image(["layer"], in: "a")
        #expect(try store.image(["layer"], in: "b", tag: "1") == digest)
        let report = try await store.collect(untagged: true)
        #expect(report.repositories.map(\.manifestsDeleted) == [[digest], []])
        #expect(report.blobs.isEmpty && store.has(digest) && store.serves(digest, "b") && !store.serves(digest, "a"))
        let layer = Digest(of: "layer".utf8)
        #expect(!store.exists(CraftedStore.layer(layer, "a")) && store.exists(CraftedStore.layer(layer, "b")))
    }

    /// Whoever deleted one platform by its digest still has an index that lists it.
    @Test func aChildThatIsNotServedIsKeptWithItsLayers() async throws {
        let store = try CraftedStore()
        let child = try store.image(["child"], in: "a")
        let absent = Digest(of: "never pushed".utf8)
        try store.index([child, absent], in: "a", tag: "1")
        try store.delete(child, in: "a")
        let report = try await store.collect(untagged: true)
        #expect(report.blobs.isEmpty && store.has(child) && store.has(Digest(of: "child".utf8)))
    }

    @Test func membersCountInAnyCaseAndTwice() async throws {
        let store = try CraftedStore()
        let first = try store.layer("first", in: "a"), second = try store.layer("second", in: "a")
        let config = try store.layer("{}", in: "a")
        try store.manifest(
            #"{"schemaVersion":2,"CONFIG":\#(store.descriptor(config)),"Layers":[\#(store.descriptor(first))],"#
                + #""l\u0061yers":[\#(store.descriptor(second))]}"#, in: "a", tag: "1")
        let report = try await store.collect()
        #expect(report.blobs.isEmpty && report.marked == 4)
    }

    @Test func schema1KeepsItsLayersSignedOrNot() async throws {
        let store = try CraftedStore()
        let plain = try store.layer("plain", in: "a"), signed = try store.layer("signed", in: "a")
        func body(_ digest: Digest) -> String {
            #"{"schemaVersion":1,"name":"a","tag":"1","architecture":"amd64","fsLayers":[{"blobSum":"\#(digest)"}],"#
                + #""history":[{"v1Compatibility":"{}"}]"#
        }
        try store.manifest(body(plain) + "}", in: "a", tag: "plain")
        func base64(_ text: String) -> String {
            Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
                "=", with: "")
        }
        // What is signed is the document without its signatures, and that is what it goes by.
        let payload = body(signed) + "}"
        let protected = base64(#"{"formatLength":\#(payload.utf8.count - 1),"formatTail":"\#(base64("}"))"}"#)
        let document = body(signed) + #","signatures":[{"protected":"\#(protected)","signature":"","header":{}}]}"#
        let digest = Digest(of: payload.utf8)
        try store.write(document, CraftedStore.blob(digest))
        try store.write(digest.description, CraftedStore.revision(digest, "a"))
        let signature = try store.blob("a signature of its own")
        try store.write(
            signature.description,
            CraftedStore.revision(digest, "a").replacing("/link", with: "/signatures/sha256/\(signature.hex)/link"))
        let report = try await store.collect()
        #expect(report.blobs.isEmpty)
        let deleted = try await store.collect(untagged: true)
        #expect(deleted.repositories[0].manifestsDeleted == [digest] && store.has(plain))
        #expect(Set(deleted.blobs.map(\.digest)) == [digest, signed, signature])
        #expect(!store.exists("repositories/a/_manifests/revisions/sha256/\(digest.hex)"))
    }

    @Test func sha512IsFollowedByItsLinks() async throws {
        let store = try CraftedStore()
        let long = Digest(of: "layer".utf8, algorithm: .sha512), layer = try store.blob("layer")
        try store.write(layer.description, CraftedStore.layer(long, "a"))
        let unused = Digest(of: "unused".utf8, algorithm: .sha512), dead = try store.blob("unused")
        try store.write(dead.description, CraftedStore.layer(unused, "a"))
        let config = try store.layer("config", in: "a")
        let text =
            #"{"schemaVersion":2,"config":\#(store.descriptor(config)),"layers":[\#(store.descriptor(long))]}"#
        let manifest = try store.blob(text)
        let name = Digest(of: text.utf8, algorithm: .sha512)
        try store.write(manifest.description, CraftedStore.revision(name, "a"))
        try store.index([name], in: "a", tag: "1")
        let report = try await store.collect(untagged: true)
        #expect(report.blobs.map(\.digest) == [dead] && store.has(layer) && store.has(manifest))
        #expect(report.repositories[0].layerLinksRemoved == [unused])
        // Where a link is broken, nobody can tell which blob it meant.
        try store.write("", CraftedStore.layer(long, "a"))
        try store.write(layer.description, CraftedStore.layer(layer, "a"))
        let careful = try await store.collect(untagged: true)
        #expect(careful.blobs.isEmpty && store.has(layer))
        #expect(careful.notes.contains { $0.contains("every blob that is linked stays") })
    }

    @Test func historyGoesAndTheTagStays() async throws {
        let store = try CraftedStore()
        let old = try store.image(["old"], in: "a", tag: "1")
        let new = try store.image(["new"], in: "a", tag: "1")
        let report = try await store.collect()
        let history = report.repositories[0].tagHistoryRemoved
        #expect(history.map(\.tag) == ["1"] && history.map(\.digest) == [old])
        #expect(report.blobs.isEmpty && store.serves(old, "a"))
        #expect(!store.exists(CraftedStore.history(old, "1", "a")) && store.exists(CraftedStore.history(new, "1", "a")))
        #expect(store.exists(CraftedStore.current("1", "a")))
    }

    @Test func theYoungStay() async throws {
        let store = try CraftedStore()
        let dead = try store.image(["dead"], in: "a", tag: "1")
        try store.delete(dead, in: "a", tags: "1")
        let loose = try store.image(["loose"], in: "a")
        let first = try await store.collect(untagged: true, grace: .seconds(3600))
        #expect(
            first.blobs.isEmpty && first.waiting.blobs == 6 && first.waiting.manifests == 1
                && first.repositories[0].isUntouched
                && store.serves(loose, "a"))
        // What is linked lately keeps its blob, however old that is.
        let moment = try await store.moment()
        let layer = Digest(of: "dead".utf8)
        try store.write(layer.description, CraftedStore.layer(layer, "b"))
        let second = try await store.collect(asOf: moment)
        #expect(store.has(layer) && !store.has(dead) && second.blobs.count == 2)
    }

    /// A writer whose time is before the start, and whose link comes after the survey, would lose what it relied on.
    @Test func nobodyWritesWhileTheStartIsRead() async throws {
        let store = try CraftedStore()
        try store.image(["layer"], in: "a", tag: "1")
        let wasFree = Mutex<Bool?>(nil)
        _ = try await StoreCollector(root: store.root, CollectionOptions()) { root in
            let writer = try DirectoryLock.trying(.shared, on: ".dray/lock", in: root)
            wasFree.withLock { $0 = writer != nil }
            return fileTime()
        }.run()
        #expect(wasFree.withLock { $0 } == false)
    }

    /// `has` is a promise for the grace time, and `put` looks again.
    @Test func whatSomebodyAskedAfterStays() async throws {
        let crafted = try CraftedStore()
        let digest = try crafted.blob("asked after"), other = try crafted.blob("not asked after")
        try FileManager.default.createDirectory(
            atPath: crafted.path("repositories"), withIntermediateDirectories: true)
        let moment = try await crafted.moment()
        let store = Store(path: crafted.root)
        let descriptor = Descriptor(mediaType: .ociLayerGzip, digest: digest, size: 11)
        #expect(try await store.has(descriptor, in: "a"))
        let report = try await crafted.collect(asOf: moment)
        #expect(report.blobs.map(\.digest) == [other] && report.waiting.blobs == 1)
        let image = try Manifest(
            making: ImageManifest(mediaType: .ociManifest, config: descriptor, layers: []))
        try await store.put(image, in: "a")
        try await store.tag(image.descriptor, as: ImageName(repository: "a", tag: "1"))
        let missing = try Manifest(
            making: ImageManifest(
                mediaType: .ociManifest, config: Descriptor(mediaType: .ociConfig, digest: other, size: 15), layers: [])
        )
        await #expect(throws: (any Error).self) { try await store.put(missing, in: "a") }
        await #expect(throws: (any Error).self) {
            try await store.tag(missing.descriptor, as: ImageName(repository: "a", tag: "2"))
        }
        await store.abandon()
        #expect(try await crafted.collect().blobs.isEmpty)
    }

    @Test func quarantineCanBeUndone() async throws {
        let store = try CraftedStore()
        try store.image(["kept"], in: "b", tag: "1")
        let dead = try store.image(["dead"], in: "a", tag: "1")
        try store.image(["untagged"], in: "a")
        try store.tag(dead, "2", in: "a")
        try store.image(["new"], in: "a", tag: "2")
        try store.delete(dead, in: "a", tags: "1")
        let before = try store.content().filter { $0.value != nil }
        let report = try await store.collect(untagged: true, quarantine: true)
        let quarantine = StoreQuarantine(root: store.root)
        let entry = try #require(try quarantine.entries().first)
        #expect(report.quarantine == entry.id && entry.files > 8 && entry.bytes > report.bytes)
        #expect(!store.has(dead) && report.manifests == 1)
        let plain = try await store.collect(untagged: true)
        #expect(plain.blobs.isEmpty)
        // What came again in the meantime is left.
        try store.blob("dead")
        let restored = try await quarantine.restore(nil)
        #expect(restored.occupied.count == 1 && restored.restored == entry.files - 1)
        #expect(try store.content().filter { $0.value != nil } == before)
        #expect(try quarantine.entries().map(\.files) == [1])
        #expect(try await quarantine.purge(nil).count == 1)
        #expect(try quarantine.entries().isEmpty)
        await #expect(throws: (any Error).self) { try await quarantine.restore(nil) }
    }

    /// Other files in the quarantine can only have been put there by somebody else.
    @Test func onlyFilesOfAStoreArePutBack() async throws {
        let store = try CraftedStore()
        let dead = try store.image(["dead"], in: "a", tag: "1")
        try store.delete(dead, in: "a", tags: "1")
        let run = try #require(try await store.collect(quarantine: true).quarantine)
        let hex = dead.hex
        let foreign = [
            "jail/etc/evil", "registry/v2/evil", "registry/v2/blobs/sha256/00/\(hex)/data",
            "registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data.2", "registry/v2/repositories/a/_layers/sha256/link",
            "registry/v2/repositories/_manifests/tags/1/current/link",
            "registry/v2/repositories/a/_manifests/tags/1/current/evil",
            "registry/v2/repositories/a/_manifests/revisions/sha256/\(hex)/evil/sha256/\(hex)/link",
        ]
        for path in foreign { try store.write("evil", "../../../.dray/quarantine/\(run)/docker/\(path)") }
        let restored = try await StoreQuarantine(root: store.root).restore(nil)
        #expect(Set(restored.foreign) == Set(foreign.map { "docker/\($0)" }))
        #expect(store.has(dead) && restored.occupied.isEmpty)
        for path in foreign { #expect(!store.exists("../../../docker/\(path)")) }
        #expect(try StoreQuarantine(root: store.root).entries().map(\.files) == [foreign.count])
    }

    @Test func whatLiesElsewhereIsReadAndLeft() async throws {
        let store = try CraftedStore(), other = try CraftedStore()
        let layer = try store.blob("layer")
        try other.write(layer.description, CraftedStore.layer(layer, "a"))
        let dead = try other.image(["dead"], in: "a")
        try FileManager.default.createSymbolicLink(
            atPath: store.path("repositories/linked"), withDestinationPath: other.path("repositories/a"))
        // A circle as well.
        try FileManager.default.createSymbolicLink(
            atPath: store.path("repositories/circle"), withDestinationPath: store.path("repositories"))
        try store.write(
            Array(try #require(FileManager.default.contents(atPath: other.path(CraftedStore.blob(dead))))),
            CraftedStore.blob(dead))
        let report = try await store.collect(untagged: true)
        #expect(report.blobs.isEmpty && store.has(layer) && store.has(dead) && other.serves(dead, "a"))
        #expect(report.notes.contains { $0.contains("symbolic link") })
    }
}
