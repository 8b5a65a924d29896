import ImageModel
import ImageTransfer

/// What of a repository is verified.
struct StorePart: Sendable {
    let repository: String
    /// nil for every tag that there is: one may lead nowhere, and be no image.
    private var tags: Set<String>?
    /// Manifests that no tag leads to; nil for everything that is linked.
    private var digests: Set<Digest>?

    /// All of it.
    init(whole repository: String) { self.repository = repository }

    /// What a reference says itself, where there is no such image: a tag may be there all the same, and lead nowhere.
    init?(named name: String?) {
        guard let full = name.flatMap({ ImageName("host.invalid/\($0)") }) else { return nil }
        repository = full.repository
        tags = full.tag.map { [$0] }
        digests = []
    }

    func has(tag: String) -> Bool { tags?.contains(tag) ?? true }
    func has(_ digest: Digest) -> Bool { digests?.contains(digest) ?? true }

    /// What a reference means, by repositories.
    static func parts(of listing: SourceListing) -> [StorePart] {
        var parts: [String: StorePart] = [:]
        func add(_ repository: String?, _ tag: String?, _ digest: Digest?) {
            guard let repository else { return }
            var part = parts[repository] ?? StorePart(whole: repository)
            if let tag { part.tags = (part.tags ?? []).union([tag]) }
            if tag == nil, let digest { part.digests = (part.digests ?? []).union([digest]) }
            parts[repository] = part
        }
        for image in listing.images { add(image.repository, image.tag, image.descriptor.digest) }
        for broken in listing.broken {
            if case .full(let full) = broken.name { add(broken.repository, full.tag, broken.digest) }
        }
        return parts.values.sorted { $0.repository < $1.repository }.map { part in
            var part = part
            part.tags = part.tags ?? []
            part.digests = part.digests ?? []
            return part
        }
    }
}
