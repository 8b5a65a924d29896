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

    /// What was found, or why it was not.
    private typealias Found<Value> = [Key: Result<Value, any Error>]

    private struct State: Sendable {
        var manifests: Found<Manifest> = [:]
        /// Of images, by the digests of their configs.
        var platforms: Found<Platform?> = [:]
        var diffIDs: Found<[Digest: Digest]> = [:]
    }

    private let source: any ImageSource
    private let state = Mutex(State())

    init(_ source: any ImageSource) { self.source = source }

    /// - Throws: what the source throws.
    func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        let type = descriptor.mediaType.isManifest ? descriptor.mediaType : nil
        let key = Key(digest: descriptor.digest, repository: repository, type: type)
        let manifest = try await once(\.manifests, key) { try await source.manifest(descriptor, in: repository) }
        try manifest.check(against: descriptor, name: "\(source.title): the manifest \(descriptor.digest)")
        return manifest
    }

    /// Finds something the first time, and keeps what came of it.
    private func once<Value: Sendable>(
        _ table: WritableKeyPath<State, Found<Value>>, _ key: Key, _ find: () async throws -> Value
    ) async throws -> Value {
        if let known = state.withLock({ $0[keyPath: table][key] }) { return try known.get() }
        let found: Result<Value, any Error>
        do {
            found = .success(try await find())
        } catch let error as CancellationError {
            throw error
        } catch {
            found = .failure(error)
        }
        return try state.withLock { state in
            let kept = state[keyPath: table][key] ?? found
            state[keyPath: table][key] = kept
            return kept
        }.get()
    }

    /// - Throws: `ImageError.damaged` if it is not there.
    func rootManifest(of image: SourceImage) async throws -> Manifest {
        do {
            return try await manifest(image.descriptor, in: image.repository)
        } catch let error as ImageError where error.code == .notFound {
            throw ImageError.damaged("\(error), but \(image.title) is listed")
        }
    }

    /// The platform that an image's config gives.
    func platform(of image: ImageManifest, in repository: String?) async throws -> Platform? {
        guard image.config.mediaType.isImageConfig else { return nil }
        let key = Key(digest: image.config.digest, repository: repository)
        return try await once(\.platforms, key) { try await source.config(of: image, in: repository)?.platform }
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
        return try await once(\.diffIDs, key, find)
    }
}
