import ImageModel
import ImageTransfer

/// What of a repository is verified, where that is not everything.
struct StorePart: Sendable {
    let repository: String
    /// Those that lead to images; nil for every tag that there is, for one may lead nowhere.
    private(set) var tags: Set<String>? = []
    /// Manifests that no tag leads to.
    private(set) var digests: Set<Digest> = []

    func has(tag: String) -> Bool { tags?.contains(tag) ?? true }

    /// What a reference means, by repositories.
    ///
    /// - Parameter name: as in the reference.
    static func parts(of listing: SourceListing, named name: String?, digest: Digest?) -> [StorePart] {
        var parts: [String: StorePart] = [:]
        func add(_ repository: String?, _ tag: String?, _ digest: Digest?) {
            guard let repository else { return }
            var part = parts[repository] ?? StorePart(repository: repository)
            if let tag { part.tags?.insert(tag) } else if let digest { part.digests.insert(digest) }
            parts[repository] = part
        }
        for image in listing.images { add(image.repository, image.tag, image.descriptor.digest) }
        for broken in listing.broken {
            if case .full(let full) = broken.name { add(broken.repository, full.tag, broken.digest) }
        }
        let pattern = name.flatMap { RepositoryPattern($0) }
        for repository in parts.keys where digest == nil && (repository == name || pattern?.matches(repository) == true)
        {
            parts[repository]?.tags = nil
        }
        return parts.values.sorted { $0.repository < $1.repository }
    }

    /// What a reference says itself, where there is no such image: a tag may be there all the same, and lead nowhere.
    init?(named name: String?) {
        guard let full = name.flatMap({ ImageName("host.invalid/\($0)") }) else { return nil }
        repository = full.repository
        tags = full.tag.map { [$0] }
    }

    private init(repository: String) { self.repository = repository }
}
