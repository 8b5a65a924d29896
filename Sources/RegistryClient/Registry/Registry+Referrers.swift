import ByteStreams
package import ImageModel
import NIOHTTP1
import Synchronization

/// Whether a registry has the referrers API.
struct ReferrersAPI {
    private static let limit = 10_000

    /// Whether it has answered.
    var isThere = false
    /// Repositories in which it has not. Another one may be missing, or closed to this account.
    private var silent: Set<String> = []

    /// Whether there is no use in asking.
    func isMissing(in repository: String) -> Bool { !isThere && silent.contains(repository) }

    mutating func noteSilence(in repository: String) {
        if silent.count >= Self.limit { silent = [] }
        silent.insert(repository)
    }
}

/// What refers to a manifest: by the API, or by an index under a fallback tag where there is no API.
/// Source: OCI distribution-spec, "Listing Referrers".
extension Registry {
    package func referrers(of digest: Digest, in repository: String) throws -> [Descriptor] {
        var found: [Descriptor] = []
        try visitReferrers(of: digest, in: repository) { found.append($0) }
        return found
    }

    /// Hands over each referrer while the list is read.
    ///
    /// - Parameters:
    ///   - pages: to look at, at most.
    ///   - entryLimit: bytes of one entry, which takes up to 150 times as much memory when it is decoded.
    ///   - isWanted: whether anybody still waits for the list.
    /// - Throws: `CancellationError` if nobody waits for the list.
    package func visitReferrers(
        of digest: Digest, in repository: String, pages: Int = 1_000_000, entryLimit: Int = Document.sizeLimit,
        isWanted: @escaping () -> Bool = { true }, _ take: (Descriptor) throws -> Void
    ) throws {
        let name = "\(host)/\(repository): referrers of \(digest)"
        if !referrersAPI.withLock({ $0.isMissing(in: repository) }) {
            let pages = Pages(name, limit: Self.referrersLimit, pages: pages, isWanted: isWanted)
            if try listed(digest, repository, pages, entryLimit, take) { return }
        }
        guard let index = try document(ImageName.referrersTag(of: digest), in: repository) else { return }
        try index.check(Digest(of: index.bytes, algorithm: index.expected?.algorithm ?? .sha256))
        var reader = DocumentReader(index.bytes, name: index.name)
        try reader.visitManifests(entryLimit: entryLimit, take)
    }

    /// What the API tells.
    ///
    /// - Returns: nil if there is none.
    func listedReferrers(of digest: Digest, in repository: String) throws -> [Descriptor]? {
        guard !referrersAPI.withLock({ $0.isMissing(in: repository) }) else { return nil }
        let name = "\(host)/\(repository): referrers of \(digest)"
        var found: [Descriptor] = []
        let pages = Pages(name, limit: Self.referrersLimit)
        return try listed(digest, repository, pages, Document.sizeLimit) { found.append($0) } ? found : nil
    }

    /// Bytes of a whole list.
    private static var referrersLimit: Int { 16 << 20 }

    /// - Returns: whether there is an API.
    private func listed(
        _ digest: Digest, _ repository: String, _ pages: Pages, _ entryLimit: Int,
        _ take: (Descriptor) throws -> Void
    ) throws -> Bool {
        var request = RegistryRequest(
            method: .GET, path: "\(repository)/referrers/\(digest)", repository: repository, scope: .pull(repository),
            action: "list the referrers of \(digest)", headers: ["accept": MediaType.ociIndex.rawValue],
            expects: [400, 404, 405, 406, 501])
        var known: Set<Digest> = []
        var pages = pages
        while true {
            let before = known.count
            let page: (bytes: Int, next: Address?)?
            do {
                page = try session.send(request) { answer in
                    let type = answer.contentType ?? MediaType.ociIndex.rawValue
                    guard answer.isSuccess, type == MediaType.ociIndex.rawValue else {
                        guard pages.isFirst else {
                            throw ImageError.invalidDocument("\(pages.name): a page of the list is not an index")
                        }
                        answer.finish()
                        return nil
                    }
                    let bytes = try entries(in: answer, pages, entryLimit) { entry in
                        if known.insert(entry.digest).inserted { try take(entry) }
                    }
                    return (bytes, try answer.nextPage)
                }
            } catch let error as ImageError where error.code == .unauthorised && pages.isFirst {
                session.remark("\(error.description): taken as if there were no such list")
                page = nil
            }
            guard let page else {
                return referrersAPI.withLock { api in
                    api.noteSilence(in: repository)
                    return api.isThere
                }
            }
            referrersAPI.withLock { $0.isThere = true }
            guard let next = try pages.turn(to: page.next, bytes: page.bytes, news: known.count - before) else {
                return true
            }
            request.address = next
            // What was promised has to be there.
            request.expects = []
        }
    }

