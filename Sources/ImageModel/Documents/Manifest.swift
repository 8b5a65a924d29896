/// A manifest of any kind: the bytes that were read, which are its identity, and what they say.
public struct Manifest: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case image(ImageManifest)
        case index(ImageIndex)
        case schema1(Schema1Manifest)
    }

    public let bytes: [UInt8]
    public let mediaType: MediaType
    public let digest: Digest
    public let content: Content

    public var size: Int64 { Int64(bytes.count) }

    /// - Parameters:
    ///   - mediaType: as the descriptor or the header gives it; when nil or empty, told from the content.
    ///   - algorithm: of the digest it goes by.
    ///   - name: for messages.
    /// - Throws: `DocumentError`.
    public init(
        _ bytes: [UInt8], mediaType given: MediaType? = nil, algorithm: Digest.Algorithm = .sha256, name: String
    ) throws {
        let probe = try Document.decode(Probe.self, from: bytes, name: name, members: .manifest)
        guard let type = given.flatMap({ $0.isManifest ? $0 : nil }) ?? probe.kind else {
            throw DocumentError("\(name) is no manifest of a known kind (media type \(given?.rawValue ?? "none"))")
        }
        self.bytes = bytes
        mediaType = type
        if type.isIndex {
            content = .index(try Document.decode(ImageIndex.self, from: bytes, name: name))
        } else if type.isSchema1 {
            content = .schema1(try Schema1Manifest(bytes, name: name))
        } else if type == .ociArtifactManifest {
            let artifact = try Document.decode(ArtifactManifest.self, from: bytes, name: name)
            content = .image(artifact.asImage)
        } else {
            content = .image(try Document.decode(ImageManifest.self, from: bytes, name: name))
        }
        digest = Digest(of: Self.payload(of: content) ?? bytes, algorithm: algorithm)
    }

    private static func payload(of content: Content) -> [UInt8]? {
        if case .schema1(let manifest) = content { manifest.payload } else { nil }
    }

    /// What the digest is of: of a signed schema1 manifest, what is signed.
    public var payload: [UInt8] { Self.payload(of: content) ?? bytes }

    /// A manifest that dray makes: encoded once, here.
    public init(making image: ImageManifest, algorithm: Digest.Algorithm = .sha256) throws {
        bytes = try Document.encode(image)
        mediaType = image.mediaType ?? .ociManifest
        digest = Digest(of: bytes, algorithm: algorithm)
        content = .image(image)
    }

    /// An index that dray makes.
    public init(making index: ImageIndex, algorithm: Digest.Algorithm = .sha256) throws {
        bytes = try Document.encode(index)
        mediaType = index.mediaType ?? .ociIndex
        digest = Digest(of: bytes, algorithm: algorithm)
        content = .index(index)
    }

    /// The plain reference to it: no platform, no annotations.
    public var descriptor: Descriptor {
        Descriptor(mediaType: mediaType, digest: digest, size: size, artifactType: nil)
    }

    /// The reference to it in a list of referrers: with artifact type and annotations.
    package var referrerDescriptor: Descriptor {
        var descriptor = descriptor
        descriptor.artifactType = artifactType
        descriptor.annotations = annotations
        return descriptor
    }

    public var subject: Descriptor? {
        switch content {
        case .image(let image): image.subject
        case .index(let index): index.subject
        case .schema1: nil
        }
    }

    /// Manifests that this one refers to. Children of an index that are of no manifest type are blobs.
    public var children: [Descriptor] {
        if case .index(let index) = content { index.manifests.filter(\.mediaType.isManifest) } else { [] }
    }

    /// Blobs that this one refers to, each once, in the order of their first mention. Schema1 does not
    /// tell their sizes: they are -1 there.
    public var blobs: [Descriptor] {
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

    public var annotations: [String: String]? {
        switch content {
        case .image(let image): image.annotations
        case .index(let index): index.annotations
        case .schema1: nil
        }
    }

    /// The type that a referrers list files the manifest under.
    public var artifactType: String? {
        switch content {
        case .image(let image):
            [image.artifactType, image.config.mediaType.rawValue].compactMap { $0 }.first { !$0.isEmpty }
        case .index(let index): index.artifactType
        case .schema1: nil
        }
    }

    private struct Probe: Decodable {
        var mediaType: MediaType?
        var schemaVersion: Int?
        var hasManifests = false
        var hasConfig = false
        var hasSchema1Layers = false
        var hasSignatures = false
        var hasBlobs = false

        enum CodingKeys: String, CodingKey {
            case mediaType, schemaVersion, manifests, config, layers, fsLayers, signatures, blobs
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            mediaType = try? container.decodeIfPresent(MediaType.self, forKey: .mediaType)
            schemaVersion = try? container.decodeIfPresent(Int.self, forKey: .schemaVersion)
            hasManifests = container.contains(.manifests)
            hasConfig = container.contains(.config)
            hasSchema1Layers = container.contains(.fsLayers)
            hasSignatures = container.contains(.signatures)
            hasBlobs = container.contains(.blobs)
        }

        var kind: MediaType? {
            if let mediaType, mediaType.isManifest { return mediaType }
            if hasSchema1Layers { return hasSignatures ? .dockerSchema1Signed : .dockerSchema1 }
            if hasManifests { return .ociIndex }
            if hasConfig { return .ociManifest }
            return nil
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
