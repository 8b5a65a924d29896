import ImageModel

/// Manifests that are being put or named in one copy. Several images may have the same one: each is put once, and while an
/// index is put, nobody is at what it lists.
///
/// docker-registry writes its link to a manifest anew whenever it is put or gets a name, and not at once: an index that
/// is put in that moment, and lists it, is refused as if it were not there.
actor ManifestTraffic {
    private struct Place: Hashable {
        var digest: Digest
        var repository: String
    }

    /// Who is at a manifest alone.
    private var taken: Set<Place> = []
    /// How many need it as it is.
    private var needed: [Place: Int] = [:]
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Runs `body` while nobody else is at a manifest, nor at what it lists. Not to be called from `body`.
    func alone<T: Sendable>(
        at manifest: Digest, needing children: [Digest] = [], in repository: String,
        _ body: @Sendable () async throws -> T
    ) async throws -> T {
        let place = Place(digest: manifest, repository: repository)
        let below = Set(children.map { Place(digest: $0, repository: repository) }).subtracting([place])
        while taken.contains(place) || needed[place] != nil || !taken.isDisjoint(with: below) {
            await withCheckedContinuation { waiting.append($0) }
        }
        taken.insert(place)
        for child in below { needed[child, default: 0] += 1 }
        defer { release(place, below) }
        try Task.checkCancellation()
        return try await body()
    }

    private func release(_ place: Place, _ below: Set<Place>) {
        taken.remove(place)
        for child in below {
            let count = (needed[child] ?? 0) - 1
            needed[child] = count > 0 ? count : nil
        }
        for waiter in waiting { waiter.resume() }
        waiting = []
    }
}
