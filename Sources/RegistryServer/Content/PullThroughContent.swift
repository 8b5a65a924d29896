import ByteStreams
import ImageLayouts
import ImageModel
import ImageTransfer
import Logging
import Synchronization

/// Another registry, through a store that keeps what was asked for.
///
/// What a tag means is asked there each time; what a digest means never changes. While the other registry
/// does not answer, what is here is served. Source: distribution, "Registry as a pull through cache".
final class PullThroughContent: RegistryContent {
    private let local: StoreContent
    private let upstream: any ImageSource
    private let logger: Logger
    /// Blobs that are being fetched: each once, however many ask.
    private let arriving = Mutex<[Key: Task<ServedBlob?, any Error>]>([:])

    private struct Key: Hashable {
        var digest: Digest
        var repository: String
    }

    /// - Parameter upstream: every image of the other registry.
    init(_ store: Store, upstream: any ImageSource, logger: Logger) {
        local = StoreContent(store)
        self.upstream = upstream
        self.logger = logger
    }

    func repositories(after last: String?, limit: Int) async throws -> [String] {
        try await local.repositories(after: last, limit: limit)
    }

    func tags(of repository: String) async throws -> [String]? {
        do {
            return try await upstream.images(named: repository, digest: nil).compactMap(\.tag).sorted()
        } catch TransferError.notFound {
            return nil
        } catch {
            fallBack(error)
            return try await local.tags(of: repository)
        }
    }

    func manifest(tagged tag: String, in repository: String) async throws -> Manifest? {
        do {
            guard let image = try await upstream.images(named: "\(repository):\(tag)", digest: nil).first else {
                return nil
            }
            let manifest = try await manifest(image.descriptor, in: repository)
            try await local.store.tag(image.descriptor, as: ImageName(repository: repository, tag: tag))
            return manifest
        } catch TransferError.notFound {
            return nil
        } catch {
            fallBack(error)
            return try await local.manifest(tagged: tag, in: repository)
        }
    }

    func manifest(_ digest: Digest, in repository: String) async throws -> Manifest? {
        do {
            return try await manifest(Descriptor(untyped: digest), in: repository)
        } catch TransferError.notFound {
            return nil
        }
    }

    private func manifest(_ descriptor: Descriptor, in repository: String) async throws -> Manifest {
        if let known = try await local.manifest(descriptor.digest, in: repository) { return known }
        let manifest = try await upstream.manifest(descriptor, in: repository)
        try await Workers.commits.run { [self] in try local.store.cache(manifest, in: repository) }
        return manifest
    }

    func blob(_ digest: Digest, in repository: String) async throws -> ServedBlob? {
        if let known = try await local.blob(digest, in: repository) { return known }
        let key = Key(digest: digest, repository: repository)
        let fetch = arriving.withLock { arriving in
            if let underway = arriving[key] { return underway }
            let new = Task { try await self.fetch(key) }
            arriving[key] = new
            return new
        }
        return try await fetch.value
    }

    /// Begins to fetch a blob, unless it has come since somebody looked for it.
    private func fetch(_ key: Key) async throws -> ServedBlob? {
        let (digest, repository) = (key.digest, key.repository)
        var isArriving = false
        defer { if !isArriving { forget(key) } }
        if let known = try await local.blob(digest, in: repository) { return known }
        let descriptor = Descriptor(untyped: digest)
        let bytes = Handover(PeekingSource(try await upstream.blob(descriptor, in: repository)))
        let upload: Handover<StoreUpload>
        do {
            upload = try await Workers.fetches.run { [self] in
                // Whether it is there at all shows at the first byte, which the other registry may keep back.
                _ = try bytes.value.peek(1)
                return Handover(try StoreUpload.begin(in: repository, of: local.store))
            }
        } catch TransferError.notFound {
            return nil
        }
        let new = try ArrivingBlob(upload.value)
        isArriving = true
        Task { [self] in
            do {
                try await Workers.fetches.run {
                    try bytes.value.forEachPiece(of: 256 << 10) { piece in
                        try upload.value.append(piece)
                        upload.value.hash(piece)
                        new.arrived(piece.count)
                    }
                    guard try upload.value.commit(digest) else {
                        throw TransferError.damaged("the blob \(digest) of \(self.upstream.title) has other bytes")
                    }
                }
                new.ended(nil)
            } catch {
                logger.error("\(repository): \(error)")
                new.ended(error)
                try? await Workers.blobs.run { try upload.value.cancel() }
            }
            forget(key)
        }
        return ServedBlob(size: -1, bytes: .arriving(new))
    }

    private func forget(_ key: Key) { arriving.withLock { $0[key] = nil } }

    func referrers(of digest: Digest, in repository: String, on page: ReferrersPage) async throws -> ReferrersPage {
        let all: [Descriptor]
        do {
            all = try await upstream.referrers(of: digest, in: repository)
        } catch {
            fallBack(error)
            return try await local.referrers(of: digest, in: repository, on: page)
        }
        var page = page
        try page.add(all)
        return page
    }

    func check() async throws { try await local.check() }

    private func fallBack(_ error: any Error) {
        logger.warning("\(upstream.title) does not answer, what is here is served: \(error)")
    }
}
