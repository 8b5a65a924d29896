import ByteStreams
package import ImageModel
import ImageTransfer
import Logging
import RegistryStore
import Synchronization

/// Tags and manifests: the cached ones, compared with the upstream's and fetched from there.
extension PullThroughContent {
    func manifest(_ reference: ManifestReference, in repository: String) async throws -> Manifest? {
        switch reference {
        case .tag(let tag): try await manifest(tagged: tag, in: repository)
        case .digest(let digest): try await manifest(digest, in: repository)
        }
    }

    func descriptor(_ reference: ManifestReference, in repository: String) async throws -> Descriptor? {
        switch reference {
        case .tag(let tag): try await descriptor(tagged: tag, in: repository)
        case .digest(let digest): try await descriptor(digest, in: repository)
        }
    }

    package func manifest(tagged tag: String, in repository: String) async throws -> Manifest? {
        let key = TagKey(repository: repository, tag: tag)
        let cached = try await cachedManifest(tagged: key)
        guard let current = try await meaning(of: key, isCached: cached != nil) else { return hit(cached) }
        if let cached, cached.digest == current.digest { return hit(cached) }
        if let known = try await cachedManifest(current.digest, in: repository) {
            await keep(known, in: repository, tags: [tag])
            return hit(known)
        }
        // It may have become unwell since it was asked.
        if let cached, !health.mayCheck() { return hit(cached) }
        do {
            let fetched = try await fetch(current.digest, orTag: key, in: repository, isCached: cached != nil)
            return fetched ?? hit(cached)
        } catch let failure as UpstreamFailure where cached != nil {
            fallBack(failure, repository)
            return hit(cached)
        }
    }

    /// Counts a manifest that is served from the cache.
    private func hit(_ manifest: Manifest?) -> Manifest? {
        if let manifest { metrics.cacheServed(.manifest, bytes: manifest.size, isHit: true) }
        return manifest
    }

    package func manifest(_ digest: Digest, in repository: String) async throws -> Manifest? {
        if let known = try await cachedManifest(digest, in: repository) { return hit(known) }
        return try await fetch(digest, in: repository, isCached: false)
    }

    func manifestFile(_ digest: Digest, in repository: String) async throws -> ServedBlob? {
        try await local.manifestFile(digest, in: repository)
    }

    package func descriptor(tagged tag: String, in repository: String) async throws -> Descriptor? {
        let key = TagKey(repository: repository, tag: tag)
        let cached = try await cachedManifest(tagged: key)
        guard let current = try await meaning(of: key, isCached: cached != nil), current.digest != cached?.digest
        else { return cached?.descriptor }
        if let known = try await cachedManifest(current.digest, in: repository) {
            await keep(known, in: repository, tags: [tag])
            return known.descriptor
        }
        // A client that is told the new digest asks for it next, and the upstream would have to answer.
        if let cached, !health.mayCheck() { return cached.descriptor }
        guard current.size < 0 else { return current }
        // The length is only known with the content here.
        return try await manifest(tagged: tag, in: repository)?.descriptor
    }

    package func descriptor(_ digest: Digest, in repository: String) async throws -> Descriptor? {
        if let known = try await cachedManifest(digest, in: repository) { return known.descriptor }
        let name = Name(reference: digest.description, repository: repository)
        let found = try await look(for: name, isCached: false)
        guard let found, found.size < 0 else { return found }
        return try await manifest(digest, in: repository)?.descriptor
    }

    /// The manifest that a tag has at the upstream.
    ///
    /// - Parameter isCached: whether a manifest is cached for the tag.
    /// - Returns: nil if the cached one is to be served, or if the upstream has no such tag.
    private func meaning(of key: TagKey, isCached: Bool) async throws -> Descriptor? {
        if let recent = checks.recent(key), recent != nil || isCached { return recent }
        guard !isCached || health.mayCheck() else { return nil }
        let name = Name(reference: key.tag, repository: key.repository)
        do {
            return try await look(for: name, isCached: isCached) { [checks] result in
                switch result {
                case .success(let found): checks.note(key, found)
                // It is not asked again for each request.
                case .failure(let failure as UpstreamFailure) where !failure.isGeneral: checks.note(key, nil)
                case .failure: break
                }
            }
        } catch let failure as UpstreamFailure where isCached {
            fallBack(failure, key.repository)
            return nil
        }
    }

