import ByteStreams
import ImageModel
import Logging
import RegistryClient

/// A cache's upstream: the registry that `proxy.remoteurl` names.
struct RegistryUpstream: Upstream {
    private let registry: Registry
    private let account: UpstreamAccount
    private let logger: Logger

    var title: String { registry.host }

    /// - Throws: `ImageError` if the URL is none of a registry.
    init(_ proxy: ServerConfiguration.Proxy, clock: any CacheClock, logger: Logger) throws {
        var options = RegistryOptions()
        options.timeout = .seconds(20)
        // A connection that was closed meanwhile is opened again; everything else is for the client to try again.
        options.retryTimes = 1
        options.retryTimeout = .seconds(2)
        options.asksForReasons = false
        options.entersInternalNetwork = proxy.allowsInternalRedirects
        // One for each worker that may wait for the upstream: downloads do not hold up the check of a tag.
        options.connections = Workers.fetches.count + Workers.requests.count + Workers.lists.count
        options.remark = { logger.warning("proxy: \($0)") }
        registry = try Registry(url: proxy.url, options: options)
        account = UpstreamAccount(proxy, host: registry.host, clock: clock, logger: logger)
        self.logger = logger
    }

    func prepare() async { registry.use(await account.current()) }

    func descriptor(_ reference: String, in repository: String) throws -> Descriptor? {
        try ask { try registry.resolve(reference, in: repository) }
    }

    func manifest(_ reference: String, in repository: String) throws -> UpstreamManifest? {
        try ask {
            guard let document = try registry.document(reference, in: repository) else { return nil }
            guard document.bytes.count > Document.ordinarySize else { return .parsed(try document.manifest()) }
            return .large {
                do {
                    return try document.manifest()
                } catch let error as ImageError {
                    throw UpstreamFailure(.wrong, "\(error)")
                }
            }
        }
    }

    func tags(
        of repository: String, _ request: TagsRequest, isWanted: @escaping @Sendable () -> Bool
    ) throws -> TagsPage? {
        try ask {
            let page = try registry.tagPage(in: repository, query: request.parameters, isWanted: isWanted)
            guard let (tags, query) = page else { return nil }
            if let next = query.flatMap({ TagsRequest(linkQuery: $0) }) { return TagsPage(tags: tags, next: next) }
            // A registry that does not know pages sends everything each time.
            guard let count = request.count, tags.count > count else { return TagsPage(tags: tags) }
            return TagsPage(of: tags.sorted(), request)
        }
    }

    func blob(_ digest: Digest, in repository: String) throws -> Descriptor? {
        try ask { try registry.findBlob(digest, in: repository) }
    }

    func download(_ digest: Digest, in repository: String) throws -> (source: any ByteSource, size: Int64)? {
        guard let (source, size) = try ask({ try registry.download(digest, in: repository) }) else { return nil }
        if let size { return (source, size) }
        return (source, try blob(digest, in: repository)?.size ?? -1)
    }

    /// Pages of a list of referrers that are looked at.
    private static let referrersPages = 2_000
    /// Bytes of one of them: several lists are read at a time.
    private static let referrerLimit = 256 << 10

    func referrers(
        of digest: Digest, in repository: String, isWanted: @escaping @Sendable () -> Bool,
        _ take: (Descriptor) throws -> Void
    ) throws {
        _ = try ask {
            try registry.visitReferrers(
                of: digest, in: repository, pages: Self.referrersPages, entryLimit: Self.referrerLimit,
                isWanted: isWanted, take)
        }
    }

    /// - Returns: nil also for content that the account may not see, as docker-registry answers it: clients then go on to
    ///   their next mirror, or to the registry itself with credentials of their own. 401 would have them log in here.
    private func ask<T>(_ request: () throws -> T?) throws -> T? {
        do {
            return try request()
        } catch let error as ImageError {
            guard let failure = error.request else {
                if error.code == .notFound { return nil }
                throw UpstreamFailure(.wrong, "\(error)")
            }
            if failure.isUnauthorised, !failure.refusesAccount {
                logger.info("proxy: \(error)")
                return nil
            }
            throw UpstreamFailure(failure)
        }
    }
}

extension UpstreamFailure {
    init(_ error: RequestFailure) {
        let kind: Kind =
            switch error.status ?? 0 {
            case 0: error.isTimeout ? .silent : .failing
            case 429: .limited
            case 503: .unavailable
            case 408, 504: .silent
            case 500...: .failing
            default: .wrong
            }
        self.init(error.refusesAccount ? .failing : kind, error.description, retryAfter: error.retryAfter)
        isOfAnotherHost = error.redirectedTo != nil
        isOfConnection = error.status == nil
    }
}

extension TagsRequest {
    /// The parameters of an upstream's link to the next page.
    package init?(linkQuery query: String) {
        self.init()
        for item in query.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Query.decode(parts[0]), let value = parts.count > 1 ? Query.decode(parts[1]) : "" else {
                return nil
            }
            switch name {
            case "n": count = Int(value)
            case "last": last = value
            default: others[name] = value
            }
        }
        if parameters.isEmpty { return nil }
    }
}
