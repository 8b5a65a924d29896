/// An image in a listing, in the shape of its JSON.
public struct ListedImage: Encodable, Sendable {
    /// nil where the place has no repositories.
    public var repository: String?
    public var tag: String?
    public var digest: Digest
    public var mediaType: MediaType
    /// Bytes of its manifest or index.
    public var size: Int64
    /// The config's digest; nil unless the place goes by that.
    public var imageID: Digest?
    /// The platforms of its images, in the index's order. Like the next two, nil unless details were requested.
    public var platforms: [Platform]?
    /// Bytes of manifests, configs and layers, each counted once; nil if a manifest does not tell.
    public var contentSize: Int64?
    /// RFC 3339, from the config of its first image.
    public var created: String?

    enum CodingKeys: String, CodingKey {
        case repository, tag, digest, mediaType, size, imageID, platforms, contentSize, created
    }

    package init(_ image: SourceImage, _ summary: ImageSummary? = nil) {
        if case .full(let name) = image.name {
            repository = name.repository(withHost: true)
        } else {
            repository = image.repository
        }
        tag = image.tag
        digest = image.descriptor.digest
        mediaType = image.descriptor.mediaType
        size = image.descriptor.size
        imageID = image.imageID
        platforms = summary?.platforms
        contentSize = summary?.size
        created = summary?.created
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        // What there is no name for is null rather than left out.
        try container.encode(repository, forKey: .repository)
        try container.encode(tag, forKey: .tag)
        try container.encode(digest, forKey: .digest)
        try container.encode(mediaType, forKey: .mediaType)
        try container.encode(size, forKey: .size)
        try container.encodeIfPresent(imageID, forKey: .imageID)
        try container.encodeIfPresent(platforms?.map(\.description), forKey: .platforms)
        try container.encodeIfPresent(contentSize, forKey: .contentSize)
        try container.encodeIfPresent(created, forKey: .created)
    }
}