    /// Hands over the entries of an index while it is read.
    ///
    /// - Returns: bytes of the index.
    private func entries(
        in answer: HTTPAnswer, _ pages: Pages, _ entryLimit: Int, _ take: (Descriptor) throws -> Void
    ) throws -> Int {
        let source = LimitedSource(try answer.content(name: pages.name), limit: Document.sizeLimit, of: pages)
        var reader = DocumentReader(source, name: pages.name)
        try reader.visitManifests(entryLimit: entryLimit, take)
        return source.count
    }

    /// Makes the registry know a referrer where it does not do so by itself.
    func noteReferrer(_ referrer: Descriptor, of subject: Digest, in repository: String) throws {
        func isMissing() -> Bool { referrersAPI.withLock { $0.isMissing(in: repository) } }
        if !isMissing(), !referrersAPI.withLock(\.isThere) { _ = try referrers(of: subject, in: repository) }
        guard isMissing() else { return }
        try merge([referrer], as: ImageName.referrersTag(of: subject), in: repository)
    }

    /// Adds to the index under a fallback tag, which others may change at the same time.
    ///
    /// - Parameter whole: an index of what is to be added; it is put as it is where nothing else is there.
    func merge(
        _ referrers: [Descriptor], as tag: String, in repository: String, whole: Manifest? = nil
    ) throws {
        try merging.withLock { _ in try mergeHeld(referrers, as: tag, in: repository, whole: whole) }
    }

    private func mergeHeld(
        _ referrers: [Descriptor], as tag: String, in repository: String, whole: Manifest?
    ) throws {
        for _ in 0..<5 {
            let old = try stored(tag, in: repository)
            var index = ImageIndex(mediaType: .ociIndex, manifests: [])
            if let old {
                guard case .index(let there) = old.manifest.content else {
                    return session.remark(
                        "\(host)/\(repository): \(tag) is no index, so no referrers can be listed there")
                }
                index = there
            }
            let isCovered = Set(index.manifests.map(\.digest)).isSubset(of: referrers.map(\.digest))
            guard index.add(referrers) else { return }
            let manifest = if let whole, isCovered { whole } else { try Manifest(making: index) }
            let condition: HTTPHeaders = old?.etag.map { ["if-match": $0] } ?? [:]
            // Not as it was any more: then it is read again.
            if try put(manifest, as: tag, in: repository, condition: condition) != nil { return }
        }
        throw ImageError.refused(
            "\(host)/\(repository): others keep changing \(tag), which lists referrers: try again")
    }
}

extension DocumentReader {
    /// Hands over the entries of an index, and skips the rest of it.
    fileprivate mutating func visitManifests(entryLimit: Int, _ take: (Descriptor) throws -> Void) throws {
        try object { reader, key in
            guard try key == "manifests" && !reader.takesNull() else {
                if key != "manifests" { try reader.skip() }
                return true
            }
            try reader.array(of: Descriptor.self, limit: entryLimit, take)
            return true
        }
        try expectEnd()
    }
}
