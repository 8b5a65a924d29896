package import ImageModel

extension ImageSource {
    /// The images that a reference stands for; all without name and digest.
    package func listing(named name: String?, digest: Digest?) async throws -> SourceListing {
        if let place = self as? any LooksUpNames { return try await place.lookUp(named: name, digest: digest) }
        return try await choice(named: name, digest: digest, of: listing())
    }

    /// What a reference means, of images among which all of those are.
    package func choice(named name: String?, digest: Digest?, of all: SourceListing) async throws -> SourceListing {
        var chosen = try await chosen(named: name, digest: digest, of: all)
        chosen.remarks = all.remarks
        return chosen
    }

    private func chosen(named name: String?, digest: Digest?, of all: SourceListing) async throws -> SourceListing {
        var found = all
        if let name {
            found = Self.matches(all, name)
            if found.images.isEmpty, found.broken.isEmpty { throw missing(name, among: all.images) }
        }
        guard let digest else { return found }
        if let exact = found.images.first(where: { $0.descriptor.digest == digest || $0.imageID == digest }) {
            return SourceListing(images: [exact])
        }
        // A child of an index is no entry of its own everywhere. It has the repository that the images have.
        let homes = Set(found.images.compactMap(\.ownRepository))
        let name: SourceImage.Name = homes.count == 1 ? homes.first.map { .full($0) } ?? .none : .none
        for repository in Set(found.images.map(\.repository)).sorted(by: { ($0 ?? "") < ($1 ?? "") }) {
            do {
                let manifest = try await manifest(Descriptor(untyped: digest), in: repository)
                return SourceListing(
                    images: [SourceImage(name: name, descriptor: manifest.descriptor, repository: repository)])
            } catch let error as ImageError where error.code == .notFound {
                continue
            }
        }
        let broken = found.broken.filter { $0.digest == digest }
        guard !broken.isEmpty else { throw ImageError.notFound("\(title) has no image \(digest)") }
        return SourceListing(broken: broken)
    }

    /// The only image, or the one that is tagged `latest`.
    package func image(named name: String?, digest: Digest?) async throws -> SourceImage {
        if let remote = self as? any RemoteSource {
            return try await remote.lookUpImage(named: name, digest: digest)
        }
        return try Self.only(try await images(named: name, digest: digest), of: title)
    }

    /// The images of a repository whose tags are wanted.
    package func images(in repository: String?, tagged isWanted: @Sendable @escaping (String) -> Bool) async throws
        -> [SourceImage]
    {
        if let remote = self as? any RemoteSource { return try await remote.lookUp(in: repository, tagged: isWanted) }
        return try await images().filter { $0.repository == repository && $0.tag.map(isWanted) == true }
    }

    /// The one of several images that is meant when nobody says which.
    package static func only(_ all: [SourceImage], of title: String) throws -> SourceImage {
        if all.count == 1 { return all[0] }
        let images = all.filter { !$0.isAttachment }
        let found = images.isEmpty ? all : images
        if found.count == 1 { return found[0] }
        if Set(found.map(\.descriptor.digest)).count == 1, let first = found.first { return first }
        let latest = found.filter { $0.tag == "latest" }
        if latest.count == 1 { return latest[0] }
        // Beside one image lies what its name meant before.
        let tagged = found.filter { $0.tag != nil }
        if let first = tagged.first, Set(tagged.map(\.descriptor.digest)).count == 1 { return first }
        guard !found.isEmpty else { throw ImageError.notFound("\(title) holds no image") }
        throw ImageError.notFound(
            "\(title) holds \(found.count) images; name one of " + Self.list(found))
    }

    private static func matches(_ listing: SourceListing, _ name: String) -> SourceListing {
        let wanted = ImageName(name)?.familiar
        let pattern = RepositoryPattern(name)
        let rules: [(SourceImage.Name, _ repository: String?) -> Bool] = [
            { own, _ in
                switch own {
                case .full(let full): full.tag != nil && (full.description == name || full.familiar == wanted)
                case .tag(let tag): tag == name
                case .none: false
                }
            },
            { own, repository in
                if case .full(var full) = own {
                    full.tag = nil
                    return full.path == name || full.repository == name || full.familiar == wanted
                } else {
                    return repository == name
                }
            },
            { own, _ in if case .full(let full) = own { full.tag == name } else { false } },
            { own, repository in
                guard case .full(let full) = own else {
                    return repository.map { pattern?.matches($0) == true } ?? false
                }
                return pattern?.matches(full.repository) == true
            },
        ]
        let labelled = listing.images.filter { $0.label == name }
        guard labelled.isEmpty else { return SourceListing(images: labelled) }
        let folder = name.hasSuffix("/") ? name : name + "/"
        let below: (SourceImage.Name, _ repository: String?) -> Bool = { own, repository in
            if case .full(let full) = own {
                full.repository.hasPrefix(folder)
            } else {
                repository?.hasPrefix(folder) == true
            }
        }
        for rule in rules + [below] {
            let images = listing.images.filter { rule($0.name, $0.repository) }
            let broken = listing.broken.filter { rule($0.name, $0.repository) }
            if !images.isEmpty || !broken.isEmpty { return SourceListing(images: images, broken: broken) }
        }
        return SourceListing()
    }

    private func missing(_ name: String, among images: [SourceImage]) -> ImageError {
        .notFound("\(title) has no image '\(name)'" + (images.isEmpty ? "" : "; it has \(Self.list(images))"))
    }

    private static func list(_ images: [SourceImage]) -> String {
        let titles = images.prefix(8).map(\.title)
        return titles.joined(separator: ", ") + (images.count > 8 ? " and \(images.count - 8) more" : "")
    }
}
