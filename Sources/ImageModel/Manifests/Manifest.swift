/// A manifest of any kind: the bytes that were read, which are its identity, and what they say.
package struct Manifest: Hashable, Sendable {
    /// In memory of its own, which the copies of a manifest share.
    package indirect enum Content: Hashable, Sendable {
        case image(ImageManifest)
        case index(ImageIndex)
        case schema1(Schema1Manifest)
    }

    package let bytes: [UInt8]
    package let mediaType: MediaType
    package let digest: Digest
    package let content: Content

    package var size: Int64 { Int64(bytes.count) }

    /// - Parameters:
    ///   - claim: the type that a descriptor or a header gives; nil or empty where there is none.
    ///   - algorithm: of the digest that names it.
    ///   - name: for messages.
    /// - Throws: `ImageError`; also where the claim is of another kind of manifest than the content.
    package init(
        _ bytes: [UInt8], mediaType claim: MediaType? = nil, algorithm: Digest.Algorithm = .sha256, name: String
    ) throws {
        (mediaType, content) = try LargeDocuments.inTurn(bytes.count) {
            try Self.parse(bytes, claim: claim, name: name)
        }
        self.bytes = bytes
        digest = Digest(of: Self.payload(of: content) ?? bytes, algorithm: algorithm)
    }

    private static func parse(_ bytes: [UInt8], claim: MediaType?, name: String) throws -> (MediaType, Content) {
        let probe = try Document.decode(ManifestProbe.self, from: bytes, name: name, members: .manifest)
        guard let kind = try probe.kind(name) else {
            throw ImageError.invalidDocument("\(name) is not a manifest: it has none of a manifest's members")
        }
        if let claim { try kind.check(claim: claim, name: name) }
        let own = [probe.mediaType, claim].compactMap { $0 }.first { $0.manifestKind == kind }
        switch kind {
        case .index:
            return (own ?? .ociIndex, .index(try Document.decode(ImageIndex.self, from: bytes, name: name)))
        case .image:
            return (own ?? .ociManifest, .image(try Document.decode(ImageManifest.self, from: bytes, name: name)))
        case .artifact:
            let artifact = try Document.decode(ArtifactManifest.self, from: bytes, name: name)
            return (.ociArtifactManifest, .image(artifact.asImage))
        case .schema1:
            return (
                probe.hasSignatures ? .dockerSchema1Signed : .dockerSchema1,
                .schema1(try Schema1Manifest(bytes, name: name))
            )
        }
    }

    private static func payload(of content: Content) -> [UInt8]? {
        if case .schema1(let manifest) = content { manifest.payload } else { nil }
    }

    /// What the digest is of: of a signed schema1 manifest, what is signed.
    package var payload: [UInt8] { Self.payload(of: content) ?? bytes }

    /// A manifest that dray makes: encoded once, here.
    package init(making image: ImageManifest, algorithm: Digest.Algorithm = .sha256) throws {
        bytes = try Document.encode(image)
        mediaType = image.mediaType ?? .ociManifest
        digest = Digest(of: bytes, algorithm: algorithm)
        content = .image(image)
    }

    /// An index that dray makes.
    package init(making index: ImageIndex, algorithm: Digest.Algorithm = .sha256) throws {
        bytes = try Document.encode(index)
        mediaType = index.mediaType ?? .ociIndex
        digest = Digest(of: bytes, algorithm: algorithm)
        content = .index(index)
    }

    /// The plain reference to it: no platform, no annotations.
    package var descriptor: Descriptor {
        Descriptor(mediaType: mediaType, digest: digest, size: size, artifactType: nil)
    }

    /// The reference to it in a list of referrers: with artifact type and annotations.
    package var referrerDescriptor: Descriptor {
        var descriptor = descriptor
        descriptor.artifactType = artifactType
        switch content {
        case .image(let image): descriptor.packedAnnotations = image.packedAnnotations
        case .index(let index): descriptor.packedAnnotations = index.packedAnnotations
        case .schema1: break
        }
        return descriptor
    }

    package var subject: Descriptor? {
        switch content {
        case .image(let image): image.subject
        case .index(let index): index.subject
        case .schema1: nil
        }
    }

    package var kind: ManifestKind {
        switch content {
        case .image: mediaType == .ociArtifactManifest ? .artifact : .image
        case .index: .index
        case .schema1: .schema1
        }
    }

    /// Compares what a descriptor says of the manifest, other than its digest, with what it is.
    ///
    /// - Parameter name: of the manifest, for messages.
    /// - Throws: `ImageError` if the descriptor gives another kind of manifest, or another size.
    package func check(against descriptor: Descriptor, name: @autoclosure () -> String) throws(ImageError) {
        try self.descriptor.check(claim: descriptor, name: name())
    }

    /// Manifests that this one refers to, by the types that it gives them. Whether an entry of another type is a manifest,
    /// its content shows: see `Descriptor.mayBeManifest`.
    package var children: [Descriptor] {
        if case .index(let index) = content { index.manifests.filter(\.mediaType.isManifest) } else { [] }
    }

    /// Blobs that this one refers to, each once, in the order of their first mention. Schema1 does not
    /// tell their sizes: they are -1 there.
    package var blobs: [Descriptor] {
        let all: [Descriptor] =
            switch content {
            case .image(let image): mediaType == .ociArtifactManifest ? image.layers : [image.config] + image.layers
            case .index(let index): index.manifests.filter { !$0.mediaType.isManifest }
            case .schema1(let manifest):
                manifest.layers.map { Descriptor(mediaType: .dockerLayerGzip, digest: $0, size: -1) }
            }
        var seen: Set<Digest> = []
        return all.filter { seen.insert($0.digest).inserted }
    }

    package var annotations: [String: String]? {
        switch content {
        case .image(let image): image.annotations
        case .index(let index): index.annotations
        case .schema1: nil
        }
    }

    /// The type that a referrers list files the manifest under.
    package var artifactType: String? {
        switch content {
        case .image(let image):
            [image.artifactType, image.config.mediaType.rawValue].compactMap { $0 }.first { !$0.isEmpty }
        case .index(let index): index.artifactType
        case .schema1: nil
        }
    }

    /// The short-lived artifact manifest of the OCI 1.1 release candidates.
    private struct ArtifactManifest: Decodable {
        var artifactType: String?
        var blobs: [Descriptor]?
        var subject: Descriptor?
        var annotations: [String: String]?

        var asImage: ImageManifest {
            let empty = Descriptor(mediaType: .ociEmpty, digest: Digest(of: Array("{}".utf8)), size: 2)
            var image = ImageManifest(mediaType: .ociArtifactManifest, config: empty, layers: blobs ?? [])
            image.artifactType = artifactType
            image.subject = subject
            image.annotations = annotations
            return image
        }
    }
}
