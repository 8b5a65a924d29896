import ImageModel
import Testing

/// Annotations that are so many that they are not kept in a dictionary.
struct PackedAnnotationTests {
    private let many = Dictionary(
        uniqueKeysWithValues: (0..<300).map { ("key \($0)", $0 % 3 == 0 ? "" : "välue \($0)") })

    private func descriptor(_ annotations: [String: String]?) -> Descriptor {
        Descriptor(mediaType: .ociManifest, digest: Digest(of: []), size: 0, annotations: annotations)
    }

    @Test func theyAreWhatWasPutIn() throws {
        #expect(descriptor(many).annotations == many)
        #expect(descriptor([:]).annotations == [:] && descriptor(nil).annotations == nil)
        let encoded = try Document.encode(descriptor(many))
        let decoded = try Document.decode(Descriptor.self, from: encoded, name: "it")
        #expect(decoded.annotations == many)
        #expect(try Document.encode(decoded) == encoded)
        #expect(encoded.count > 300 * 10)
    }

    @Test func theyAreEqualInAnyOrder() {
        let other = Dictionary(uniqueKeysWithValues: many.sorted { $0.key > $1.key })
        var changed = many
        changed["key 7"] = "välue 8"
        #expect(descriptor(many) == descriptor(other) && Set([descriptor(many), descriptor(other)]).count == 1)
        #expect(descriptor(many) != descriptor(changed))
    }

    @Test func oneOfThemIsFound() {
        var attestation = many
        attestation["vnd.docker.reference.type"] = "attestation-manifest"
        #expect(descriptor(attestation).isAttestation && !descriptor(many).isAttestation)
    }

    @Test func manifestsKeepThem() throws {
        var image = ImageManifest(mediaType: .ociManifest, config: descriptor(nil), layers: [])
        image.annotations = many
        let manifest = try Manifest(Manifest(making: image).bytes, name: "it")
        #expect(manifest.annotations == many && manifest.content == .image(image))
        var index = ImageIndex(manifests: [descriptor(many)])
        index.annotations = many
        let list = try Manifest(Manifest(making: index).bytes, name: "it")
        #expect(list.annotations == many && list.children.first?.annotations == many)
    }
}
