import ImageModel

/// A repository of a source, and what it takes to choose among its tags.
public struct TagCandidates: Sendable {
    /// The repository's name; nil where the source has tags alone.
    public var repository: String?
    private let list: @Sendable () async throws -> [String]
    private let look: @Sendable (String) async throws -> SourceImage?

    public init(
        repository: String?, tags: @escaping @Sendable () async throws -> [String],
        image: @escaping @Sendable (String) async throws -> SourceImage?
    ) {
        self.repository = repository
        list = tags
        look = image
    }

    /// All tags, asked for when they are needed.
    public func tags() async throws -> [String] { try await list() }

    /// What a tag is; nil if it is gone.
    public func image(_ tag: String) async throws -> SourceImage? { try await look(tag) }
}

extension ImageSource {
    public func listing(
        named name: String?, choosing choose: @Sendable (TagCandidates) async throws -> [String]
    ) async throws -> SourceListing {
        let all = try await listing(named: name, digest: nil)
        var chosen = SourceListing(notes: all.notes)
        chosen.remarks = all.remarks
        var repositories: [String?] = []
        for repository in all.images.map(\.ownRepository?.repository) where !repositories.contains(repository) {
            repositories.append(repository)
        }
        for repository in repositories {
            let images = all.images.filter { $0.ownRepository?.repository == repository && $0.tag != nil }
            let broken = all.broken.filter { $0.tag != nil && ($0.ownRepository == repository) }
            let candidates = TagCandidates(
                repository: repository, tags: { images.compactMap(\.tag) + broken.compactMap(\.tag) },
                image: { tag in images.first { $0.tag == tag } })
            for tag in try await choose(candidates) {
                chosen.images += images.filter { $0.tag == tag }.prefix(1)
                chosen.broken += broken.filter { $0.tag == tag }.prefix(1)
            }
        }
        return chosen
    }
}

extension BrokenImage {
    fileprivate var tag: String? { name.tag }

    fileprivate var ownRepository: String? {
        if case .full(let name) = name { name.repository } else { repository }
    }
}
