/// The images that a destination can hold, how it names them, and how blobs have to be written to it.
package struct DestinationTraits: Sendable {
    // MARK: Images

    package var holdsReferrers = true
    package var holdsSchema1 = false
    /// Whether more than one image fits.
    package var holdsManyImages = true
    /// Whether an image that goes by SHA-512 keeps that digest.
    package var keepsSHA512 = true
    /// Whether raw layers are usual there: then they are not gzipped unless that is asked for.
    package var keepsRawLayers = false
    /// Whether docker's part of an archive is written, which needs the bytes of every layer.
    package var hasDockerPart = false

    // MARK: Names

    /// Whether the registry's host is part of the names there.
    package var keepsHosts = false
    /// Whether a requested name that is one word is a tag (layouts, archives) or a repository (stores).
    package var bareNameIsTag = true
    /// Whether everything lies in one place, whatever repositories the names have.
    package var isOneRepository = false

    // MARK: Writing

    package enum BlobOrder: Sendable {
        case anyOrder
        /// One after the other: a tar.
        case oneAtATime
        /// Likewise, with size and digest known before the first byte: a tar on a pipe.
        case sizeFirst
    }

    package var blobs = BlobOrder.anyOrder
    /// Whether the order in which images come shows in what is written, so that they come one after the other.
    package var ordersImages = true
    /// Whether a blob without an image stays until a later copy uses it.
    package var keepsLooseBlobs = true
    /// Whether a blob is committed as soon as it is there, since nobody sees it before its manifest.
    package var commitsBlobsAtOnce = false

    package init() {}
}
