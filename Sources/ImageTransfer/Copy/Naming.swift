import ImageModel

/// What images are called where they go.
///
/// The name is the first of: the destination's, `--name`, the source's own, one made from the source's
/// file name. Whoever has none travels by digest, unless nothing at the source has one.
struct Naming {
    private let options: CopyOptions
    private let traits: DestinationTraits
    /// What the destination's reference calls them.
    private let requestedName: String?

    init(options: CopyOptions, traits: DestinationTraits, requestedName: String?) {
        self.options = options
        self.traits = traits
        self.requestedName = requestedName
    }

    /// An image, and its name at the destination; one without tag goes by digest.
    struct Named {
        var image: SourceImage
        var name: ImageName
        /// Why the name is not the source's own; nil if it is.
        var remark: String?
    }

    /// - Parameters:
    ///   - images: of one source.
    ///   - alone: whether nothing else is copied, so that one wish can name it.
    ///   - rename: what is made of the name that it would have.
    func assign(
        _ images: [SourceImage], from source: any ImageSource, alone: Bool, rename: NameTemplate? = nil
    ) throws -> [Named] {
        let wish = try wishedName()
        let anyNamed = images.contains { $0.name != .none }
        let chosen = try wish?.tag.map { try bearer(of: $0, images, from: source, alone: alone) }
        return try images.map { image in
            var named = own(image, from: source, alone: images.count == 1, anyNamed: anyNamed)
            if let wish {
                if let repository = wish.repository {
                    named.name.repository = repository
                    named.name.host = wish.host
                    named.remark = nil
                }
                if let chosen {
                    // What lies beside it, signatures for one, goes by digest.
                    named.name.tag = image.descriptor.digest == chosen ? wish.tag : nil
                    named.remark = nil
                }
            }
            if let rename {
                named.name = try rename.name(of: named.name, registry: image.host)
                named.remark = nil
            }
            if let prefix = options.prefix {
                named.name.repository = prefix + (prefix.hasSuffix("/") ? "" : "/") + named.name.repository
            }
            if !traits.keepsHosts { named.name.host = nil }
            guard ImageName.isRepository(named.name.repository) else {
                throw TransferError.refused(
                    "'\(named.name.repository)' is no valid repository name (for \(image.title))")
            }
            return named
        }
    }

    private func own(
        _ image: SourceImage, from source: any ImageSource, alone: Bool, anyNamed: Bool
    ) -> Named {
        switch image.name {
        case .full(let name):
            let familiar = name.familiar
            return Named(image: image, name: familiar)
        case .tag(let tag):
            let repository = image.repository ?? source.madeUpRepository
            return Named(
                image: image, name: ImageName(repository: repository, tag: tag),
                remark: image.repository == nil ? "the repository is made from the file's name" : nil)
        case .none:
            let repository = image.repository ?? source.madeUpRepository
            guard !anyNamed, image.repository == nil else {
                return Named(image: image, name: ImageName(repository: repository))
            }
            let tag = alone ? "latest" : ImageName.untagged(image.imageID ?? image.descriptor.digest)
            return Named(
                image: image, name: ImageName(repository: repository, tag: tag),
                remark: "\(source.title) gives it no name")
        }
    }

    /// The digest of the image that a tag is meant for: the only one, or the only one that has a tag.
    private func bearer(
        of tag: String, _ images: [SourceImage], from source: any ImageSource, alone: Bool
    ) throws -> Digest {
        let tagged = images.filter { $0.tag != nil }
        let candidates = Set((tagged.isEmpty ? images : tagged).map(\.descriptor.digest))
        guard alone, candidates.count == 1, let digest = candidates.first else {
            throw TransferError.refused(
                "\(source.title) holds \(images.count) images, and all of them cannot be called '\(tag)': "
                    + "choose one of them, or leave out the tag")
        }
        return digest
    }

    private struct Wish {
        var host: String?
        var repository: String?
        var tag: String?
    }

    /// The destination's name goes before `--name`. A word without `/` and `:` is a tag in layouts and
    /// archives, and a repository in a store.
    private func wishedName() throws -> Wish? {
        guard let text = requestedName ?? options.name else { return nil }
        if requestedName != nil, traits.bareNameIsTag, !text.contains("/"), !text.contains(":") {
            guard ImageName.isTag(text) else { throw TransferError.refused("'\(text)' is no valid tag") }
            return Wish(tag: text)
        }
        guard let name = ImageName(text) else {
            throw TransferError.refused("'\(text)' is no valid image name: REPOSITORY[:TAG] in lower case")
        }
        return Wish(host: name.host, repository: name.repository, tag: name.tag)
    }
}
