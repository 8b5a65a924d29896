import ByteStreams
import ImageLayouts
import ImageModel
import ImageTransfer

/// Referrers: manifests are read for them as for clients that pull them, large ones in turn, and not for a client that
/// has gone.
extension StoreContent {
    /// Bytes of manifests that are read for one page, besides those that are read once.
    private static let pageLimit: Int64 = 16 << 20
    /// Entries that are worked on in one turn.
    private static let pieceLimit = 1000

    func referrers(of digest: Digest, in repository: String, on page: ReferrersPage) async throws -> ReferrersPage {
        let tag = ImageName.referrersTag(of: digest)
        let found = try await listings.run(on: .blobs) { [store] () -> (revisions: [Digest], list: Digest?)? in
            guard try store.hasRepository(repository) else { return nil }
            let list = try store.digest(ofTag: tag, in: repository)
            return (
                try store.revisions(of: repository),
                try list.flatMap { try store.hasManifest($0, in: repository) ? $0 : nil }
            )
        }
        guard let (revisions, list) = found else { return page }
        try await learn(revisions, in: repository)
        let listed = try await entries(of: list, in: repository)
        let all = try await piece(of: revisions.count + listed.count) { [known] in
            Self.merged(known.referrers(of: digest, among: revisions), listed, on: page)
        }
        return try await fill(page, with: all, in: repository)
    }

    /// Does a part of the work for the client of this request: in its turn, where that is much.
    private func piece<T: Sendable>(of count: Int, _ work: @escaping @Sendable () throws -> T) async throws -> T {
        guard count >= Self.pieceLimit else { return try await Workers.blobs.run(work) }
        return try await FairShare.documents.run(on: .documents, work)
    }

    /// Reads the manifests that nobody has read before. In any order: requests that do so at the same time share the work.
    private func learn(_ revisions: [Digest], in repository: String) async throws {
        for digest in known.unknown(of: revisions).shuffled() where !known.isKnown(digest) {
            try await ClientConnection.current?.checkPresence()
            do {
                if let manifest = try await manifest(digest, in: repository) { known.add(manifest) }
            } catch let error where BrokenImage(name: .none, error: error) != nil {
                // Somebody may put it right.
            }
        }
    }

    /// Clients of a registry without this API have kept lists of their own.
    private func entries(of list: Digest?, in repository: String) async throws -> [Descriptor] {
        guard let list else { return [] }
        if let entries = known.list(list) { return entries }
        guard let manifest = try await manifest(list, in: repository) else { return [] }
        var entries: [Descriptor] = []
        if case .index(let index) = manifest.content { entries = index.manifests.filter(\.mediaType.isManifest) }
        try await piece(of: entries.count) { [known, entries] in try known.add(entries, as: list) }
        return entries
    }

    /// What may come onto a page, in its order.
    private static func merged(
        _ known: [KnownReferrers.Referrer], _ listed: [Descriptor], on page: ReferrersPage
    ) -> [KnownReferrers.Referrer] {
        var found = Dictionary(known.map { ($0.digest, $0) }) { first, _ in first }
        for entry in listed where found[entry.digest] == nil {
            found[entry.digest] = KnownReferrers.Referrer(
                digest: entry.digest, subject: entry.digest, size: entry.size, type: entry.artifactType?.hashValue,
                descriptor: entry)
        }
        return found.values.filter {
            page.reaches($0.digest) && (page.artifactType == nil || page.artifactType?.hashValue == $0.type)
        }.sorted { $0.digest < $1.digest }
    }

    private func fill(
        _ page: ReferrersPage, with referrers: [KnownReferrers.Referrer], in repository: String
    ) async throws -> ReferrersPage {
        var page = page
        var rest = referrers[...]
        var size: Int64 = 0
        while let next = rest.first, !page.hasMore {
            let remembered = rest.prefix(Self.pieceLimit).prefix { $0.descriptor != nil }
            if remembered.isEmpty {
                size += next.size
                guard size <= Self.pageLimit || page.shown.isEmpty else {
                    page.end()
                    break
                }
                try await ClientConnection.current?.checkPresence()
                if let manifest = try await manifest(next.digest, in: repository) {
                    page = try await Workers.documents.run { [page] in
                        var page = page
                        _ = try page.add(manifest.referrerDescriptor)
                        return page
                    }
                }
                rest.removeFirst()
            } else {
                page = try await piece(of: remembered.count) { [store, page] in
                    var page = page
                    for descriptor in remembered.lazy.compactMap(\.descriptor)
                    where try store.hasManifest(descriptor.digest, in: repository) {
                        guard try page.add(descriptor) else { break }
                    }
                    return page
                }
                rest = rest.dropFirst(remembered.count)
            }
        }
        return page
    }
}
