import ByteStreams
import ImageLayouts
import ImageModel
import ImageTransfer

/// What the newest snapshots know of each repository, so that what has not changed is not asked for again.
///
/// What is damaged or lacks a blob counts as not there: it is read from its source once more.
actor EarlierImages {
    private struct Repository {
        let source: SnapshotSource
        let tags: [String: Digest]
        let images: [Digest: Descriptor]
        /// Images of which it is known whether they are whole; those that are not have no manifests.
        var known: [Digest: KnownImage] = [:]
    }

    private let backup: Backup
    private let blobs: LayoutBlobs
    private let root: DirectoryHandle
    /// Newest first.
    private let snapshots: [Snapshot]
    private var sources: [SnapshotID: SnapshotSource] = [:]
    private var repositories: [String: Repository] = [:]

    /// - Parameter root: the backup's.
    init(_ backup: Backup, in root: DirectoryHandle) throws {
        self.backup = backup
        blobs = LayoutBlobs(root: backup.path)
        self.root = root
        snapshots = try backup.readSnapshots(in: root).reversed()
    }

    func digest(of name: ImageName) async -> Digest? {
        guard let repository = await repository(name.repository),
            let digest = name.tag.flatMap({ repository.tags[$0] }),
            await !known(digest, in: name.repository).manifests.isEmpty
        else { return nil }
        return digest
    }

    /// - Returns: nothing if the image is not there as a whole.
    func known(_ digest: Digest, in name: String) async -> KnownImage {
        guard let repository = await repository(name) else { return KnownImage() }
        if let known = repository.known[digest] { return known }
        var image = KnownImage()
        if let descriptor = repository.images[digest] {
            let named = SourceImage(
                name: .full(ImageName(repository: name)), descriptor: descriptor, repository: name)
            if let found = try? await repository.source.manifests(of: named), isWhole(found) {
                image = KnownImage(found)
            }
        }
        repositories[name]?.known[digest] = image
        return image
    }

    func referrers(of digest: Digest, in name: String) async -> [Descriptor] {
        guard let repository = await repository(name) else { return [] }
        return (try? await repository.source.referrers(of: digest, in: name)) ?? []
    }

    private func repository(_ name: String) async -> Repository? {
        if let known = repositories[name] { return known }
        guard let snapshot = snapshots.first(where: { $0.repositories.contains(name) }) else { return nil }
        let source = sources[snapshot.id] ?? SnapshotSource(backup, snapshot, in: root, lock: nil)
        sources[snapshot.id] = source
        guard let images = try? await source.listing(of: name).images else { return nil }
        let new = Repository(
            source: source,
            tags: Dictionary(images.compactMap { image in image.tag.map { ($0, image.descriptor.digest) } }) { one, _ in
                one
            },
            images: Dictionary(images.map { ($0.descriptor.digest, $0.descriptor) }) { first, _ in first })
        repositories[name] = new
        return new
    }

    private func isWhole(_ manifests: [Manifest]) -> Bool {
        manifests.allSatisfy { manifest in
            manifest.blobs.allSatisfy { $0.staysAway || (try? blobs.has($0)) == true }
        }
    }
}
