package import ByteStreams
package import ImageModel

/// A place that images can be read from. What only some places can do is a protocol of its own: see
/// `SourceCapabilities.swift`.
///
/// Everything is addressed by digest: `listing` gives the roots, and what they refer to is fetched by its descriptor.
/// Sources are safe to use from many tasks at once.
package protocol ImageSource: Sendable {
    /// The name in messages.
    var title: String { get }
    /// The repository of images that have only a tag, or no name: made from the file's name.
    var madeUpRepository: String { get }
    /// The reference of a repository of it, or of all of it; nil if there is none.
    func reference(in repository: String?) -> ImageReference?
    /// Everything that is there.
    func listing() async throws -> SourceListing
    /// The manifest, verified by digest and size.
    ///
    /// - Throws: `ImageError.notFound`.
    func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest
    /// The bytes of a blob, which the caller has to verify.
    ///
    /// - Throws: `ImageError.notFound`.
    func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource
    /// The manifests that have another one as their subject.
    func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor]
}

extension ImageSource {
    package func reference(in repository: String?) -> ImageReference? { nil }

    /// The order in which it can be read.
    package var access: SourceAccess { (self as? any StreamedSource)?.order ?? .anyOrder }

    /// The form that layers get unless another one is asked for.
    package var defaultCompression: CompressionChoice { self is any HoldsRawLayers ? .gzipRaw : .keep }

    /// Whether each look-up costs a request over a network.
    package var isRemote: Bool { self is any RemoteSource }

    /// Every image that can be read.
    package func images() async throws -> [SourceImage] { try await listing().images }

    /// The images that a reference stands for, as far as they can be read.
    ///
    /// - Throws: the first problem if none can.
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
