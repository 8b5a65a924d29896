import ByteStreams
import ImageModel
import RegistryStore

/// Lists: the upstream's, or what is cached where it gives no good answer.
extension PullThroughContent {
    /// Asks the upstream for a list, which ends when nobody waits for it. That one list is slow or refused says nothing
    /// about the upstream as a whole.
    ///
    /// - Parameter request: blocks.
    /// - Throws: `UpstreamFailure`.
    private func askForList<Key, Value>(
        _ shared: SharedWork<Key, Value>, _ key: Key,
        _ request: @escaping @Sendable (any Upstream, @escaping @Sendable () -> Bool) throws -> Value
    ) async throws -> Value {
        let client = ClientConnection.currentShare
        // What is cached is not all that there is: the list may take its time.
        return try await wait(for: shared, key, within: Self.patience, isOther: true) {
            [upstream, listing, health] isWanted in
            await upstream.prepare()
            return try await listing.run(on: .lists, for: client, if: isWanted) {
                try health.observeOther(within: Self.patience) { try request(upstream, isWanted) }
            }
        }
    }

    package func tags(of repository: String, _ request: TagsRequest) async throws -> TagsPage? {
        let cached = try await local.tags(of: repository, request)
        if cached != nil, !health.mayCheck() { return cached }
        let key = TagsKey(repository: repository, request: request)
        do {
            let page = try await askForList(lists, key) { upstream, isWanted in
                try upstream.tags(of: repository, request, isWanted: isWanted)
            }
            return page ?? cached
        } catch let failure as UpstreamFailure where cached != nil {
            fallBack(failure, repository, isList: true)
            return cached
        }
    }

    func referrers(
        of digest: Digest, in repository: String, _ request: ReferrersPage.Request
    ) async throws -> ReferrersPage {
        if !health.mayCheck(), let cached = try await cachedReferrers(of: digest, in: repository, request),
            !cached.isEmpty
        {
            return cached
        }
        let key = ReferrersKey(subject: digest, repository: repository, request: request)
        do {
            return try await askForList(referrerLists, key) { upstream, isWanted in
                var choice = ReferrersChoice(request)
                try upstream.referrers(of: digest, in: repository, isWanted: isWanted) { try choice.add($0) }
                return choice.page
            }
        } catch let failure as UpstreamFailure {
            let found = try await cachedReferrers(of: digest, in: repository, request)
            // That there are none is for the upstream to say, unless it is gone.
            guard let cached = found, !cached.isEmpty || failure.isOfConnection else { throw failure }
            fallBack(failure, repository, isList: true)
            return cached
        }
    }

    /// - Returns: nil if neither the subject is cached nor anything that refers to it.
    private func cachedReferrers(
        of digest: Digest, in repository: String, _ request: ReferrersPage.Request
    ) async throws -> ReferrersPage? {
        let cached = try await local.referrers(of: digest, in: repository, request)
        if !cached.isEmpty { return cached }
        let isCached = try await Workers.blobs.run { [local] in try local.store.hasManifest(digest, in: repository) }
        return isCached ? cached : nil
    }
}
