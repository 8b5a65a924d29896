import ImageModel
import ImageTransfer

/// An image in a listing: the shape that `ls` and `digest` print in JSON.
struct ImageRow: Encodable, Sendable {
    var repository: String?
    var tag: String?
    var digest: Digest
    var mediaType: MediaType
    var size: Int64
    /// Where the transport goes by that.
    var imageID: Digest?

    enum CodingKeys: String, CodingKey { case repository, tag, digest, mediaType, size, imageID }

    init(_ image: SourceImage) {
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
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        // What there is no name for is null rather than left out.
        try container.encode(repository, forKey: .repository)
        try container.encode(tag, forKey: .tag)
        try container.encode(digest, forKey: .digest)
        try container.encode(mediaType, forKey: .mediaType)
        try container.encode(size, forKey: .size)
        try container.encodeIfPresent(imageID, forKey: .imageID)
    }
}
