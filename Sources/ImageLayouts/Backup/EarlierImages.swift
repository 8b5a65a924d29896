import ImageModel
import ImageTransfer

/// What the newest snapshots know of each repository, so that what has not changed is not asked for again.
///
/// What is damaged or lacks a blob counts as not there: it is read from its source once more.
actor EarlierImages {
    private struct Repository {
        let source: SnapshotSource
        let tags: [String: SourceImage]
        let images: [Digest: SourceImage]
        /// All manifests of an image, as far as it is whole.
        var whole: [Digest: [Manifest]] = [:]
    }

    private let backup: Backup
    private let blobs: LayoutBlobs
    /// Newest first.
    private let snapshots: [Snapshot]
    private var repositories: [String: Repository] = [:]

    init(_ backup: Backup, _ snapshots: [Snapshot]) {
        self.backup = backup
        blobs = LayoutBlobs(root: backup.path)
        self.snapshots = snapshots.reversed()
    }

    func digest(of name: ImageName) async -> Digest? {
        guard let repository = await repository(name.repository),
            let image = name.tag.flatMap({ repository.tags[$0] }),
            await !manifests(of: image.descriptor.digest, in: name.repository).isEmpty
        else { return nil }
        return image.descriptor.digest
    }

    /// - Returns: nothing if the image is not there as a whole.
    func manifests(of digest: Digest, in name: String) async -> [Manifest] {
        guard let repository = await repository(name) else { return [] }
        if let known = repository.whole[digest] { return known }
        var manifests: [Manifest] = []
        if let image = repository.images[digest],
            let found = try? await repository.source.manifests(of: image), isWhole(found)
        {
            manifests = found
        }
        repositories[name]?.whole[digest] = manifests
        return manifests
    }

    func referrers(of digest: Digest, in name: String) async -> [Descriptor] {
        guard let repository = await repository(name) else { return [] }
        return (try? await repository.source.referrers(of: digest, in: name)) ?? []
    }

    private func repository(_ name: String) async -> Repository? {
        if let known = repositories[name] { return known }
        guard let snapshot = snapshots.first(where: { $0.repositories.contains(name) }) else { return nil }
        let source = SnapshotSource(backup, snapshot, lock: nil)
        guard let images = try? await source.listing(of: name).images else { return nil }
        let new = Repository(
            source: source,
            tags: Dictionary(images.compactMap { image in image.tag.map { ($0, image) } }) { first, _ in first },
            images: Dictionary(images.map { ($0.descriptor.digest, $0) }) { first, _ in first })
        repositories[name] = new
        return new
    }

    private func isWhole(_ manifests: [Manifest]) -> Bool {
        manifests.allSatisfy { manifest in
            manifest.blobs.allSatisfy { $0.staysAway || (try? blobs.has($0)) == true }
        }
    }
}
