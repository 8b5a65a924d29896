import ImageModel

/// What images are called where they go.
///
/// The name is the first of: the destination's, `--name`, the source's own, one made from the source's file name. Images
/// without a tag travel by digest, unless nothing at the source has a name. What is about another image goes into that
/// one's repository. Where several repositories go into one, each becomes one below it.
struct DestinationNaming {
    let options: CopyOptions
    let traits: DestinationTraits
    /// What the destination's reference calls them.
    let requestedName: String?

    /// An image, and its name at the destination; one without tag goes by digest.
    struct Named {
        var image: SourceImage
        var name: ImageName
        /// Why the name is not the source's own; nil if it is.
        var remark: String?
    }

    /// Images that are copied under one wish.
    struct Group {
        var selection: CopySelection
        var images: [SourceImage]

        init(_ selection: CopySelection, _ images: [SourceImage]) {
            self.selection = selection
            self.images = images
        }

        /// Repositories that the images have of their own.
        fileprivate var repositories: Set<ImageName> { Set(images.compactMap(\.ownRepository)) }

        /// The path above the repositories that the source's reference names: `team` of `team/*`, and of `team` where that
        /// is no repository but has some below it. nil where it names no folder.
        fileprivate var folder: String? {
            guard let name = selection.name else { return nil }
            if let pattern = RepositoryPattern(name) { return pattern.folder }
            let repositories = repositories
            guard !repositories.isEmpty, repositories.allSatisfy({ $0.repository.hasPrefix(name + "/") }) else {
                return nil
            }
            return name
        }
    }

    /// - Parameter groups: everything that is copied.
    /// - Returns: the images of each group.
    /// - Throws: `ImageError.refused`, `ImageError` for each group that cannot be named.
    func assign(_ groups: [Group]) -> [Result<[Named], any Error>] {
        var repositories: [Owner: Set<ImageName>] = [:]
        for group in groups { repositories[Owner(group.selection), default: []].formUnion(group.repositories) }
        return groups.map { group in
            Result {
                try assign(
                    group, alone: groups.count == 1 || group.selection.requestedName != nil,
                    isOneRepository: repositories[Owner(group.selection), default: []].count < 2)
            }
        }
    }

    /// Whose wish a name is: that of the command, or of a rule.
    private struct Owner: Hashable {
        let name: String?
        let rule: String?

        init(_ selection: CopySelection) {
            name = selection.requestedName
            rule = selection.rule
        }
    }

    private func assign(_ group: Group, alone: Bool, isOneRepository: Bool) throws -> [Named] {
        let images = group.images
        let wish = try wish(group.selection.requestedName ?? requestedName)
        let chosen = try wish?.tag.map { try bearer(of: $0, group, alone: alone) }
        let folder = group.folder
        let own = own(group)
        return try zip(images, own).map { image, own in
            var named = own
            if let wish {
                if let repository = wish.repository {
                    named.name.repository = repository
                    named.name.host = wish.host
                    named.remark = nil
                    if wish.tag == nil, !isOneRepository || folder != nil, let own = image.ownRepository?.repository {
                        named.name.repository += Self.path(own, below: folder)
                    }
                }
                if let chosen, !image.isAttachment || image.tag == nil {
                    // What lies beside it goes by digest.
                    named.name.tag = image.descriptor.digest == chosen ? wish.tag : nil
                    named.remark = nil
                }
            }
            if let rename = group.selection.rename {
                named.name = try rename.name(of: named.name, registry: image.host)
                named.remark = nil
            }
            if let prefix = options.prefix {
                named.name.repository = prefix + (prefix.hasSuffix("/") ? "" : "/") + named.name.repository
            }
            if !traits.keepsHosts { named.name.host = nil }
            guard ImageName.isRepository(named.name.repository) else {
                throw ImageError.refused(
                    "\(image.title): '\(named.name.repository)' is not a valid repository name")
            }
            return named
        }
    }

    /// `/PATH`, to be appended; empty for the folder itself.
    private static func path(_ repository: String, below folder: String?) -> String {
        guard let folder, !folder.isEmpty else { return "/" + repository }
        if repository == folder { return "" }
        return repository.hasPrefix(folder + "/") ? String(repository.dropFirst(folder.count)) : "/" + repository
    }

    /// The names that images have where nobody wishes for others.
    private func own(_ group: Group) -> [Named] {
        let source = group.selection.source
        let primary = group.images.filter { !$0.isAttachment }
        let anyNamed = (primary.isEmpty ? group.images : primary).contains { $0.name != .none }
        let isOnly = Set(primary.filter { $0.name == .none }.map(\.descriptor.digest)).count == 1
        var homes: [Digest: ImageName] = [:]
        for image in group.images where homes[image.descriptor.digest] == nil {
            homes[image.descriptor.digest] = image.ownRepository
        }
        return group.images.map { image in
            switch image.name {
            case .full(let name): return Named(image: image, name: name)
            case .tag(let tag):
                let repository = image.repository ?? source.madeUpRepository
                return Named(
                    image: image, name: ImageName(repository: repository, tag: tag),
                    remark: image.repository == nil ? "the repository is named after the file" : nil)
            case .none:
                let home = image.subject.flatMap { homes[$0] }
                let repository = image.repository ?? source.madeUpRepository
                guard !anyNamed, !image.isAttachment, image.repository == nil else {
                    return Named(image: image, name: home ?? ImageName(repository: repository))
                }
                let tag = isOnly ? "latest" : ImageName.untagged(image.imageID ?? image.descriptor.digest)
                return Named(
                    image: image, name: ImageName(repository: repository, tag: tag),
                    remark: "\(source.title) gives it no name")
            }
        }
    }

    /// The digest of the image that a tag is meant for: the only one, or the only one that has a tag.
    private func bearer(of tag: String, _ group: Group, alone: Bool) throws -> Digest {
        let primary = group.images.filter { !$0.isAttachment }
        let images = primary.isEmpty ? group.images : primary
        let tagged = images.filter { $0.tag != nil }
        let candidates = Set((tagged.isEmpty ? images : tagged).map(\.descriptor.digest))
        guard alone, candidates.count == 1, let digest = candidates.first else {
            throw ImageError.refused(
                "\(group.selection.source.title) has \(images.count) images, and only one can be called '\(tag)'; "
                    + "choose one of them, or leave out the tag")
        }
        return digest
    }

    private struct Wish {
        var host: String?
        var repository: String?
        var tag: String?
    }

    /// The destination's name goes before `--name`. A word without `/` and `:` is a tag in layouts and archives, and a
    /// repository in a store. Where names have no host, the first component is one of the repository's path.
    private func wish(_ requested: String?) throws -> Wish? {
        guard let text = requested ?? options.name else { return nil }
        if requested != nil, traits.bareNameIsTag, !text.contains("/"), !text.contains(":") {
            guard ImageName.isTag(text) else { throw ImageError.refused("'\(text)' is not a valid tag") }
            return Wish(tag: text)
        }
        guard let name = traits.keepsHosts ? ImageName(text) : ImageName(withoutHost: text) else {
            throw ImageError.refused(
                "'\(text)' is not a valid image name; expected REPOSITORY[:TAG] in lower case")
        }
        return Wish(host: name.host, repository: name.repository, tag: name.tag)
    }
}