    /// Fetches a manifest, and gives it the tags that were looked up: clients look a tag up, and then ask for its digest.
    ///
    /// - Parameter key: tag to fetch if the upstream does not know the digest that it reported. What comes of that is not
    ///   shared with those who ask for the digest.
    private func fetch(
        _ digest: Digest, orTag key: TagKey? = nil, in repository: String, isCached: Bool
    ) async throws -> Manifest? {
        let patience = isCached ? UpstreamHealth.patience : Self.patience
        let name = Name(reference: digest.description, repository: repository)
        var found = try await fetch(name, for: key, within: patience)
        if found == nil, let key {
            found = try await fetch(Name(reference: key.tag, repository: repository), for: key, within: patience)
        }
        if let found { metrics.cacheServed(.manifest, bytes: found.size, isHit: false) }
        return found
    }

    private func fetch(_ name: Name, for key: TagKey?, within patience: Duration) async throws -> Manifest? {
        let client = ClientConnection.currentShare
        return try await wait(
            for: manifests, name, within: patience, isOther: false,
            hasAnswered: { [self] in answered.withLock { $0.contains(name) } }
        ) { [self] isWanted in
            defer { answered.withLock { _ = $0.remove(name) } }
            await upstream.prepare()
            do {
                // The client has its turn until the manifest is parsed: as many are in memory at a time.
                let found = try await asking.use(1, for: client) {
                    let answer = try await Workers.requests.run { [self] in
                        guard isWanted() else { throw CancellationError() }
                        let answer = try health.observe(within: Self.patience) {
                            try upstream.manifest(name.reference, in: name.repository)
                        }
                        answered.withLock { _ = $0.insert(name) }
                        return answer
                    }
                    return try await parse(answer, for: client)
                }
                if let key, name.reference == key.tag { checks.note(key, found?.descriptor) }
                guard let found else { return nil }
                metrics.cacheFetched(.manifest, bytes: found.size)
                await keep(found, in: name.repository, tags: checks.tags(of: found.digest, in: name.repository))
                return found
            } catch let failure as UpstreamFailure where !failure.isGeneral {
                // It is not asked again for each request.
                if let key { checks.note(key, nil) }
                throw failure
            }
        }
    }

    /// Parses a manifest if that is still to be done. Clients take turns.
    private func parse(_ answer: UpstreamManifest?, for client: ClientAddress.Share) async throws -> Manifest? {
        switch answer {
        case .parsed(let manifest): return manifest
        case .large(let parse):
            return try await FairShare.documents.run(on: .documents, for: client, if: { true }, parse)
        case nil: return nil
        }
    }

    /// Stores a manifest. If the store cannot be written to, the manifest is served all the same.
    private func keep(_ manifest: Manifest, in repository: String, tags: Set<String>) async {
        do {
            if try await cachedManifest(manifest.digest, in: repository) == nil {
                try await Workers.commits.run { [local] in try local.store.cache(manifest, in: repository) }
            }
            for tag in tags {
                try await local.store.tag(manifest.descriptor, as: ImageName(repository: repository, tag: tag))
            }
        } catch {
            logger.error("proxy: \(repository): the manifest \(manifest.digest) is not cached: \(error)")
        }
    }

    private func cachedManifest(tagged key: TagKey) async throws -> Manifest? {
        try await intact { try await local.manifest(.tag(key.tag), in: key.repository) }
    }

    private func cachedManifest(_ digest: Digest, in repository: String) async throws -> Manifest? {
        try await intact { try await local.manifest(.digest(digest), in: repository) }
    }

    /// - Returns: nil for content that is damaged: it is fetched again.
    private func intact<T>(_ read: () async throws -> T?) async throws -> T? {
        do {
            return try await read()
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            logger.warning("proxy: \(error); it is fetched again")
            return nil
        }
    }
}
