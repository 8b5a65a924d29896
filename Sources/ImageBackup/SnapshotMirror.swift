import ImageModel
package import ImageTransfer

/// What a place has that a snapshot has not, to be taken away there.
package struct SnapshotMirror: Sendable {
    private struct Repository {
        var tags: Set<String> = []
        /// Of all manifests, those below indexes too.
        var digests: Set<Digest> = []
    }

    private let source: SnapshotSource
    /// nil: all of the snapshot, and then all of the place.
    private let names: [String]?

    /// - Parameter names: the repositories, or patterns of such, that are restored; nil for all.
    package init(_ source: SnapshotSource, of names: [String]? = nil) {
        self.source = source
        self.names = names
    }

    /// An image that goes.
    package struct Extra: Sendable {
        package var image: SourceImage
        /// Whether its manifest goes, and not only a tag of it.
        package var isWhole: Bool
    }

    /// - Parameter place: as it was before anything was restored: what a tag meant that comes to mean something
    ///   else is left over as well.
    /// - Throws: `ImageError.refused` for a snapshot that lacks something, which may be at the place.
    package func extras(in place: any ImageEditor) async throws -> [Extra] {
        if let missing = source.snapshot.missing.first {
            let count = source.snapshot.missing.count
            throw ImageError.refused(
                "snapshot \(source.snapshot.id) is incomplete: \(missing.name ?? missing.source) "
                    + (count > 1 ? "and \(count - 1) more " : "")
                    + "could not be read when it was made, so what only the target has may be wanted; "
                    + "choose a complete snapshot, or restore without --mirror")
        }
        let kept = try await repositories()
        return try await place.images().compactMap { image in
            let named: ImageName? = if case .full(let name) = image.name { name } else { nil }
            let repository = image.repository ?? named?.repository
            guard isMeant(repository) else { return nil }
            let own =
                repository.map { kept[$0] ?? Repository() }
                ?? kept.values.reduce(into: Repository()) { $0.digests.formUnion($1.digests) }
            let isTag = image.tag.map { !own.tags.contains($0) } ?? false
            if own.digests.contains(image.descriptor.digest) {
                return isTag ? Extra(image: image, isWhole: false) : nil
            }
            var image = image
            // The tag stays, and comes to mean something else.
            if !isTag, let named {
                image.name = .full(ImageName(host: named.host, repository: named.repository))
            }
            return Extra(image: image, isWhole: true)
        }
    }

    /// - Returns: what could not be taken away.
    package func remove(_ extras: [Extra], from place: any ImageEditor) async throws -> [CopyReport.Failure] {
        var gone: Set<SourceImage> = []
        var failures: [CopyReport.Failure] = []
        for extra in extras {
            var image = extra.image
            do {
                if extra.isWhole {
                    // With all tags of it.
                    image.name = .none
                    if gone.insert(image).inserted { try await place.delete(image) }
                } else {
                    try await place.untag(image)
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                failures.append(
                    CopyReport.Failure(
                        source: place.retryReference(to: extra.image), name: extra.image.title,
                        digest: image.descriptor.digest, error: error))
            }
        }
        return failures
    }

    private func isMeant(_ repository: String?) -> Bool {
        guard let names else { return true }
        guard let repository else { return false }
        return names.contains { $0 == repository || RepositoryPattern($0)?.matches(repository) == true }
    }

    /// - Throws: what is wrong with any of the snapshot: what cannot be read is not superfluous at the place.
    private func repositories() async throws -> [String: Repository] {
        var all: [String: Repository] = [:]
        let listing = try await source.listing()
        if let broken = listing.broken.first { throw broken.error }
        for image in listing.images {
            guard let name = image.repository else { continue }
            if let tag = image.tag { all[name, default: Repository()].tags.insert(tag) }
            for manifest in try await source.manifests(of: image) {
                all[name, default: Repository()].digests.insert(manifest.digest)
            }
        }
        return all
    }
}
