package import ImageModel
import ImageTransfer
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
        if let found = try listedReferrers(of: digest, in: repository) { return found }
        guard case .index(let index)? = try manifest(ImageName.referrersTag(of: digest), in: repository)?.content
        else { return [] }
        return index.manifests
    }

    /// What the API tells.
    ///
    /// - Returns: nil if there is none.
    func listedReferrers(of digest: Digest, in repository: String) throws -> [Descriptor]? {
        referrersAPI.withLock { $0.isMissing(in: repository) } ? nil : try listed(digest, repository)
    }

    /// - Returns: nil if there is no API.
    private func listed(_ digest: Digest, _ repository: String) throws -> [Descriptor]? {
        let name = "\(host)/\(repository): referrers of \(digest)"
        var request = RegistryRequest(
            method: .GET, path: "\(repository)/referrers/\(digest)", repository: repository, scope: .pull(repository),
            action: "list the referrers of \(digest)", headers: ["accept": MediaType.ociIndex.rawValue],
            expects: [400, 404, 405, 406, 501])
        var found: [Descriptor] = []
        var pages = Pages(name, limit: 16 << 20)
        while true {
            let page: (manifests: [Descriptor], next: Address?)?
            var size = 0
            do {
                page = try session.send(request) { answer in
                    let type = answer.contentType ?? MediaType.ociIndex.rawValue
                    guard answer.isSuccess, type == MediaType.ociIndex.rawValue else {
                        guard pages.isFirst else { throw DocumentError("\(name): a page of the list is not an index") }
                        answer.finish()
                        return nil
                    }
                    let bytes = try answer.bytes(limit: Document.sizeLimit, name: name)
                    size = bytes.count
                    let index = try Document.decode(ImageIndex.self, from: bytes, name: name)
                    return (index.manifests, try answer.nextPage)
                }
            } catch let error as RegistryError where error.isUnauthorised && pages.isFirst {
                session.remark("\(error.description): taken as if there were no such list")
                page = nil
            }
            guard let page else {
                return referrersAPI.withLock { api in
                    api.noteSilence(in: repository)
                    return api.isThere ? [] : nil
                }
            }
            referrersAPI.withLock { $0.isThere = true }
            let known = Set(found.map(\.digest))
            let new = page.manifests.filter { !known.contains($0.digest) }
            found += new
            guard let next = try pages.turn(to: page.next, bytes: size, news: new.count) else { return found }
            request.address = next
            // What was promised has to be there.
            request.expects = []
        }
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
        throw TransferError.refused(
            "\(host)/\(repository): others keep changing \(tag), which lists referrers: try again")
    }
}
