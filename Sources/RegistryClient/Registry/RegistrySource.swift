package import ByteStreams
package import ImageModel
package import ImageTransfer

/// The images of a registry, of one repository, or one image of that.
package struct RegistrySource: ImageEditor, RemoteSource {
    let places: RegistryPlaces
    /// nil: all that the registry tells of.
    private let repository: String?
    let run = RegistryRun()

    init(_ places: RegistryPlaces, repository: String? = nil) {
        self.places = places
        self.repository = repository
    }

    /// As the user names it.
    var host: String { places.host }
    var registry: Registry { places.main.registry }

    package func reference(in repository: String?) -> ImageReference? {
        ImageReference(transport: .registry, location: host, name: repository ?? self.repository)
    }
    package var title: String { host + (repository.map { "/\($0)" } ?? "") }
    package var madeUpRepository: String { repository ?? host }

    func own(_ repository: String?) -> String {
        places.own(repository ?? self.repository ?? "").repository
    }

    package func listing() async throws -> SourceListing {
        if let repository { return try await listing(of: repository) }
        return try await listing { _ in true }
    }

    /// Of all repositories that are wanted.
    private func listing(where isWanted: @Sendable (String) -> Bool) async throws -> SourceListing {
        let repositories = try await Workers.blobs.run { [self] in try registry.repositories() }.filter(isWanted)
        let tags = try await repositories.mapConcurrently(limit: lookups) { repository in
            do {
                return try await self.tags(in: repository)
            } catch let error as ImageError where error.code == .notFound {
                // A push that broke off leaves a repository without a tag.
                return []
            }
        }
        return try await lookUp(zip(repositories, tags).flatMap { repository, tags in tags.map { (repository, $0) } })
    }

    /// Of a repository; or, where there is none of that name, of those below it.
    private func listing(of repository: String) async throws -> SourceListing {
        do {
            return try await lookUp(tags(in: repository).map { (repository, $0) })
        } catch let missing as ImageError where missing.code == .notFound {
            let below: SourceListing
            do {
                below = try await listing { $0.hasPrefix(repository + "/") }
            } catch let error as ImageError where error.request?.refusesAccount == false {
                // It need not list its repositories.
                throw missing
            }
            guard !below.images.isEmpty || !below.broken.isEmpty else { throw missing }
            return below
        }
    }

    /// The repositories below a path, if the registry lists its repositories.
    func repositories(below path: String) -> [String] {
        (try? registry.repositories().filter { $0.hasPrefix(path + "/") }) ?? []
    }

    private func tags(in repository: String) async throws -> [String] {
        try await Workers.blobs.run { [self] in try listedTags(in: repository) }
    }

    func listedTags(in repository: String) throws -> [String] {
        try places.list(repository) { try $0.registry.tags(in: $0.repository) }
    }

    /// What tags mean, several at once. A tag that means nothing is broken, unless it has been deleted in the meantime.
    private func lookUp(_ tags: [(repository: String, tag: String)]) async throws -> SourceListing {
        let found = try await tags.mapConcurrently(limit: lookups) { [self] item in
            try await Workers.blobs.run { [self] in try image(item.tag, in: item.repository) }
        }
        var listing = SourceListing(images: found.compactMap { $0 })
        var now: [String: Set<String>] = [:]
        for (item, image) in zip(tags, found) where image == nil {
            if now[item.repository] == nil {
                now[item.repository] = Set((try? await self.tags(in: item.repository)) ?? [])
            }
            guard now[item.repository]?.contains(item.tag) == true else { continue }
            let error = ImageError.damaged(
                "\(host)/\(item.repository) lists the tag '\(item.tag)', but has no manifest for it")
            listing.broken +=
                BrokenImage(name: full(item.repository, item.tag), repository: item.repository, error: error)
                .map { [$0] } ?? []
        }
        return listing
    }

    private var lookups: Int { registry.options.lookups }

    /// Asks for what is named and for nothing else.
    package func lookUp(named name: String?, digest: Digest?) async throws -> SourceListing {
        if let pattern = name.flatMap({ RepositoryPattern($0) }) {
            guard digest == nil else {
                throw ImageError.usage("'\(title)/\(name ?? "")': a digest is in one repository")
            }
            let found = try await listing { pattern.matches($0) }
            guard !found.images.isEmpty || !found.broken.isEmpty else {
                throw ImageError.notFound("\(title) has no repository like '\(pattern)' with an image in it")
            }
            return found
        }
        guard let (repository, tag) = try part(name) else {
            guard digest == nil else { throw ImageError.refused("\(title): a digest needs its repository's name") }
            return try await listing()
        }
        guard digest != nil || tag != nil else { return try await listing(of: repository) }
        let image = try await Workers.blobs.run { [self] in
            try digest.map { try only($0, tag, in: repository) } ?? only(tag ?? "", in: repository)
        }
        return SourceListing(images: [image])
    }

    private func only(_ digest: Digest, _ tag: String?, in repository: String) throws -> SourceImage {
        let found = try places.read(repository, byDigest: true) {
            try $0.registry.resolve(digest.description, in: $0.repository)
        }
        guard let found else { throw ImageError.notFound("\(host)/\(repository) has no \(digest)") }
        return SourceImage(name: full(repository, tag), descriptor: found, repository: repository)
    }

    private func only(_ tag: String, in repository: String) throws -> SourceImage {
        if let image = try image(tag, in: repository) { return image }
        let tags = try? registry.tags(in: own(repository), pages: 1)
        let hint = tags.map { $0.isEmpty ? "" : "; it has \($0.prefix(8).joined(separator: ", "))" } ?? ""
        throw ImageError.notFound("\(host)/\(repository) has no tag '\(tag)'\(hint)")
    }

    /// Lists tags, and looks up those that are wanted, several at once.
    package func lookUp(
        named name: String?, choosing choose: @Sendable (TagCandidates) async throws -> [String]
    ) async throws -> SourceListing {
        let pattern = name.flatMap { RepositoryPattern($0) }
        let place = pattern == nil ? try part(name) : nil
        if let place {
            do {
                return SourceListing(images: try await chosen(in: place.repository, tag: place.tag, choose))
            } catch let error as ImageError where error.code == .notFound && place.tag == nil {
                let below = try await Workers.blobs.run { [self] in self.repositories(below: place.repository) }
                guard !below.isEmpty else { throw error }
                return try await chosen(in: below, choose)
            }
        }
        let repositories = try await Workers.blobs.run { [self] in
            try registry.repositories().filter { pattern?.matches($0) ?? true }
        }
        return try await chosen(in: repositories, choose)
    }

    private func chosen(
        in repositories: [String], _ choose: @Sendable (TagCandidates) async throws -> [String]
    ) async throws -> SourceListing {
        var listing = SourceListing()
        for repository in repositories { listing.images += try await chosen(in: repository, tag: nil, choose) }
        return listing
    }

    /// - Parameter tag: the only one to choose from.
    private func chosen(
        in repository: String, tag: String?, _ choose: @Sendable (TagCandidates) async throws -> [String]
    ) async throws -> [SourceImage] {
        let candidates = TagCandidates(
            repository: repository,
            tags: { [self] in
                if let tag { return [tag] }
                return try await self.tags(in: repository)
            },
            image: { [self] tag in try await Workers.blobs.run { [self] in try image(tag, in: repository) } })
        return try await choose(candidates).mapConcurrently(limit: lookups) {
            try await candidates.image($0)
        }.compactMap { $0 }
    }

    package func lookUpImage(named name: String?, digest: Digest?) async throws -> SourceImage {
        if digest == nil, let (repository, tag) = try part(name), tag == nil {
            let latest = try await Workers.blobs.run { [self] in try image("latest", in: repository) }
            if let latest { return latest }
        }
        return try Self.only(try await images(named: name, digest: digest), of: title)
    }

    package func lookUp(in repository: String?, tagged isWanted: @Sendable @escaping (String) -> Bool) async throws
        -> [SourceImage]
    {
        guard let repository = repository ?? self.repository else { return [] }
        let tags = try await Workers.blobs.run { [self] in
            try run.tags(in: repository) {
                do {
                    return try listedTags(in: repository)
                } catch let error as ImageError where error.code == .notFound {
                    return []
                } catch let error as ImageError where error.request?.isRefusal == true {
                    // A registry need not list its tags to those who may pull.
                    return []
                }
            }
        }
        return try await lookUp(tags.filter(isWanted).map { (repository, $0) }).images
    }

    func part(_ name: String?) throws -> (repository: String, tag: String?)? {
        guard let name else { return repository.map { ($0, nil) } }
        guard let parsed = ImageName(withoutHost: name) else {
            throw ImageError.usage(
                "'\(name)' is no REPOSITORY[:TAG]: lower case, digits, and single '.', '_', '-' and '/'")
        }
        return (parsed.repository, parsed.tag)
    }

    func image(_ tag: String, in repository: String) throws -> SourceImage? {
        let found = try places.read(repository, byDigest: false) {
            try $0.registry.resolve(tag, in: $0.repository)
        }
        return found.map { SourceImage(name: full(repository, tag), descriptor: $0, repository: repository) }
    }

    private func full(_ repository: String, _ tag: String?) -> SourceImage.Name {
        .full(ImageName(host: host, repository: repository, tag: tag))
    }

    package func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await Workers.blobs.run { [self] in
            let repository = repository ?? self.repository ?? ""
            let digest = descriptor.digest
            let found =
                try run.manifest(digest, in: repository)
                ?? places.read(repository, byDigest: true) {
                    try $0.registry.manifest(digest.description, in: $0.repository)
                }
            guard let found else { throw ImageError.notFound("\(host)/\(repository) has no manifest \(digest)") }
            try found.check(against: descriptor, name: "\(host)/\(repository): the manifest \(digest)")
            run.keep(found, in: repository)
            return found
        }
    }

    package func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        BlobDownload(descriptor, in: repository ?? self.repository ?? "", of: places)
    }

    package func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await referrers(in: repository) { try $0.registry.referrers(of: digest, in: $0.repository) }
    }

    /// None where there is no referrers API: then all of them stand under fallback tags.
    package func untaggedReferrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await referrers(in: repository) { try $0.registry.listedReferrers(of: digest, in: $0.repository) ?? [] }
    }

    private func referrers(
        in repository: String?, _ list: @Sendable @escaping (RegistryPlace) throws -> [Descriptor]
    ) async throws -> [Descriptor] {
        try await Workers.blobs.run { [self] in
            // A mirror need not have them because it has the image.
            try places.read(repository ?? self.repository ?? "", byDigest: true, isOptional: true) { place in
                let found = try list(place)
                return found.isEmpty ? nil : found
            } ?? []
        }
    }
}
