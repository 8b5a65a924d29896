import ByteStreams
import Foundation
import ImageModel
import RegistryStore
import Testing

/// Collections with the usual grace time, right after deletes through dray.
struct ReleasedContentTests {
    private let crafted: CraftedStore
    private let store: Store

    init() throws {
        crafted = try CraftedStore()
        store = Store(path: crafted.root, servesOthers: true)
    }

    private func collect(untagged: Bool = false, dryRun: Bool = false) async throws -> CollectionReport {
        try await crafted.collect(dryRun: dryRun, untagged: untagged, grace: .seconds(3600))
    }

    private func digest(_ text: String) -> Digest { Digest(of: text.utf8) }

    @Test func aDeletedImageGoesAtOnce() async throws {
        let dead = try crafted.image(["own", "shared"], in: "a/b", tag: "1")
        let live = try crafted.image(["shared"], in: "a/b", tag: "2")
        #expect(try store.deleteManifest(dead, in: "a/b"))
        let planned = try await collect(dryRun: true)
        let report = try await collect()
        #expect(report.blobs == planned.blobs && report.blobs.count == 3)
        #expect(report.waiting.blobs == 0 && report.waiting.last == nil && planned.waiting == report.waiting)
        #expect(!crafted.has(dead) && !crafted.has(digest("own")))
        #expect(crafted.has(live) && crafted.has(digest("shared")))
        #expect(!crafted.exists(CraftedStore.layer(digest("own"), "a/b")))
    }

