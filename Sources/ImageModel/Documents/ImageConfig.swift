/// What dray looks at in an image's config. The config itself travels as bytes.
/// Source: OCI image-spec, config.md; Docker's image specification v1.2.
public struct ImageConfig: Sendable, Codable {
    public struct RootFS: Sendable, Codable {
        public var type: String?
        public var diffIDs: [Digest]?

        enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }
    }

    public struct History: Sendable, Codable {
        public var created: String?
        public var createdBy: String?
        public var comment: String?
        public var emptyLayer: Bool?

        enum CodingKeys: String, CodingKey {
            case created, comment
            case createdBy = "created_by"
            case emptyLayer = "empty_layer"
        }
    }

    public var architecture: String?
    public var os: String?
    public var variant: String?
    public var created: String?
    public var author: String?
    public var rootfs: RootFS?
    public var history: [History]?

    /// Reads a config. Its keys may be in another letter case, as Go reads them: Microsoft's have `rootfS`.
    ///
    /// - Parameter name: for messages.
    /// - Throws: `DocumentError`.
    public init(_ bytes: [UInt8], name: String) throws {
        self = try Document.decode(Self.self, from: bytes, name: name, members: .config, acceptsSpellings: true)
    }

    /// One for each layer, base first.
    public var diffIDs: [Digest] { rootfs?.diffIDs ?? [] }

    public var platform: Platform? {
        guard let os, let architecture else { return nil }
        return Platform(os: os, architecture: architecture, variant: variant)
    }
}
