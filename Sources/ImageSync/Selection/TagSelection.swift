package import ImageModel

/// Which tags of a repository are wanted.
package struct TagSelection: Hashable, Sendable {
    /// What makes one image newer than another.
    package enum Order: String, Hashable, Sendable, CaseIterable {
        /// The tag, read as a semantic version; tags that are none do not count.
        case semver
        /// The date in the image's config; of an index, that of its first image. Takes two requests a tag.
        case created
    }

    package struct Newest: Hashable, Sendable {
        package var count: Int
        package var order: Order

        package init(_ count: Int, by order: Order) { (self.count, self.order) = (count, order) }
    }

    /// Tags that have to be there.
    package var names: [String] = []
    /// Tags that fit any of these are taken, if there are some.
    package var patterns: [TextPattern] = []
    /// Likewise; those that are no versions are not.
    package var versions: [VersionRange] = []
    /// What fits any of these is not taken, unless it is in `names`.
    package var except: [TextPattern] = []
    /// Of what fits the patterns and ranges, only these. Without patterns and ranges: of all releases, or by date
    /// of all tags.
    package var newest: Newest?

    package init() {}

    /// Narrows a repository's tags down to those that are wanted.
    ///
    /// - Parameters:
    ///   - tags: all that there are. Those of referrers (`sha256-...`) come along with their images, and are no
    ///     candidates.
    ///   - created: when the image of a tag was made, in seconds since 1970; asked only for `.created`.
    /// - Returns: the names first, then the others in the order of `tags`; of the newest, the newest first.
    package func select(
        from tags: [String], created: (_ candidates: [String]) async throws -> [String: Int]
    ) async throws -> [String] {
        let named = Set(names)
        var candidates = tags.filter {
            !named.contains($0) && fits($0) && ImageName.referredDigest(byTag: $0) == nil
        }
        if let newest {
            switch newest.order {
            case .semver:
                let versions = candidates.compactMap { tag in SemanticVersion(tag).map { (tag: tag, key: $0) } }
                candidates = Self.sorted(versions)
            case .created:
                let dates = try await created(candidates)
                candidates = Self.sorted(candidates.compactMap { tag in dates[tag].map { (tag: tag, key: $0) } })
            }
            candidates = Array(candidates.prefix(newest.count))
        }
        return names + candidates
    }

    private static func sorted<Key: Comparable>(_ tags: [(tag: String, key: Key)]) -> [String] {
        tags.sorted { $0.key != $1.key ? $0.key > $1.key : $0.tag < $1.tag }.map(\.tag)
    }

    private func fits(_ tag: String) -> Bool {
        guard !except.contains(where: { $0.matches(tag) }) else { return false }
        if patterns.isEmpty, versions.isEmpty {
            guard let newest else { return names.isEmpty }
            return newest.order == .created || SemanticVersion(tag).map { !$0.isPrerelease } ?? false
        }
        if patterns.contains(where: { $0.matches(tag) }) { return true }
        guard !versions.isEmpty, let version = SemanticVersion(tag) else { return false }
        return versions.contains { $0.contains(version) }
    }
}
