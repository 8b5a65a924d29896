import ByteStreams
import ImageModel
import ImageTransfer
import RegistryStore

/// Referrers: manifests are read for them in their client's turn, and not for a client that has gone.
///
/// What is read is kept as text, and a large page takes its memory before it is made. Requests of a client for the same
/// page share it.
extension StoreContent {
    /// Bytes of manifests that are read for one page, besides those that are read once.
    private static let pageLimit: Int64 = 16 << 20
    /// Entries and bytes that are worked on in one turn.
    private static let pieceLimit: (entries: Int, size: Int64) = (1000, 1 << 20)
    /// Bytes of a page that takes no memory of its client's share.
    private static let smallPage: Int64 = 32 << 10

    /// A page that is being made for a client.
    struct PageKey: Hashable, Sendable {
        var subject: Digest
        var repository: String
        var request: ReferrersPage.Request
        var client: ClientAddress.Share
        /// How the referrers are found at the moment: a client that has pushed one does not get an older page.
        var list: Digest?
        var count: Int
    }

    /// A list of referrers that clients keep under a tag, where a registry does not have this API.
    private struct KeptList {
        var digest: Digest
        /// Bytes.
        var size: Int64
    }

    /// What may come onto a page.
    private struct Candidates {
        var manifests: [KnownReferrers.Referrer]
        var list: KeptList?
        /// Of the list; nil if it has to be read.
        var listed: [KnownReferrers.Referrer]?

        /// At most so many bytes come onto a page.
        var size: Int64 {
            (manifests + (listed ?? [])).reduce(listed == nil ? list?.size ?? 0 : 0) { $0 + $1.entrySize }
        }
    }

    /// Whose turn is waited for.
    private struct Turns {
        var client: ClientAddress.Share
        /// nil where the client of the current request waits by itself.
        var isWanted: (@Sendable () -> Bool)?

        func run<T: Sendable>(
            _ share: FairShare, on workers: Workers, _ work: @escaping @Sendable () throws -> T
        ) async throws -> T {
            guard let isWanted else { return try await share.run(on: workers, work) }
            return try await share.run(on: workers, for: client, if: isWanted, work)
        }

        /// Does a part of the work: in its turn, where that is much.
        func run<T: Sendable>(of count: Int, _ work: @escaping @Sendable () throws -> T) async throws -> T {
            guard count >= pieceLimit.entries else { return try await Workers.blobs.run(work) }
            return try await run(.documents, on: .documents, work)
        }
    }

    func referrers(
        of digest: Digest, in repository: String, _ request: ReferrersPage.Request
    ) async throws -> ReferrersPage {
        let client = ClientConnection.currentShare
        let key: PageKey
        let size: Int64
        do {
            let turns = Turns(client: client)
            guard let found = try await candidates(of: digest, in: repository, request, turns) else {
                return ReferrersPage(request)
            }
            size = found.size
            if size <= Self.smallPage { return try await page(request, of: found, in: repository, turns) }
            key = PageKey(
                subject: digest, repository: repository, request: request, client: client, list: found.list?.digest,
                count: found.manifests.count)
        }
        // What was found is not kept meanwhile: there may be many requests.
        return try await pages.value(for: key, within: Self.patience, orThrow: Overload.ofServer) { [self] isWanted in
            let lease = try await FairShare.answers.lease(DocumentMemory.pageSize(of: size), for: client)
            let turns = Turns(client: client, isWanted: isWanted)
            guard isWanted() else { throw CancellationError() }
            guard let found = try await candidates(of: digest, in: repository, request, turns) else {
                return ReferrersPage(request)
            }
            var page = try await page(request, of: found, in: repository, turns)
            page.lease = lease
            return page
        }
    }

    /// - Returns: nil if there is no such repository.
    private func candidates(
        of digest: Digest, in repository: String, _ request: ReferrersPage.Request, _ turns: Turns
    ) async throws -> Candidates? {
        let tag = ImageName.referrersTag(of: digest)
        let found = try await turns.run(listings, on: .blobs) {
            [store] () -> (revisions: [Digest], list: KeptList?)? in
            guard try store.hasRepository(repository) else { return nil }
            let list = try store.digest(ofTag: tag, in: repository).flatMap { list in
                try store.manifestSize(list, in: repository).map { KeptList(digest: list, size: $0) }
            }
            return (try store.revisions(of: repository), list)
        }
        guard let (revisions, list) = found else { return nil }
        try await learn(revisions, in: repository)
        let manifests = try await turns.run(of: revisions.count) { [known] in
            known.referrers(of: digest, among: revisions).filter { request.reaches($0.digest) }
        }
        return Candidates(manifests: manifests, list: list, listed: list.flatMap { known.list($0.digest) })
    }

