import Foundation
import ImageModel
import RegistryStore
import Testing

struct ReferenceScannerTests {
    private func scan(_ text: String) throws -> ManifestReferences {
        try Array(text.utf8).withUnsafeBytes { try ReferenceScanner.scan($0) }
    }

    private static let digests = (0..<9).map { Digest(of: "\($0)".utf8) }

    private func descriptor(_ number: Int, _ type: MediaType = .ociLayer) -> String {
        #"{ "size" : 7, "digest": "\#(Self.digests[number])", "annotations": {"digest":"\#(Self.digests[8])","a":"]\"{"},"#
            + #""mediaType":"\#(type.rawValue.replacing("/", with: "\\/"))", "x": [1.5e-3, true, null, [], "\\"]}"#
    }

    /// The decoder that everything else goes by finds the same.
    @Test func agreesWithTheDecoder() throws {
        for text in [
            #"{"schemaVersion":2,"config":\#(descriptor(0)),"layers":[\#(descriptor(1)),\#(descriptor(2))]}"#,
            #"{"schemaVersion":2,"config":\#(descriptor(0)),"layers":null,"subject":\#(descriptor(3, .ociManifest))}"#,
            #"{"manifests":[\#(descriptor(4, .ociManifest)),\#(descriptor(5)),\#(descriptor(6, .dockerList))]}"#,
            #"{"manifests":[],"x":{"config":{"digest":"x"}},"subject":\#(descriptor(0, .ociIndex))}"#,
            #"{"mediaType":"\#(MediaType.ociArtifactManifest)","blobs":[\#(descriptor(1))]}"#,
            #"{"name":"a","tag":"b","fsLayers":[{"blobSum":"\#(Self.digests[0])"},{"blobSum":"\#(Self.digests[1])"}]}"#,
        ] {
            let found = try scan(text)
            let manifest = try Manifest(Array(text.utf8), name: "x")
            #expect(Set(found.blobs) == Set(manifest.blobs.compactMap { PackedDigest($0.digest) }), "\(text)")
            #expect(found.children == manifest.children.compactMap { PackedDigest($0.digest) }, "\(text)")
            #expect(found.subject == manifest.subject?.digest, "\(text)")
        }
    }

    /// Go reads members in any case, the long s as an S and the Kelvin sign as a K.
    @Test func findsEverySpellingThatGoAccepts() throws {
        for (plain, spelled) in [
            ("layers", "layerſ"), ("layers", "LAYERſ"), ("layers", #"layer\u017f"#), ("blobs", "blobſ"),
            ("config", "CONFIG"),
        ] {
            let list = plain == "config" ? descriptor(1) : "[\(descriptor(1))]"
            let found = try scan(#"{"\#(spelled)":\#(list)}"#)
            #expect(found.blobs == [PackedDigest(Self.digests[1])], "\(spelled)")
        }
        let index = try scan(
            #"{"manifeſts":[\#(descriptor(4, .ociManifest))],"ſubject":\#(descriptor(0, .ociManifest))}"#)
        #expect(index.children == [PackedDigest(Self.digests[4])])
        #expect(index.subject == Self.digests[0])
        let old = try scan(#"{"name":"a","tag":"b","fſLayerſ":[{"blobſum":"\#(Self.digests[1])"}]}"#)
        #expect(old.blobs == [PackedDigest(Self.digests[1])])
        // A reader in Go sees both kinds.
        #expect(throws: ImageError.self) {
            try scan(#"{"layerſ":[\#(descriptor(1))],"manifests":[\#(descriptor(4, .ociManifest))]}"#)
        }
    }

    @Test func foldsAsGoDoes() {
        #expect(MemberNames.fold("layerſ") == MemberNames.fold("Layers"))
        #expect(MemberNames.fold("\u{212A}ind") == MemberNames.fold("kind"))
        #expect(MemberNames.fold("layers") != MemberNames.fold("layer"))
    }

    @Test func refusesWhatItDoesNotUnderstand() {
        for text in [
            "", " ", "[]", "null", "{", "{}", #"{"config":}"#, #"{"config":{"digest":"sha256:00"}}"#, #"{"config":{}}"#,
            #"{"layers":{}}"#, #"{"layers":[1]}"#, #"{"layers":["x"]}"#, #"{"layers":[]} {}"#, #"{"layers":[],}"#,
            #"{"layers":[]"#, #"{"layers":[],"x":"}"#, #"{"layers":[],"x":"\"#, #"{"layers":[],"x":[1}"#,
            #"{"layers":[],"x":"# + String(repeating: "[", count: 100),
            #"{"config":{"digest":"\#(Self.digests[0])","digest":"\#(Self.digests[1])"}}"#,
        ] {
            #expect(throws: (any Error).self, "\(text)") { try scan(text) }
        }
    }

    @Test func packedDigestsAreDigests() {
        for digest in Self.digests {
            let packed = PackedDigest(digest)
            #expect(packed?.digest == digest && packed?.hex == digest.hex && packed == PackedDigest(hex: digest.hex))
        }
        #expect(Self.digests.compactMap { PackedDigest($0) }.sorted().map(\.digest) == Self.digests.sorted())
        for text in ["", "0", String(repeating: "A", count: 64), String(repeating: "0", count: 65)] {
            #expect(PackedDigest(hex: text) == nil)
        }
        #expect(PackedDigest(Digest(of: [], algorithm: .sha512)) == nil)
    }
}
