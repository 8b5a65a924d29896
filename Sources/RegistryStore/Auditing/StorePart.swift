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

    private init(of repository: String, tags: Set<String> = []) {
        self.repository = repository
        self.tags = tags
        digests = []
    }

    /// One tag.
    ///
    /// - Parameters:
    ///   - name: REPOSITORY:TAG.
    ///   - isThere: whether the repository has the tag.
    /// - Returns: nil for anything else.
    init?(taggedAs name: String, where isThere: (_ repository: String, _ tag: String) throws -> Bool) rethrows {
        guard let full = ImageName(withoutHost: name), let tag = full.tag, try isThere(full.repository, tag)
        else { return nil }
        self.init(of: full.repository, tags: [tag])
    }

    func has(tag: String) -> Bool { tags?.contains(tag) ?? true }
    func has(_ digest: Digest) -> Bool { digests?.contains(digest) ?? true }

    /// What a reference means, by repositories.
    static func parts(of listing: SourceListing) -> [StorePart] {
        var parts: [String: StorePart] = [:]
        func add(_ repository: String?, _ tag: String?, _ digest: Digest?) {
            guard let repository else { return }
            if let tag {
                parts[repository, default: StorePart(of: repository)].tags?.insert(tag)
            } else if let digest {
                parts[repository, default: StorePart(of: repository)].digests?.insert(digest)
            }
        }
        for image in listing.images { add(image.repository, image.tag, image.descriptor.digest) }
        for broken in listing.broken {
            if case .full(let full) = broken.name { add(broken.repository, full.tag, broken.digest) }
        }
        return parts.values.sorted { $0.repository < $1.repository }
    }
}
