import ByteStreams
import ImageLayouts
import ImageModel
import ImageTransfer
import Synchronization

/// A registry's storage directory, served as it is at each moment.
final class StoreContent: RegistryContent {
    let store: Store
    private let subjects = Mutex<[String: RepositorySubjects]>([:])

    init(_ store: Store) { self.store = store }

    func repositories(after last: String?, limit: Int) async throws -> [String] {
        try await Workers.blobs.run { [self] in try store.repositories(after: last, limit: limit) }
    }

    func tags(of repository: String) async throws -> [String]? {
        try await Workers.blobs.run { [self] in try store.tags(of: repository) }
    }

    func manifest(tagged tag: String, in repository: String) async throws -> Manifest? {
        try await Workers.blobs.run { [self] in
            try store.digest(ofTag: tag, in: repository).flatMap { try store.manifest($0, in: repository) }
        }
    }

    func manifest(_ digest: Digest, in repository: String) async throws -> Manifest? {
        try await Workers.blobs.run { [self] in try store.manifest(digest, in: repository) }
    }

    func blob(_ digest: Digest, in repository: String) async throws -> ServedBlob? {
        try await Workers.blobs.run { [self] in
            try store.blob(digest, in: repository).map { ServedBlob(size: $0.size, bytes: .file($0, offset: 0)) }
        }
    }

    func referrers(of digest: Digest, in repository: String) async throws -> [Descriptor] {
        try await Workers.blobs.run { [self] in
            var known = subjects.withLock { $0[repository] } ?? RepositorySubjects()
            try known.update(repository, in: store)
            subjects.withLock { [known] in $0[repository] = known }
            var found = try known.referrers(of: digest).filter { try store.hasManifest($0.digest, in: repository) }
            // Clients of a registry without this API have kept lists of their own.
            if let list = try store.digest(ofTag: ImageName.referrersTag(of: digest), in: repository),
                case .index(let index)? = try store.manifest(list, in: repository)?.content
            {
                let there = Set(found.map(\.digest))
                found += try index.manifests.filter {
                    try !there.contains($0.digest) && store.hasManifest($0.digest, in: repository)
                }
            }
            return found.sorted { $0.digest < $1.digest }
        }
    }

    func check() async throws { try await Workers.blobs.run { [self] in try store.prepare() } }
}

/// Which manifests of a repository name which subject: content, which never changes, and so is read once.
/// Whether a manifest is still there is asked each time.
private struct RepositorySubjects: Sendable {
    private var referrers: [Digest: [Descriptor]] = [:]
    private var seen: Set<Digest> = []

    mutating func update(_ repository: String, in store: Store) throws {
        for digest in try store.revisions(of: repository) where !seen.contains(digest) {
            let read: Manifest?
            do {
                read = try store.manifest(digest, in: repository)
            } catch let error where BrokenImage(name: .none, error: error) != nil {
                // Somebody may put it right.
                continue
            }
            guard let manifest = read else { continue }
            seen.insert(digest)
            if let subject = manifest.subject {
                referrers[subject.digest, default: []].append(manifest.referrerDescriptor)
            }
        }
    }

    func referrers(of digest: Digest) -> [Descriptor] { referrers[digest] ?? [] }
}
