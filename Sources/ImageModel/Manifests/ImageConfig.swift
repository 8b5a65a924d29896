/// What dray looks at in an image's config. The config itself travels as bytes.
/// Source: OCI image-spec, config.md; Docker's image specification v1.2.
package struct ImageConfig: Sendable, Codable {
    package struct RootFS: Sendable, Codable {
        package var type: String?
        package var diffIDs: [Digest]?

        enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }
    }

    package struct History: Sendable, Codable {
        package var created: String?
        package var createdBy: String?
        package var comment: String?
        package var emptyLayer: Bool?

        enum CodingKeys: String, CodingKey {
            case created, comment
            case createdBy = "created_by"
            case emptyLayer = "empty_layer"
        }
    }

    package var architecture: String?
    package var os: String?
    package var variant: String?
    package var created: String?
    package var author: String?
    package var rootfs: RootFS?
    package var history: [History]?

    /// Reads a config. Its keys may be in another letter case, as Go reads them: Microsoft's have `rootfS`.
    ///
    /// - Parameter name: for messages.
    /// - Throws: `ImageError`.
    package init(_ bytes: [UInt8], name: String) throws {
        self = try Document.decode(Self.self, from: bytes, name: name, members: .config, acceptsSpellings: true)
    }

    /// One for each layer, base first.
    package var diffIDs: [Digest] { rootfs?.diffIDs ?? [] }

    package var platform: Platform? {
        guard let os, let architecture else { return nil }
        return Platform(os: os, architecture: architecture, variant: variant)
    }
}
