import ImageModel

/// A repository of a source, and what it takes to choose among its tags.
package struct TagCandidates: Sendable {
    /// The repository's name; nil where the source has tags alone.
    package var repository: String?
    private let list: @Sendable () async throws -> [String]
    private let look: @Sendable (String) async throws -> SourceImage?

    package init(
        repository: String?, tags: @escaping @Sendable () async throws -> [String],
        image: @escaping @Sendable (String) async throws -> SourceImage?
    ) {
        self.repository = repository
        list = tags
        look = image
    }

    /// All tags, asked for when they are needed.
    package func tags() async throws -> [String] { try await list() }

    /// What a tag is; nil if it is gone.
    package func image(_ tag: String) async throws -> SourceImage? { try await look(tag) }
}

extension ImageSource {
    /// The images of a reference that are chosen by their tags.
    ///
    /// - Parameter choose: is given each repository; gives the wanted tags, all of which are there.
    package func listing(
        named name: String?, choosing choose: @Sendable (TagCandidates) async throws -> [String]
    ) async throws -> SourceListing {
        if let remote = self as? any RemoteSource { return try await remote.lookUp(named: name, choosing: choose) }
        let all = try await listing(named: name, digest: nil)
        var chosen = SourceListing(notes: all.notes)
        chosen.remarks = all.remarks
        var repositories: [String?] = []
        var tagged: [String?: (images: [SourceImage], broken: [BrokenImage])] = [:]
        for image in all.images {
            let repository = image.ownRepository?.repository
            if tagged[repository] == nil { repositories.append(repository) }
            tagged[repository, default: ([], [])].images += image.tag == nil ? [] : [image]
        }
        for broken in all.broken where broken.tag != nil { tagged[broken.ownRepository]?.broken.append(broken) }
        for repository in repositories {
            let (images, broken) = tagged[repository] ?? ([], [])
            let first = Dictionary(images.map { ($0.tag ?? "", $0) }) { first, _ in first }
            let firstBroken = Dictionary(broken.map { ($0.tag ?? "", $0) }) { first, _ in first }
            let candidates = TagCandidates(
                repository: repository, tags: { images.compactMap(\.tag) + broken.compactMap(\.tag) },
                image: { tag in first[tag] })
            for tag in try await choose(candidates) {
                if let image = first[tag] { chosen.images.append(image) }
                if let image = firstBroken[tag] { chosen.broken.append(image) }
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
