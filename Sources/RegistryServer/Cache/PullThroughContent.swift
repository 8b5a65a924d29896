import ByteStreams
package import ImageModel
import ImageTransfer
package import Logging
package import RegistryStore
import Synchronization

/// Another registry, through a store that keeps what was asked for.
///
/// A tag is compared with the upstream's when its last comparison is some time ago; what a digest means never changes.
/// Cached content is served whatever state the upstream is in. Source: distribution, "Registry as a pull through cache".
package final class PullThroughContent: RegistryContent {
    /// A tag or a digest of a repository.
    private struct Name: Hashable, Sendable {
        var reference: String
        var repository: String
    }

    struct TagsKey: Hashable, Sendable {
        var repository: String
        var request: TagsRequest
    }

    struct ReferrersKey: Hashable, Sendable {
        var subject: Digest
        var repository: String
        var request: ReferrersPage.Request
    }

    struct BlobKey: Hashable, Sendable {
        var digest: Digest
        var repository: String
    }

    /// Time after which a client that waits for content that is not cached is answered 504.
    static let patience = Duration.seconds(15)
    /// Requests of one kind that wait for the upstream at once.
    private static let limit = 1000

    let local: StoreContent
    let upstream: any Upstream
    let health: UpstreamHealth
    let metrics: ServerMetrics
    let logger: Logger
    private let checks: TagChecks
    private let lookups: SharedWork<Name, Descriptor?>
    private let manifests: SharedWork<Name, Manifest?>
    /// Manifests that the upstream has sent, and that are parsed and stored now.
    private let answered = Mutex<Set<Name>>([])
    let lists: SharedWork<TagsKey, TagsPage?>
    private let blobLookups: SharedWork<BlobKey, Descriptor?>
    let referrerLists: SharedWork<ReferrersKey, ReferrersPage>
    private let downloads: SharedWork<BlobKey, ServedBlob?>
    /// The threads that wait for the upstream: no client has all of them.
    private let asking = FairShare(units: Workers.requests.count, keepsRoom: true, limit: limit / 4)
    /// Likewise those for lists: they are few, for a list takes much memory and time.
    let listing = FairShare(units: Workers.lists.count, keepsRoom: true, limit: limit / 4)
    let fetching = FairShare(units: Workers.fetches.count, keepsRoom: true, limit: limit / 4)
    /// Blobs that are being downloaded.
    let arriving = Mutex<[BlobKey: ServedBlob]>([:])

    /// - Parameter checkInterval: time after which a tag is looked up again.
    package convenience init(
        _ store: Store, upstream: any Upstream, checkInterval: Duration, clock: any CacheClock, logger: Logger
    ) {
        self.init(
            store, upstream: upstream, checkInterval: checkInterval, clock: clock, metrics: ServerMetrics(),
            logger: logger)
    }

    init(
        _ store: Store, upstream: any Upstream, checkInterval: Duration, clock: any CacheClock,
        metrics: ServerMetrics, logger: Logger
    ) {
        local = StoreContent(store)
        self.upstream = upstream
        self.metrics = metrics
        self.logger = logger
        health = UpstreamHealth(clock: clock, logger: logger)
        checks = TagChecks(interval: checkInterval, clock: clock)
        lookups = SharedWork(clock: clock, limit: Self.limit, busy: UpstreamFailure.busy)
        manifests = SharedWork(clock: clock, limit: Self.limit, busy: UpstreamFailure.busy)
        lists = SharedWork(clock: clock, limit: Self.limit, busy: UpstreamFailure.busy)
        blobLookups = SharedWork(clock: clock, limit: Self.limit, busy: UpstreamFailure.busy)
        referrerLists = SharedWork(clock: clock, limit: Self.limit, busy: UpstreamFailure.busy)
        downloads = SharedWork(clock: clock, limit: Self.limit, busy: UpstreamFailure.busy)
    }

    /// Requests to the upstream that wait for an answer.
    package var openRequests: Int {
        lookups.count + manifests.count + lists.count + blobLookups.count + referrerLists.count + downloads.count
    }

    /// Asks the upstream, once for all who ask the same at the same time. It goes on when they have gone.
    ///
    /// - Parameters:
    ///   - patience: of this client.
    ///   - isOther: whether it is neither about a tag nor about a manifest.
    ///   - request: blocks.
    /// - Throws: `UpstreamFailure`.
    private func ask<Key, Value>(
        _ shared: SharedWork<Key, Value>, _ key: Key, within patience: Duration,
        isOther: Bool = false, _ request: @escaping @Sendable (any Upstream) throws -> Value
    ) async throws -> Value {
        let client = ClientConnection.currentShare
        return try await wait(for: shared, key, within: patience, isOther: isOther) {
            [upstream, asking] isWanted in
            await upstream.prepare()
            return try await asking.run(on: .requests, for: client, if: isWanted) { try request(upstream) }
        }
    }

    /// - Parameters:
    ///   - isOther: as for `ask`.
    ///   - hasAnswered: whether what takes so long is not the upstream any more.
    func wait<Key, Value>(
        for shared: SharedWork<Key, Value>, _ key: Key, within patience: Duration,
        isOther: Bool, hasAnswered: @escaping @Sendable () -> Bool = { false },
        _ work: @escaping @Sendable (_ isWanted: @escaping @Sendable () -> Bool) async throws -> Value
    ) async throws -> Value {
        try health.checkPause()
        let late = UpstreamFailure(.silent, "the upstream did not answer within \(patience.components.seconds) s")
        do {
            return try await shared.value(
                for: key, within: patience, orThrow: hasAnswered() ? UpstreamFailure.busy : late, work)
        } catch let failure as UpstreamFailure where failure == late {
            if isOther { health.failedOther(failure) } else { health.failed(failure) }
            throw failure
        } catch is Overload {
            throw UpstreamFailure.busy
        }
    }

    /// Looks a tag or digest up.
    private func look(
        for name: Name, isCached: Bool, keep: @escaping @Sendable (Result<Descriptor?, any Error>) -> Void = { _ in }
    ) async throws -> Descriptor? {
        try await ask(lookups, name, within: isCached ? UpstreamHealth.patience : Self.patience) { [health] upstream in
            let result = Result {
                try health.observe(within: UpstreamHealth.patience) {
                    try upstream.descriptor(name.reference, in: name.repository)
                }
            }
            keep(result)
            return try result.get()
        }
    }

    /// - Parameter isList: whether a list was asked for, whose failure does not make the upstream count as failing.
    func fallBack(_ failure: UpstreamFailure, _ repository: String, isList: Bool = false) {
        // Everything else is told when it begins and ends.
        if isList || !failure.isGeneral { logger.warning("proxy: \(repository): serving cached content: \(failure)") }
    }

    // MARK: Manifests

    package func manifest(tagged tag: String, in repository: String) async throws -> Manifest? {
        let key = TagKey(tag, in: repository)
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

    func manifestFile(_ digest: Digest, in repository: String) async throws -> OpenFile? {
        try await local.manifestFile(digest, in: repository)
    }

    package func descriptor(tagged tag: String, in repository: String) async throws -> Descriptor? {
        let key = TagKey(tag, in: repository)
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
        try await intact(key.repository) { try await local.manifest(tagged: key.tag, in: key.repository) }
    }

    private func cachedManifest(_ digest: Digest, in repository: String) async throws -> Manifest? {
        try await intact(repository) { try await local.manifest(digest, in: repository) }
    }

    /// - Returns: nil for content that is damaged: it is fetched again.
    private func intact<T>(_ repository: String, _ read: () async throws -> T?) async throws -> T? {
        do {
            return try await read()
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            logger.warning("proxy: \(error); it is fetched again")
            return nil
        }
    }

    // MARK: Lists

    package func repositories(after last: String?, limit: Int) async throws -> [String] {
        try await local.repositories(after: last, limit: limit)
    }

    // MARK: Blobs

    package func blob(_ digest: Digest, in repository: String) async throws -> ServedBlob? {
        if let known = try await local.blob(digest, in: repository) {
            metrics.cacheServed(.blob, bytes: known.size, isHit: true)
            return known
        }
        let key = BlobKey(digest: digest, repository: repository)
        if let underway = arriving.withLock({ $0[key] }) { return underway }
        let client = ClientConnection.currentShare
        return try await wait(for: downloads, key, within: Self.patience, isOther: true) {
            [self] isWanted in
            try await download(key, for: client, isWanted)
        }
    }

    package func blobSize(_ digest: Digest, in repository: String) async throws -> Int64? {
        if let known = try await local.blob(digest, in: repository) { return known.size }
        let key = BlobKey(digest: digest, repository: repository)
        if let underway = arriving.withLock({ $0[key] }) { return underway.size }
        return try await ask(blobLookups, key, within: Self.patience, isOther: true) { [health] upstream in
            try health.observeOther(within: Self.patience) { try upstream.blob(digest, in: repository) }
        }?.size
    }

    package func check() async throws { try await local.check() }
}
