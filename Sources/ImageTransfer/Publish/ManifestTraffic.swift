package import ImageModel

/// Manifests that are being put or named in one copy. Several images may have the same one: each is put once, and while an
/// index is put or named, nobody is at what it lists. The same goes for the lists of referrers that a registry without an
/// API for them keeps as indexes: who is at one referrer of a manifest may be at the list, and so at all of them.
///
/// docker-registry writes its link to a manifest anew whenever it is put or gets a name, and not at once: an index that
/// is put in that moment, and lists it, is refused as if it were not there.
package actor ManifestTraffic {
    private struct Place: Hashable {
        /// A manifest's, or of a list the fallback tag.
        var name: String
        var repository: String
    }

    /// What somebody is at.
    private var taken: Set<Place> = []
    /// How many need a manifest as it is.
    private var needed: [Place: Int] = [:]
    private var waiting: [CheckedContinuation<Void, Never>] = []

    package init() {}

    /// Runs `body`, which puts or names a manifest. Not to be called from `body`.
    ///
    /// - Parameter tag: its new name; nil while it is put.
    package func alone<T: Sendable>(
        at manifest: Manifest, tagged tag: String? = nil, in repository: String, _ body: @Sendable () async throws -> T
    ) async throws -> T {
        func places(_ names: [String]) -> Set<Place> { Set(names.map { Place(name: $0, repository: repository) }) }
        let lists = [manifest.subject.map { ImageName.referrersTag(of: $0.digest) }, tag].compactMap { $0 }
        let own = places([manifest.digest.description] + lists)
        let below = places(manifest.children.map(\.digest.description))
        while !taken.isDisjoint(with: own.union(below)) || own.contains(where: { needed[$0] != nil }) {
            await withCheckedContinuation { waiting.append($0) }
        }
        taken.formUnion(own)
        for child in below { needed[child, default: 0] += 1 }
        defer { release(own, below) }
        try Task.checkCancellation()
        return try await body()
    }

    private func release(_ own: Set<Place>, _ below: Set<Place>) {
        taken.subtract(own)
        for child in below {
            let count = (needed[child] ?? 0) - 1
            needed[child] = count > 0 ? count : nil
        }
        for waiter in waiting { waiter.resume() }
        waiting = []
    }
}
