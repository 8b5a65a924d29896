package import ByteStreams
package import ImageModel

/// Somewhere that images can be read from.
///
/// Everything is addressed by digest: `images` gives the roots, and what they refer to is fetched by its
/// descriptor. Sources are safe to use from many tasks at once.
package protocol ImageSource: Sendable {
    /// What messages call it.
    var title: String { get }
    /// The reference that leads to a repository of it, or to all of it; nil if none does.
    func reference(in repository: String?) -> ImageReference?
    /// What layers become when nobody says: `.keep`, but for docker-archives, which hold raw tars.
    var defaultCompression: CompressionChoice { get }
    /// The repository of images that have only a tag, or no name: made from the file's name.
    var madeUpRepository: String { get }

    /// Whether reading a manifest is a matter of a network, so that what can be told without is.
    var isRemote: Bool { get }
    /// In which order it can be read; of any other than `.anyOrder` it is a `StreamedSource`.
    var access: SourceAccess { get }

    /// Everything there is.
    func listing() async throws -> SourceListing
    /// What a reference means: all without name and digest.
    ///
    /// - Parameters:
    ///   - name: a repository, a tag, or both, as the source's transport writes them.
    ///   - digest: of a manifest, or an image ID.
    /// - Throws: `ImageError.notFound`, with the names that there are.
    func listing(named name: String?, digest: Digest?) async throws -> SourceListing
    /// What is chosen of a reference's images by their tags, before more than these is looked at.
    ///
    /// - Parameter choose: is given each repository; gives the tags that are wanted, all of which are there.
    func listing(
        named name: String?, choosing choose: @Sendable (TagCandidates) async throws -> [String]
    ) async throws -> SourceListing
    /// The only image, or the one that is tagged `latest`.
    func image(named name: String?, digest: Digest?) async throws -> SourceImage
    /// The images of a repository whose tags are wanted.
    func images(in repository: String?, tagged isWanted: @Sendable @escaping (String) -> Bool) async throws
        -> [SourceImage]
    /// The manifest, verified by digest and size.
    ///
    /// - Throws: `ImageError.notFound` if it is not there.
    func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest
    /// The bytes of a blob, as they lie there: whoever reads them verifies them.
    ///
    /// - Throws: `ImageError.notFound` if it is not there.
    func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource
    /// What lists `digest` as its subject.
    func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor]
    /// Those of them that no tag of the repository lists: where fallback tags do, they are images of their own.
    func untaggedReferrers(of digest: Digest, in repository: String?) async throws -> [Descriptor]
    /// The diffID that a layer has to have, where digests were not given but computed, so that only the
    /// diffID can show that the layer is the right one.
    func expectedDiffID(of layer: Digest) async throws -> Digest?
    /// What messages call the place of a blob: one of several files, where a source has those.
    func title(of blob: Digest) -> String
    /// Why a blob is not here, as far as that can be told without reading it; nil if it seems to be.
    func absence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence?
}

extension ImageSource {
    package func reference(in repository: String?) -> ImageReference? { nil }
    package var defaultCompression: CompressionChoice { .keep }
    package var isRemote: Bool { false }
    package var access: SourceAccess { .anyOrder }
    package func expectedDiffID(of layer: Digest) async throws -> Digest? { nil }
    package func title(of blob: Digest) -> String { title }
    package func absence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence? { nil }
    package func untaggedReferrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await referrers(of: digest, in: repository)
    }

    /// Every image that can be read.
    package func images() async throws -> [SourceImage] { try await listing().images }

    /// Those of the images that a reference means that can be read.
    ///
    /// - Throws: what is wrong if none can.
    package func images(named name: String?, digest: Digest?) async throws -> [SourceImage] {
        try await listing(named: name, digest: digest).readable()
    }

    /// A blob that is a document, such as a config: read whole and verified.
    package func document(_ descriptor: Descriptor, in repository: String?) async throws -> [UInt8] {
        let title = "\(title): \(descriptor.digest)"
        let source = Handover(try await part(descriptor, in: repository))
        return try await Workers.blobs.run {
            try VerifyingSource(
                source.value, digest: descriptor.digest, size: descriptor.size < 0 ? nil : descriptor.size, name: title
            ).readAll(limit: Document.sizeLimit, name: title)
        }
    }

    /// The config of an image; nil where the manifest is not of an image.
    package func config(of image: ImageManifest, in repository: String?) async throws -> ImageConfig? {
        guard image.config.mediaType.isImageConfig else { return nil }
        let bytes = try await document(image.config, in: repository)
        return try ImageConfig(bytes, name: "\(title): config \(image.config.digest)")
    }
}
