import ImageModel
import ImageTransfer
import Testing

/// Manifests of images that change their form: what dray does not know in them stays.
struct RewriteTests {
    private static let name = ImageName(repository: "app", tag: "1")

    /// Copies one manifest, and gives what it became.
    private static func rewritten(
        _ manifest: String, _ type: MediaType, in place: MemoryPlace, _ change: (inout CopyOptions) -> Void
    ) async throws -> Manifest {
        place.name(place.add(Array(manifest.utf8), type), .full(name), in: "app")
        var options = CopyOptions()
        change(&options)
        let there = MemoryPlace("there")
        let report = try await Copier(options: options).copy([CopySelection(source: place)], to: there)
        return try await there.manifest(try #require(report.images.first).descriptor, in: nil)
    }

    private static func descriptor(_ descriptor: Descriptor, _ more: String = "") -> String {
        #"{"mediaType":"\#(descriptor.mediaType.rawValue)","digest":"\#(descriptor.digest)","size":\#(descriptor.size)\#(more)}"#
    }

    private static func image(
        _ place: MemoryPlace, _ type: MediaType, config: MediaType, layer: MediaType, more: String = ""
    ) -> String {
        let bytes =
            #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["\#(MemoryPlace.emptyDiffID)"]}}"#
        let config = place.add(Array(bytes.utf8), config)
        let raw = layer == .ociLayer || layer == .dockerLayer
        let layer = place.add(raw ? MemoryPlace.emptyTar : MemoryPlace.emptyLayer, layer)
        return #"{"schemaVersion":2,"mediaType":"\#(type.rawValue)","config":\#(descriptor(config)),"#
            + #""layers":[\#(descriptor(layer, #","x-of-layer":[1,2.5]"#))]\#(more)}"#
    }

    @Test func familiesAreConverted() async throws {
        let place = MemoryPlace()
        let docker = Self.image(
            place, .dockerManifest, config: .dockerConfig, layer: .dockerLayerGzip, more: #","x-own":{"deep":[null]}"#)
        let oci = try await Self.rewritten(docker, .dockerManifest, in: place) { $0.format = .oci }
        #expect(oci.mediaType == .ociManifest)
        let text = String(decoding: oci.bytes, as: UTF8.self)
        #expect(text.contains(MediaType.ociConfig.rawValue) && text.contains(MediaType.ociLayerGzip.rawValue))
        #expect(!text.contains("vnd.docker"))
        #expect(text.contains(#""x-own":{"deep":[null]}"#) && text.contains(#""x-of-layer":[1,2.5]"#), "\(text)")
        // And back again: the same image.
        let again = MemoryPlace()
        for (_, bytes) in place.contents { again.add(bytes, .ociLayer) }
        let back = try await Self.rewritten(text, .ociManifest, in: again) { $0.format = .docker }
        #expect(back.mediaType == .dockerManifest)
        #expect(back.blobs.map(\.digest) == oci.blobs.map(\.digest))
    }

    @Test func whatStaysKeepsItsBytes() async throws {
        let place = MemoryPlace()
        let odd = Self.image(place, .ociManifest, config: .ociConfig, layer: .ociLayerGzip, more: " ,\n \"x\" : 1 ")
        let kept = try await Self.rewritten(odd, .ociManifest, in: place) { $0.format = .oci }
        #expect(kept.bytes == Array(odd.utf8))
    }

    @Test(arguments: ["gzip", "zstd"]) func packedLayersGetTheirNewDescriptors(_ word: String) async throws {
        let place = MemoryPlace()
        let raw = Self.image(
            place, .ociManifest, config: .ociConfig, layer: .ociLayer, more: #","annotations":{"a":"b"}"#)
        let packed = try await Self.rewritten(raw, .ociManifest, in: place) {
            $0.compression = CompressionChoice.parse(word)?.choice
        }
        let layer = try #require(packed.blobs.last)
        #expect(layer.mediaType.rawValue.hasSuffix("+\(word)") && layer.digest != MemoryPlace.emptyDiffID)
        #expect(packed.annotations == ["a": "b"])
        #expect(String(decoding: packed.bytes, as: UTF8.self).contains(#""x-of-layer":[1,2.5]"#))
    }

    /// schema2 has no name for zstd.
    @Test func whatAFamilyCannotSayIsRefused() async throws {
        let place = MemoryPlace()
        let raw = Self.image(place, .dockerManifest, config: .dockerConfig, layer: .dockerLayer)
        await #expect {
            _ = try await Self.rewritten(raw, .dockerManifest, in: place) {
                $0.compression = CompressionChoice.parse("zstd")?.choice
                $0.format = .docker
            }
        } throws: { "\($0)".contains("schema2 has no media type") }
    }

    /// An index lists what its children have become; its own fields stay.
    @Test func indexesFollowTheirChildren() async throws {
        let place = MemoryPlace()
        let child = place.add(
            Array(Self.image(place, .ociManifest, config: .ociConfig, layer: .ociLayer).utf8), .ociManifest)
        let index =
            #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex.rawValue)","x-index":true,"manifests":"#
            + #"[\#(Self.descriptor(child, #","platform":{"architecture":"amd64","os":"linux"},"x-entry":"e""#))]}"#
        let packed = try await Self.rewritten(index, .ociIndex, in: place) {
            $0.compression = CompressionChoice.parse("gzip")?.choice
        }
        let entry = try #require(packed.children.first)
        #expect(entry.digest != child.digest && entry.platform?.description == "linux/amd64")
        let text = String(decoding: packed.bytes, as: UTF8.self)
        #expect(text.contains(#""x-index":true"#) && text.contains(#""x-entry":"e""#), "\(text)")
    }
}
