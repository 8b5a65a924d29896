/// One image or artifact: a config and layers. Sources: OCI image-spec, manifest.md; schema 2.
package struct ImageManifest: Hashable, Sendable, Codable {
    package var schemaVersion: Int
    package var mediaType: MediaType?
    package var artifactType: String?
    package var config: Descriptor
    package var layers: [Descriptor]
    package var subject: Descriptor?
    var packedAnnotations: PackedAnnotations?

    package var annotations: [String: String]? {
        get { packedAnnotations?.dictionary }
        set { packedAnnotations = newValue.map { PackedAnnotations($0) } }
    }

    private enum CodingKeys: String, CodingKey {
        case schemaVersion, mediaType, artifactType, config, layers, subject
        case packedAnnotations = "annotations"
    }

    package init(mediaType: MediaType, config: Descriptor, layers: [Descriptor]) {
        schemaVersion = 2
        self.mediaType = mediaType
        self.config = config
        self.layers = layers
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        schemaVersion = try container.decodeIfPresent(Int.self, forKey: .schemaVersion) ?? 2
        mediaType = try container.decodeIfPresent(MediaType.self, forKey: .mediaType)
        artifactType = try container.decodeIfPresent(String.self, forKey: .artifactType)
        config = try container.decode(Descriptor.self, forKey: .config)
        // Older writers leave out, or null, the layers of an image that has none.
        layers = try container.decodeIfPresent([Descriptor].self, forKey: .layers) ?? []
        subject = try container.decodeIfPresent(Descriptor.self, forKey: .subject)
        annotations = try container.decodeIfPresent([String: String].self, forKey: .packedAnnotations)
    }
}

/// A list of manifests: platforms of an image, the content of a layout, or the referrers of something.
/// Sources: OCI image-spec, image-index.md; schema 2's manifest list.
package struct ImageIndex: Hashable, Sendable, Codable {
    package var schemaVersion: Int
    package var mediaType: MediaType?
    package var artifactType: String?
    package var manifests: [Descriptor]
    package var subject: Descriptor?
    var packedAnnotations: PackedAnnotations?

    package var annotations: [String: String]? {
        get { packedAnnotations?.dictionary }
        set { packedAnnotations = newValue.map { PackedAnnotations($0) } }
    }

    private enum CodingKeys: String, CodingKey {
        case schemaVersion, mediaType, artifactType, manifests, subject
        case packedAnnotations = "annotations"
    }

    package init(mediaType: MediaType? = .ociIndex, manifests: [Descriptor] = []) {
        schemaVersion = 2
        self.mediaType = mediaType
        self.manifests = manifests
    }

    /// Adds what is not in it yet, by digest.
    ///
    /// - Returns: whether there was anything to add.
    package mutating func add(_ others: [Descriptor]) -> Bool {
        let known = Set(manifests.map(\.digest))
        let new = others.filter { !known.contains($0.digest) }
        manifests += new
        return !new.isEmpty
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        schemaVersion = try container.decodeIfPresent(Int.self, forKey: .schemaVersion) ?? 2
        mediaType = try container.decodeIfPresent(MediaType.self, forKey: .mediaType)
        artifactType = try container.decodeIfPresent(String.self, forKey: .artifactType)
        // Docker 25 writes null for an archive that has only untagged images.
        manifests = try container.decodeIfPresent([Descriptor].self, forKey: .manifests) ?? []
        subject = try container.decodeIfPresent(Descriptor.self, forKey: .subject)
        annotations = try container.decodeIfPresent([String: String].self, forKey: .packedAnnotations)
    }
}

/// A manifest of the first schema, signed or not. Old registries hold them; dray verifies and carries them.
/// Source: distribution, docs/spec/manifest-v2-1.
package struct Schema1Manifest: Hashable, Sendable {
    package let name: String
    package let tag: String
    package let architecture: String
    /// Blobs, topmost first, with repeats.
    package let layers: [Digest]
    /// What the signatures sign, and what the digest is of: the document without its signatures.
    package let payload: [UInt8]

    private struct Body: Decodable {
        struct Layer: Decodable { let blobSum: Digest }
        struct Signature: Decodable {
            let protected: String
        }
        let name: String
        let tag: String
        let architecture: String?
        let fsLayers: [Layer]
        let signatures: [Signature]?
    }

    private struct Protected: Decodable {
        let formatLength: Int
        let formatTail: String
    }

    /// - Throws: `ImageError` if it is not a schema1 manifest or its signatures disagree about the payload.
    package init(_ bytes: [UInt8], name title: String) throws {
        let body = try Document.decode(Body.self, from: bytes, name: title)
        var signed: (length: Int, tail: [UInt8])?
        for signature in body.signatures ?? [] {
            guard let json = Base64.decodeURL(signature.protected) else {
                throw ImageError.invalidDocument("\(title): a signature's protected header is not base64url")
            }
            let header = try Document.decode(Protected.self, from: json, name: "\(title): a signature's header")
            guard (0...bytes.count).contains(header.formatLength), let tail = Base64.decodeURL(header.formatTail)
            else { throw ImageError.invalidDocument("\(title): a signature's header points outside of the document") }
            guard let known = signed else {
                signed = (header.formatLength, tail)
                continue
            }
            // What both take from the document is the same: whole payloads of many signatures would be many times it.
            let common = min(known.length, header.formatLength)
            guard (bytes[common..<known.length] + known.tail).elementsEqual(bytes[common..<header.formatLength] + tail)
            else { throw ImageError.invalidDocument("\(title): its signatures are of different payloads") }
        }
        self.name = body.name
        tag = body.tag
        architecture = body.architecture ?? ""
        layers = body.fsLayers.map(\.blobSum)
        payload = signed.map { bytes[..<$0.length] + $0.tail } ?? bytes
    }
}
