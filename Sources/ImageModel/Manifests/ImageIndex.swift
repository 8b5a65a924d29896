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
