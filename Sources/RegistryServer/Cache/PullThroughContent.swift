import ByteStreams
package import ImageModel
package import Logging
package import RegistryStore
import Synchronization

/// Another registry, through a store that keeps what was asked for.
///
/// A tag is compared with the upstream's when its last comparison is some time ago; what a digest means never changes.
/// Cached content is served whatever state the upstream is in. Source: distribution, "Registry as a pull through cache".
package final class PullThroughContent: RegistryContent {
    /// A tag or a digest of a repository.
    struct Name: Hashable, Sendable {
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

    /// Time after which a client that waits for content that is not cached is answered 504.
    static let patience = Duration.seconds(15)
    /// Requests of one kind that wait for the upstream at once.
    private static let limit = 1000

    let local: StoreContent
    let upstream: any Upstream
    let health: UpstreamHealth
    let metrics: ServerMetrics
    let logger: Logger
    let checks: TagChecks
    private let lookups: SharedWork<Name, Descriptor?>
    let manifests: SharedWork<Name, Manifest?>
    /// Manifests that the upstream has sent, and that are parsed and stored now.
    let answered = Mutex<Set<Name>>([])
    let lists: SharedWork<TagsKey, TagsPage?>
    private let blobLookups: SharedWork<ContentKey, Descriptor?>
    let referrerLists: SharedWork<ReferrersKey, ReferrersPage>
    private let downloads: SharedWork<ContentKey, ServedBlob?>
    /// The threads that wait for the upstream: no client has all of them.
    let asking = FairShare(units: Workers.requests.count, keepsRoom: true, limit: limit / 4)
    /// Likewise those for lists: they are few, for a list takes much memory and time.
    let listing = FairShare(units: Workers.lists.count, keepsRoom: true, limit: limit / 4)
    let fetching = FairShare(units: Workers.fetches.count, keepsRoom: true, limit: limit / 4)
    /// Blobs that are being downloaded.
    let arriving = Mutex<[ContentKey: ServedBlob]>([:])

    /// - Parameter checkInterval: time after which a tag is looked up again.
    package init(
        _ store: Store, upstream: any Upstream, checkInterval: Duration, clock: any CacheClock,
        metrics: ServerMetrics = ServerMetrics(), logger: Logger
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
    func look(
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
        let key = ContentKey(repository: repository, digest: digest)
        if let underway = arriving.withLock({ $0[key] }) { return underway }
        let client = ClientConnection.currentShare
        return try await wait(for: downloads, key, within: Self.patience, isOther: true) {
            [self] isWanted in
            try await download(key, for: client, isWanted)
        }
    }

    package func blobSize(_ digest: Digest, in repository: String) async throws -> Int64? {
        if let known = try await local.blob(digest, in: repository) { return known.size }
        let key = ContentKey(repository: repository, digest: digest)
        if let underway = arriving.withLock({ $0[key] }) { return underway.size }
        return try await ask(blobLookups, key, within: Self.patience, isOther: true) { [health] upstream in
            try health.observeOther(within: Self.patience) { try upstream.blob(digest, in: repository) }
        }?.size
    }

    package func check() async throws { try await local.check() }
}
