package import ByteStreams
import FileTrees
import ImageLayouts
package import ImageModel
package import ImageTransfer

/// The images of a snapshot, in their repositories as they were.
package final class SnapshotSource: LooksUpNames {
    package let title: String
    package let snapshot: Snapshot
    private let layouts: [String: OCISource]
    /// Keeps the blobs from being removed.
    private let lock: DirectoryLock?

    /// - Parameter root: the backup's.
    init(_ backup: Backup, _ snapshot: Snapshot, in root: DirectoryHandle, lock: DirectoryLock?) {
        title = "\(backup.path) as of \(snapshot.id.date)"
        self.snapshot = snapshot
        self.lock = lock
        let tree = DirectoryTree(root)
        layouts = Dictionary(
            snapshot.repositories.map { ($0, Backup.layout(of: $0, in: snapshot.id, tree)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Each repository is a layout of its own.
    package func reference(in repository: String?) -> ImageReference? {
        repository.flatMap { layouts[$0] }?.reference(in: nil)
    }

    /// The references of all repositories.
    package var references: [String] {
        snapshot.repositories.compactMap { reference(in: $0)?.description }
    }

    /// Every image has a repository.
    package var madeUpRepository: String { "image" }

    package func listing() async throws -> SourceListing { try await listing(of: snapshot.repositories) }

    /// Only what is meant is looked at: what is wrong with another repository is no matter then.
    package func lookUp(named name: String?, digest: Digest?) async throws -> SourceListing {
        let meant = snapshot.repositories.filter { repository in
            guard let name else { return true }
            return name == repository || name.hasPrefix("\(repository):")
                || RepositoryPattern(name)?.matches(repository) == true
        }
        return try await choice(
            named: name, digest: digest, of: listing(of: meant.isEmpty ? snapshot.repositories : meant))
    }

    private func listing(of repositories: [String]) async throws -> SourceListing {
        var all = SourceListing()
        for repository in repositories {
            do {
                all.add(try await listing(of: repository))
            } catch {
                let name = SourceImage.Name.full(ImageName(repository: repository))
                guard let broken = BrokenImage(name: name, repository: repository, error: error) else { throw error }
                all.broken.append(broken)
            }
        }
        return all
    }

    /// Of one repository.
    func listing(of repository: String) async throws -> SourceListing {
        var listing = try await layout(repository).listing()
        func name(_ own: SourceImage.Name) -> SourceImage.Name {
            if case .tag(let tag) = own { return .full(ImageName(repository: repository, tag: tag)) }
            return .full(ImageName(repository: repository))
        }
        for position in listing.images.indices {
            listing.images[position].name = name(listing.images[position].name)
            listing.images[position].repository = repository
        }
        for position in listing.broken.indices {
            listing.broken[position].name = name(listing.broken[position].name)
            listing.broken[position].repository = repository
        }
        return listing
    }

    private func layout(_ repository: String?) throws -> OCISource {
        guard let layout = repository.flatMap({ layouts[$0] }) else {
            throw ImageError.notFound("\(title) has no repository \(repository ?? "without a name")")
        }
        return layout
    }

    package func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await layout(repository).manifest(descriptor, in: nil)
    }

    package func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        try await layout(repository).blob(descriptor, in: nil)
    }

    package func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await layout(repository).referrers(of: digest, in: nil)
    }
}
