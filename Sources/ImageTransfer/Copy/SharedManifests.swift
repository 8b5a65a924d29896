import ImageModel
import Synchronization

/// The manifests of a source that is planned. Many images may have the same ones: each is read once and is in memory once.
final class SharedManifests: Sendable {
    private struct Key: Hashable {
        var digest: Digest
        var repository: String?
        /// The claimed type, which counts where a manifest does not tell its own.
        var type: MediaType?
    }

    private struct State: Sendable {
        var manifests: [Key: Manifest] = [:]
        /// Of images, by the digests of their configs.
        var platforms: [Key: Platform?] = [:]
        var diffIDs: [Key: Result<[Digest: Digest], ConfigMisfit>] = [:]
    }

    private let source: any ImageSource
    private let state = Mutex(State())

    init(_ source: any ImageSource) { self.source = source }

    /// - Throws: what the source throws.
    func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        let type = descriptor.mediaType.isManifest ? descriptor.mediaType : nil
        let key = Key(digest: descriptor.digest, repository: repository, type: type)
        if let known = state.withLock({ $0.manifests[key] }) {
            try known.check(against: descriptor, name: "\(source.title): the manifest \(descriptor.digest)")
            return known
        }
        let new = try await source.manifest(descriptor, in: repository)
        return state.withLock { state in
            let known = state.manifests[key] ?? new
            state.manifests[key] = known
            return known
        }
    }

    /// - Throws: `TransferError.damaged` if it is not there.
    func rootManifest(of image: SourceImage) async throws -> Manifest {
        do {
            return try await manifest(image.descriptor, in: image.repository)
        } catch TransferError.notFound(let text) {
            throw TransferError.damaged("\(text), but \(image.title) is listed")
        }
    }

    /// The platform that an image's config gives.
    func platform(of image: ImageManifest, in repository: String?) async throws -> Platform? {
        guard image.config.mediaType.isImageConfig else { return nil }
        let key = Key(digest: image.config.digest, repository: repository)
        if let known = state.withLock({ $0.platforms[key] }) { return known }
        let platform = try await source.config(of: image, in: repository)?.platform
        state.withLock { $0.platforms[key] = .some(platform) }
        return platform
    }

    /// The diffIDs of an image's layers.
    ///
    /// - Parameters:
    ///   - manifest: the digest of the image.
    ///   - find: gets them where they are not known yet.
    func diffIDs(
        of manifest: Digest, in repository: String?, _ find: () async throws -> [Digest: Digest]
    ) async throws -> [Digest: Digest] {
        let key = Key(digest: manifest, repository: repository)
        if let known = state.withLock({ $0.diffIDs[key] }) { return try known.get() }
        let found: Result<[Digest: Digest], ConfigMisfit>
        do {
            found = .success(try await find())
        } catch let misfit as ConfigMisfit {
            found = .failure(misfit)
        }
        state.withLock { $0.diffIDs[key] = found }
        return try found.get()
    }
}
