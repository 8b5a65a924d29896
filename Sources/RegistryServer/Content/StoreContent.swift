import ByteStreams
import ImageLayouts
import ImageModel
import ImageTransfer
import Synchronization

/// A registry's storage directory, served as it is at each moment.
final class StoreContent: RegistryContent {
    let store: Store
    /// By repository. Of as many as have this many manifests in all: others are read again.
    private let known = Mutex<[String: KnownReferrers]>([:])
    private static let knownLimit = 100_000

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

    func referrers(of digest: Digest, in repository: String, on page: ReferrersPage) async throws -> ReferrersPage {
        try await Workers.blobs.run { [self] in
            var page = page
            guard try store.hasRepository(repository) else { return page }
            var found = try knownReferrers(in: repository).referrers(of: digest)
            // Clients of a registry without this API have kept lists of their own.
            if let list = try store.digest(ofTag: ImageName.referrersTag(of: digest), in: repository),
                case .index(let index)? = try store.manifest(list, in: repository)?.content
            {
                for descriptor in index.manifests where found[descriptor.digest] == nil {
                    found[descriptor.digest] = descriptor
                }
            }
            for (digest, small) in found.sorted(by: { $0.key < $1.key }) where page.reaches(digest) {
                let descriptor: Descriptor?
                if let small {
                    descriptor = try store.hasManifest(digest, in: repository) ? small : nil
                } else {
                    descriptor = try store.manifest(digest, in: repository)?.referrerDescriptor
                }
                if let descriptor, try !page.add(descriptor) { break }
            }
            return page
        }
    }

    private func knownReferrers(in repository: String) throws -> KnownReferrers {
        var referrers = known.withLock { $0[repository] } ?? KnownReferrers()
        try referrers.update(repository, in: store)
        known.withLock { [referrers] known in
            known[repository] = referrers
            let count = known.values.reduce(0) { $0 + $1.count }
            if count > Self.knownLimit { known = [repository: referrers] }
        }
        return referrers
    }

    func check() async throws { try await Workers.blobs.run { [self] in try store.prepare() } }
}

/// Which manifests of a repository name which subject: content, which never changes, and so is read once.
/// Whether a manifest is still there is asked each time.
private struct KnownReferrers: Sendable {
    private struct Referrer {
        var subject: Digest
        /// nil where it is too large to be remembered.
        var descriptor: Descriptor?
    }

    private static let annotationsLimit = 1 << 10

    /// nil for a manifest without a subject.
    private var manifests: [Digest: Referrer?] = [:]
    var count: Int { manifests.count }

    mutating func update(_ repository: String, in store: Store) throws {
        let before = manifests
        manifests = [:]
        for digest in try store.revisions(of: repository) {
            if let known = before[digest] {
                manifests[digest] = .some(known)
                continue
            }
            let read: Manifest?
            do {
                read = try store.manifest(digest, in: repository)
            } catch let error where BrokenImage(name: .none, error: error) != nil {
                // Somebody may put it right.
                continue
            }
            guard let manifest = read else { continue }
            manifests[digest] = .some(
                manifest.subject.map { subject in
                    let descriptor = manifest.referrerDescriptor
                    let size = (descriptor.annotations ?? [:]).reduce(descriptor.artifactType?.utf8.count ?? 0) {
                        $0 + $1.key.utf8.count + $1.value.utf8.count
                    }
                    return Referrer(
                        subject: subject.digest, descriptor: size <= Self.annotationsLimit ? descriptor : nil)
                })
        }
    }

    /// By digest; nil where it has to be read.
    func referrers(of digest: Digest) -> [Digest: Descriptor?] {
        manifests.compactMapValues { $0 }.filter { $0.value.subject == digest }.mapValues(\.descriptor)
    }
}
