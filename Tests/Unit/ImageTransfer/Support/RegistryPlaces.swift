import ImageModel
import ImageTransfer
import Synchronization

/// A registry in memory, as a source: each look costs a request, and is counted.
final class RemotePlace: MemoryPlace, RemoteSource, @unchecked Sendable {
    private let count = Mutex(0)

    /// Number of manifests that were read.
    var manifestsRead: Int { count.withLock(\.self) }

    override func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        count.withLock { $0 += 1 }
        return try await super.manifest(descriptor, in: repository)
    }
    func lookUp(named name: String?, digest: Digest?) async throws -> SourceListing {
        try await choice(named: name, digest: digest, of: listing())
    }
    func lookUp(
        named name: String?, choosing choose: @Sendable (TagCandidates) async throws -> [String]
    ) async throws -> SourceListing {
        throw ImageError.refused("\(title) has no tags to choose from")
    }
    func lookUpImage(named name: String?, digest: Digest?) async throws -> SourceImage {
        try Self.only(try await lookUp(named: name, digest: digest).images, of: title)
    }
    func lookUp(in repository: String?, tagged isWanted: @Sendable @escaping (String) -> Bool) async throws
        -> [SourceImage]
    {
        images.filter { $0.repository == repository && $0.tag.map(isWanted) == true }
    }
    func untaggedReferrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await referrers(of: digest, in: repository)
    }
}

/// A registry in memory, as a destination: each repository has blobs of its own, and a name stands for a whole image.
final class RegistryPlace: MemoryPlace, MountsBlobs, HoldsWholeImages, @unchecked Sendable {
    let isRemote = true
    private struct Place: Hashable {
        var digest: Digest
        var repository: String
    }

    private let mounted = Mutex<Set<Place>>([])
    private let lookCount = Mutex(0)

    /// Number of blobs that were mounted.
    var mounts: Int { mounted.withLock(\.count) }

    /// Number of blobs and manifests that were looked for.
    var looks: Int { lookCount.withLock(\.self) }

    override func has(_ blob: Descriptor, in repository: String) async throws -> Bool {
        lookCount.withLock { $0 += 1 }
        if mounted.withLock({ $0.contains(Place(digest: blob.digest, repository: repository)) }) { return true }
        return try await super.has(blob, in: repository)
    }
    override func has(manifest: Digest, in repository: String) async throws -> Bool {
        lookCount.withLock { $0 += 1 }
        return try await super.has(manifest: manifest, in: repository)
    }
    func mount(
        _ blob: Descriptor, from source: (any ImageSource)?, in origin: String?, into repository: String
    ) async throws -> Bool {
        guard contents[blob.digest] != nil else { return false }
        mounted.withLock { _ = $0.insert(Place(digest: blob.digest, repository: repository)) }
        return true
    }
    func known(_ digest: Digest, in repository: String) async throws -> KnownImage {
        let root = try await manifest(Descriptor(untyped: digest), in: repository)
        var manifests = [root]
        for child in root.children { manifests.append(try await manifest(child, in: repository)) }
        return KnownImage(manifests)
    }
    func referrers(of digest: Digest, in repository: String) async throws -> [Descriptor] {
        try await referrers(of: digest, in: Optional(repository))
    }
}