    @Test func releasedContentThatIsRequestedAgainStays() async throws {
        let dead = try crafted.image(["head", "mounted", "linked", "uploaded", "idle"], in: "a", tag: "1")
        try crafted.image(["other"], in: "b", tag: "1")
        #expect(try store.deleteManifest(dead, in: "a"))
        let start = Timestamp.now
        #expect(try store.affirm(blob: digest("head"), in: "a"))
        #expect(try store.mount(digest("mounted"), from: "a", into: "b") == 7)
        try crafted.write(digest("linked").description, CraftedStore.layer(digest("linked"), "b"))
        let upload = try StoreUpload.begin(in: "b", of: store)
        try Array("uploaded".utf8).withUnsafeBytes {
            try upload.append($0)
            upload.hash($0)
        }
        #expect(try upload.commit(digest("uploaded")))
        let end = Timestamp.now
        let report = try await collect()
        for text in ["head", "mounted", "linked", "uploaded"] { #expect(crafted.has(digest(text)), "\(text)") }
        #expect(!crafted.has(digest("idle")) && !crafted.has(dead))
        #expect(report.waiting.blobs == 4 && report.waiting.bytes == 4 + 7 + 6 + 8)
        // An hour after they were asked for, not after the collection.
        let last = try #require(report.waiting.last)
        #expect((start + 3599...end + 3601).contains(Int(last / 1_000_000_000)))
        #expect(try #require(report.waiting.first) <= last)
    }

    @Test func unreleasedContentWaitsForTheGraceTime() async throws {
        let deleted = try crafted.image(["deleted behind dray's back"], in: "a", tag: "1")
        try crafted.delete(deleted, in: "a", tags: "1")
        try crafted.layer("pushed, and its manifest is still to come", in: "a")
        let loose = try crafted.image(["loose"], in: "c")
        // Of another repository's push.
        let dead = try crafted.image(["both"], in: "d", tag: "1")
        try crafted.layer("both", in: "e")
        #expect(try store.deleteManifest(dead, in: "d"))
        let report = try await collect(untagged: true)
        #expect(Set(report.blobs.map(\.digest)) == [dead, digest(#"config of ["both"]"#)])
        #expect(crafted.has(digest("both")) && crafted.serves(loose, "c"))
        // The deleted image's three, the single layer, the untagged image's three, and the shared one.
        #expect(report.waiting.blobs == 8 && report.waiting.manifests == 1)
        #expect(report.marked == 0)
    }

    @Test func anIndexReleasesItsPlatforms() async throws {
        let platforms = [try crafted.image(["amd64"], in: "a"), try crafted.image(["arm64"], in: "a")]
        let index = try crafted.index(platforms, in: "a", tag: "1")
        #expect(try store.deleteManifest(index, in: "a"))
        // They are manifests of the repository, with or without the index.
        #expect(try await collect().blobs.map(\.digest) == [index])
        let report = try await collect(untagged: true)
        #expect(Set(report.repositories[0].manifestsDeleted) == Set(platforms) && report.blobs.count == 6)
        #expect(report.waiting.blobs == 0)
    }

    @Test func aDeletedTagReleasesTheUntaggedImage() async throws {
        let image = try crafted.image(["layer"], in: "a", tag: "1")
        try crafted.tag(image, "2", in: "a")
        #expect(try store.deleteTag("1", in: "a") == image)
        #expect(try await collect(untagged: true).blobs.isEmpty)
        #expect(try store.deleteTag("2", in: "a") == image)
        #expect(try await collect().blobs.isEmpty)
        #expect(try await collect(untagged: true).blobs.count == 3)
    }

    @Test func aDeletedBlobGoesAtOnce() async throws {
        let layer = try crafted.layer("layer", in: "a")
        try crafted.image(["other"], in: "a", tag: "1")
        #expect(try store.unlinkBlob(layer, in: "a"))
        #expect(try await collect().blobs.map(\.digest) == [layer])
    }

    @Test func sha512IsReleasedByItsLinks() async throws {
        let long = Digest(of: "layer".utf8, algorithm: .sha512), layer = try crafted.blob("layer")
        try crafted.write(layer.description, CraftedStore.layer(long, "a"))
        let config = try crafted.layer("config", in: "a")
        let manifest = try crafted.manifest(
            #"{"schemaVersion":2,"config":\#(crafted.descriptor(config)),"layers":[\#(crafted.descriptor(long))]}"#,
            in: "a", tag: "1")
        #expect(try store.deleteManifest(manifest, in: "a"))
        #expect(Set(try await collect().blobs.map(\.digest)) == [layer, config, manifest])
    }

    /// The list only shortens a wait, so damage of it costs nothing else.
    @Test(arguments: [
        "", "\n", "nonsense\n", "1 a sha256:00\n", "1 ../../a sha256:\(String(repeating: "0", count: 64))\n",
        "99999999999999999999 a sha256:\(String(repeating: "0", count: 64))\n", "1795939200123456789 a sha2",
        "\u{0}\u{1}\u{2}",
    ])
    func aDamagedListIsReadAsFarAsItGoes(_ damage: String) async throws {
        let first = try crafted.image(["first"], in: "a", tag: "1"), second = try crafted.image(["second"], in: "b")
        #expect(try store.deleteManifest(first, in: "a"))
        let file = "\(crafted.root)/.dray/released"
        let list = try String(contentsOfFile: file, encoding: .utf8)
        let line = "\(list.split(separator: " ")[0]) a \(first)\n"
        #expect(list == line)
        try (damage + (damage.isEmpty || damage.hasSuffix("\n") ? "" : "\n") + line).write(
            toFile: file, atomically: true, encoding: .utf8)
        #expect(try store.deleteManifest(second, in: "b"))
        #expect(try await collect().blobs.count == 6)
    }

    @Test func releasesOfTheFutureDoNotCount() async throws {
        let image = try crafted.image(["layer"], in: "a", tag: "1")
        try crafted.delete(image, in: "a", tags: "1")
        try FileManager.default.createDirectory(atPath: "\(crafted.root)/.dray", withIntermediateDirectories: true)
        try "\(Int64.max) a \(image)\n".write(
            toFile: "\(crafted.root)/.dray/released", atomically: true, encoding: .utf8)
        let moment = try await crafted.moment()
        try crafted.write(Array("layer".utf8), CraftedStore.blob(digest("layer")))
        let report = try await crafted.collect(grace: .seconds(3600), asOf: moment)
        // Nothing that was written after the start goes, whatever the list says.
        #expect(report.blobs.count == 2 && crafted.has(digest("layer")))
    }

    @Test func aLinkInPlaceOfTheListIsNotFollowed() throws {
        let image = try crafted.image(["layer"], in: "a", tag: "1")
        try FileManager.default.createDirectory(atPath: "\(crafted.root)/.dray", withIntermediateDirectories: true)
        let outside = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: outside) }
        try Data("kept".utf8).write(to: outside)
        try FileManager.default.createSymbolicLink(
            atPath: "\(crafted.root)/.dray/released", withDestinationPath: outside.path)
        #expect(throws: ImageError.self) { try store.deleteManifest(image, in: "a") }
        #expect(try Data(contentsOf: outside) == Data("kept".utf8) && crafted.serves(image, "a"))
    }
}
