import ImageModel

/// The facts about a layout's manifests that a listing needs. Each manifest is read once, however often it is listed.
struct ReadManifests {
    /// The part of a manifest that is kept; whole manifests may be many and large.
    struct Facts: Sendable {
        /// Type, digest and size.
        var descriptor: Descriptor
        var subject: Digest?
        /// The config of an image; nil for other manifests.
        var config: Digest?
        var children: [Descriptor]

        init(_ manifest: Manifest) {
            descriptor = manifest.descriptor
            subject = manifest.subject?.digest
            if case .image(let image) = manifest.content { config = image.config.digest }
            children = manifest.children.map(\.plain)
        }
    }

    private struct Key: Hashable {
        var digest: Digest
        /// The claimed type, which counts where a manifest does not tell its own.
        var type: MediaType?
    }

    let source: OCISource
    private var known: [Key: Result<Facts, any Error>] = [:]

    init(source: OCISource) { self.source = source }

    /// - Throws: what `OCISource.manifest(of:)` throws.
    mutating func facts(of descriptor: Descriptor) throws -> Facts {
        let type = descriptor.mediaType.isManifest ? descriptor.mediaType : nil
        let key = Key(digest: descriptor.digest, type: type)
        var sized = descriptor
        sized.size = -1
        let read = known[key] ?? Result { Facts(try source.manifest(of: sized)) }
        known[key] = read
        let facts = try read.get()
        try facts.descriptor.check(
            claim: descriptor, name: "\(source.title): the manifest \(descriptor.digest)")
        return facts
    }
}