    private func page(
        _ request: ReferrersPage.Request, of found: Candidates, in repository: String, _ turns: Turns
    ) async throws -> ReferrersPage {
        var listed = found.listed ?? []
        if let list = found.list, found.listed == nil { listed = try await entries(of: list, in: repository, turns) }
        let all = try await turns.run(of: found.manifests.count + listed.count) { [listed] in
            Self.merged(found.manifests, listed, on: request)
        }
        return try await fill(ReferrersPage(request), with: all, in: repository, turns)
    }

    /// Reads the manifests that nobody has read before. In any order: requests that do so at the same time share the work.
    private func learn(_ revisions: [Digest], in repository: String) async throws {
        for digest in known.unknown(of: revisions).shuffled() where !known.isKnown(digest) {
            try await ClientConnection.current?.checkPresence()
            do {
                try await learn(digest, in: repository)
            } catch let error where BrokenImage(name: .none, error: error) != nil {
                // Somebody may put it right.
            }
        }
    }

    /// Reads a manifest, and keeps what matters of it. No manifest waits in memory for that.
    private func learn(_ digest: Digest, in repository: String) async throws {
        let isLarge = try await Workers.blobs.run { [store, known] in
            guard let size = try store.manifestSize(digest, in: repository) else { return false }
            guard size <= Document.ordinarySize else { return true }
            if let manifest = try store.manifest(digest, in: repository) { try known.add(manifest) }
            return false
        }
        if isLarge, let manifest = try await manifest(.digest(digest), in: repository) { try known.add(manifest) }
    }

    /// Reads a list that clients have kept.
    private func entries(
        of list: KeptList, in repository: String, _ turns: Turns
    ) async throws -> [KnownReferrers.Referrer] {
        try await turns.run(.documents, on: .documents) { [store, known] in
            guard case .index(let index)? = try store.manifest(list.digest, in: repository)?.content else { return [] }
            let entries = try index.manifests.filter(\.mediaType.isManifest).map { entry in
                let text = try Document.encode(entry)
                return KnownReferrers.Referrer(
                    digest: entry.digest, subject: entry.digest, size: Int64(text.count),
                    type: entry.artifactType?.hashValue, entry: text)
            }
            known.add(entries, as: list.digest)
            return entries
        }
    }

    /// What may come onto a page, in its order.
    private static func merged(
        _ known: [KnownReferrers.Referrer], _ listed: [KnownReferrers.Referrer], on request: ReferrersPage.Request
    ) -> [KnownReferrers.Referrer] {
        var found = Dictionary(known.map { ($0.digest, $0) }) { first, _ in first }
        for entry in listed where found[entry.digest] == nil { found[entry.digest] = entry }
        return found.values.filter {
            request.reaches($0.digest) && (request.artifactType == nil || request.artifactType?.hashValue == $0.type)
        }.sorted { $0.digest < $1.digest }
    }

    private func fill(
        _ page: ReferrersPage, with referrers: [KnownReferrers.Referrer], in repository: String, _ turns: Turns
    ) async throws -> ReferrersPage {
        var page = page
        var rest = referrers[...]
        var read: Int64 = 0
        while !rest.isEmpty, !page.hasMore {
            let (part, size) = Self.part(of: rest)
            read += size
            guard read <= Self.pageLimit || page.isEmpty else {
                page.end()
                break
            }
            let work = { @Sendable [store, page] in
                var page = page
                for referrer in part {
                    guard let entry = try Self.entry(of: referrer, store, in: repository) else { continue }
                    guard page.add(entry, of: referrer.digest) else { break }
                }
                return page
            }
            page =
                size > 0
                ? try await turns.run(.documents, on: .documents, work) : try await turns.run(of: part.count, work)
            rest = rest.dropFirst(part.count)
        }
        page.finish()
        return page
    }

    /// The first ones, as many as are worked on in one turn.
    ///
    /// - Returns: also the bytes of manifests that have to be read for them.
    private static func part(
        of referrers: ArraySlice<KnownReferrers.Referrer>
    ) -> (part: ArraySlice<KnownReferrers.Referrer>, size: Int64) {
        var size: Int64 = 0
        var count = 0
        for referrer in referrers.prefix(pieceLimit.entries) {
            let more = referrer.entry == nil ? referrer.size : 0
            guard size + more <= pieceLimit.size || count == 0 else { break }
            size += more
            count += 1
        }
        return (referrers.prefix(count), size)
    }

    /// - Returns: nil if the manifest is not there any more.
    private static func entry(
        of referrer: KnownReferrers.Referrer, _ store: Store, in repository: String
    ) throws -> [UInt8]? {
        if let entry = referrer.entry {
            return try store.hasManifest(referrer.digest, in: repository) ? entry : nil
        }
        return try store.manifest(referrer.digest, in: repository).map { try Document.encode($0.referrerDescriptor) }
    }
}
