import ByteStreams
import ImageModel
import RegistryStore
import Synchronization

/// A registry's storage directory, served as it is at each moment.
final class StoreContent: RegistryContent {
    let store: Store
    let known = KnownReferrers()
    /// Threads that list directories: a repository may have any number of tags and manifests.
    let listings = FairShare(units: max(2, min(Workers.coreCount, Workers.blobs.count / 4)), limit: 1024)
    /// Likewise for repositories, whose directories are many and deep.
    private let catalogs = FairShare(units: 1, limit: 1024)
    /// Large manifests that are being read. Clients do not share them: each waits for its own turn.
    private let readings = SharedWork<Reading, Manifest?>(
        clock: SystemClock(), limit: .max, busy: Overload.ofServer)

    /// Large pages of referrers that are being made.
    let pages = SharedWork<PageKey, ReferrersPage>(clock: SystemClock(), limit: .max, busy: Overload.ofServer)

    /// What large manifests are, of those that were read: it never changes.
    private let descriptors = Mutex<[Digest: Descriptor]>([:])
    private static let descriptorLimit = 10_000

    private struct Reading: Hashable, Sendable {
        var digest: Digest
        var repository: String
        var client: ClientAddress.Share
    }

    init(_ store: Store) { self.store = store }

    func repositories(after last: String?, limit: Int) async throws -> [String] {
        try await catalogs.run(on: .blobs) { [self] in try store.repositories(after: last, limit: limit) }
    }

    func tags(of repository: String, _ request: TagsRequest) async throws -> TagsPage? {
        try await listings.run(on: .blobs) { [self] in try store.tags(of: repository).map { TagsPage(of: $0, request) }
        }
    }

    private enum Found {
        case small(Manifest)
        case large(Digest, size: Int64)
    }

    private func find(_ reference: ManifestReference, in repository: String) async throws -> Found? {
        try await Workers.blobs.run { [store] in
            let digest: Digest? =
                switch reference {
                case .tag(let tag): try store.digest(ofTag: tag, in: repository)
                case .digest(let digest): digest
                }
            guard let digest else { return nil }
            // One request less, for nearly all are small.
            if store.isRemote {
                do {
                    return try store.manifest(digest, in: repository, limit: Int(Document.ordinarySize)).map {
                        .small($0)
                    }
                } catch let error as ImageError where error.code == .limit {}
            }
            guard let size = try store.manifestSize(digest, in: repository) else { return nil }
            if size > Document.ordinarySize { return .large(digest, size: size) }
            return try store.manifest(digest, in: repository).map { .small($0) }
        }
    }

    /// Reads a manifest. A large one takes long to parse: clients take turns, and blobs are not kept waiting.
    func manifest(_ reference: ManifestReference, in repository: String) async throws -> Manifest? {
        switch try await find(reference, in: repository) {
        case .small(let manifest): return manifest
        case .large(let digest, _): return try await large(digest, in: repository)
        case nil: return nil
        }
    }

    /// A large manifest is not read again to tell what it is.
    func descriptor(_ reference: ManifestReference, in repository: String) async throws -> Descriptor? {
        switch try await find(reference, in: repository) {
        case .small(let manifest): return manifest.descriptor
        case .large(let digest, let size):
            if let known = descriptors.withLock({ $0[digest] }), known.size == size { return known }
            return try await large(digest, in: repository)?.descriptor
        case nil: return nil
        }
    }

    /// Time for a large manifest, or page of referrers, after its client's turn has come.
    static let patience = Duration.seconds(60)

    /// Reads a large manifest, once for all requests of a client that want it at the same time, while one of them does.
    private func large(_ digest: Digest, in repository: String) async throws -> Manifest? {
        let client = ClientConnection.currentShare
        let reading = Reading(digest: digest, repository: repository, client: client)
        return try await readings.value(for: reading, within: Self.patience, orThrow: Overload.ofServer) {
            [self] isWanted in
            try await FairShare.documents.run(on: .documents, for: client, if: isWanted) { [self] in
                let manifest = try store.manifest(digest, in: repository)
                if let manifest { note(manifest) }
                return manifest
            }
        }
    }

    private func note(_ manifest: Manifest) {
        descriptors.withLock { descriptors in
            if descriptors.count >= Self.descriptorLimit { descriptors = [:] }
            descriptors[manifest.digest] = manifest.descriptor
        }
    }

    func manifestFile(_ digest: Digest, in repository: String) async throws -> ServedBlob? {
        try await Workers.blobs.run { [self] in try store.manifestFile(digest, in: repository).map { ServedBlob($0) } }
    }

    func blob(_ digest: Digest, in repository: String) async throws -> ServedBlob? {
        try await Workers.blobs.run { [self] in
            try store.blob(digest, in: repository).map { ServedBlob($0) }
        }
    }

    func blobSize(_ digest: Digest, in repository: String) async throws -> Int64? {
        try await Workers.blobs.run { [self] in try store.blobSize(digest, in: repository) }
    }

    func check() async throws { try await Workers.blobs.run { [self] in try store.prepare() } }
}
