import ByteStreams
import ImageModel
import ImageTransfer
import NIOHTTP1
import Synchronization

/// One registry, reached over its HTTP API. Source: OCI distribution-spec 1.1 and distribution's own.
///
/// What it has learned about the registry (where it is, what tokens it gives, which uploads it takes) is kept
/// for as long as this lives.
public final class Registry: Sendable {
    /// `HOST[:PORT]`, as images are named by it.
    public let host: String
    let session: RegistrySession
    /// What the registry has taken so far.
    let uploads = UploadMemory()
    private let hasReferrers = Mutex<Bool?>(nil)
    var options: RegistryOptions { session.options }

    /// - Parameters:
    ///   - host: `HOST[:PORT]`.
    ///   - keyring: credentials; `Keyring.load` finds them.
    /// - Throws: `ReferenceError` if that is no host.
    public init(host: String, options: RegistryOptions = RegistryOptions(), keyring: Keyring = Keyring()) throws {
        self.host = host
        session = try RegistrySession(host: host, options: options, keyring: keyring)
    }

    /// Everything that there is, or one repository, or one image of it, to be read and renamed.
    public func source(repository: String? = nil) -> RegistrySource {
        RegistrySource(host: host, main: RegistryRoute(self), mirrors: [], repository: repository)
    }

    /// - Parameter name: what images are to be called: REPOSITORY[:TAG].
    public func destination(name: String? = nil) -> RegistryDestination {
        RegistryDestination(host: host, route: RegistryRoute(self), name: name)
    }

    // MARK: Manifests

    private static let accepted: HTTPHeaders = {
        let types: [MediaType] = [
            .ociIndex, .ociManifest, .dockerList, .dockerManifest, .ociArtifactManifest, .dockerSchema1Signed,
            .dockerSchema1,
        ]
        return ["accept": types.map(\.rawValue).joined(separator: ", ") + ", */*"]
    }()

    /// A manifest, verified by its digest where it is asked for by that.
    ///
    /// - Parameter reference: a tag or a digest.
    /// - Returns: nil if there is none.
    func manifest(_ reference: String, in repository: String) throws -> Manifest? {
        let answer = try session.send(
            RegistryRequest(
                method: .GET, path: "\(repository)/manifests/\(reference)", repository: repository,
                scope: .pull(repository), action: "get the manifest \(reference)", headers: Self.accepted,
                expects: [404]))
        guard answer.status == 200 else {
            answer.finish()
            return nil
        }
        let name = "\(host)/\(repository): manifest \(reference)"
        let bytes = try answer.bytes(limit: Document.sizeLimit, name: name)
        let digest = Digest(reference)
        let claimed = answer.headers.first(name: "docker-content-digest").flatMap { Digest($0) }
        let manifest = try Manifest(
            bytes, mediaType: answer.contentType.map { MediaType($0) },
            algorithm: (digest ?? claimed)?.algorithm ?? .sha256, name: name)
        // Of a tag, the header is a claim of the registry's that has to hold as well.
        if let expected = digest ?? claimed, expected != manifest.digest {
            throw TransferError.damaged(
                "\(name) is damaged: it should be \(expected), its bytes are \(manifest.digest)")
        }
        return manifest
    }

    /// What a tag or digest is, without its content where the registry tells that.
    func resolve(_ reference: String, in repository: String) throws -> Descriptor? {
        let answer = try session.send(
            RegistryRequest(
                method: .HEAD, path: "\(repository)/manifests/\(reference)", repository: repository,
                scope: .pull(repository), action: "look up \(reference)", headers: Self.accepted,
                expects: [404, 405]))
        if answer.status == 404 { return nil }
        if answer.status == 200, let type = answer.contentType, MediaType(type).isManifest,
            let digest = answer.headers.first(name: "docker-content-digest").flatMap({ Digest($0) })
                ?? Digest(reference),
            !MediaType(type).isSchema1
        {
            return Descriptor(mediaType: MediaType(type), digest: digest, size: answer.length ?? -1)
        }
        // HEAD tells too little here.
        return try manifest(reference, in: repository)?.descriptor
    }

    /// - Returns: whether the registry keeps account of the manifest's subject.
    @discardableResult
    func put(_ manifest: Manifest, as reference: String, in repository: String) throws -> Bool {
        if manifest.size > Document.sizeLimit {
            options.remark(
                "\(host)/\(repository): the manifest \(reference) has over 4 MiB, which many registries refuse")
        }
        let answer = try session.send(
            RegistryRequest(
                method: .PUT, path: "\(repository)/manifests/\(reference)", repository: repository,
                scope: .push(repository), action: "put the manifest \(reference) (\(manifest.mediaType))",
                headers: ["content-type": manifest.mediaType.rawValue], body: manifest.bytes))
        answer.finish()
        if let stored = answer.headers.first(name: "docker-content-digest").flatMap({ Digest($0) }),
            stored.algorithm == manifest.digest.algorithm, stored != manifest.digest
        {
            throw session.error(
                RegistryRequest(
                    method: .PUT, path: "", repository: repository, scope: .none,
                    action: "put the manifest \(manifest.digest)"),
                status: answer.status, problem: "it made \(stored) of it")
        }
        let keepsSubject = answer.headers.contains(name: "oci-subject")
        if keepsSubject { hasReferrers.withLock { $0 = true } }
        return keepsSubject
    }

    /// - Returns: false if the registry does not delete by this kind of reference.
    func delete(_ reference: String, in repository: String, isTag: Bool) throws -> Bool {
        let answer = try session.send(
            RegistryRequest(
                method: .DELETE, path: "\(repository)/manifests/\(reference)", repository: repository,
                scope: .delete(repository), action: "delete \(reference)", expects: isTag ? [400, 404, 405] : [404]))
        defer { answer.finish() }
        if answer.status == 404 { throw TransferError.notFound("\(host)/\(repository) has no \(reference)") }
        return answer.status != 400 && answer.status != 405
    }

    // MARK: Referrers

    /// By the API, or by the fallback tag where there is no API.
    func referrers(of digest: Digest, in repository: String) throws -> [Descriptor] {
        if hasReferrers.withLock({ $0 }) != false {
            var found: [Descriptor] = []
            var pages = Pages()
            var next: Address? = try session.base().resolving("/v2/\(repository)/referrers/\(digest)")
            while let page = next, pages.isNew(page) {
                let answer = try session.send(
                    RegistryRequest(
                        method: .GET, path: "", address: page, repository: repository, scope: .pull(repository),
                        action: "list the referrers of \(digest)", headers: ["accept": MediaType.ociIndex.rawValue],
                        expects: [400, 404, 405, 406, 501]))
                guard answer.status == 200, answer.contentType.map({ $0 == MediaType.ociIndex.rawValue }) ?? true else {
                    answer.finish()
                    hasReferrers.withLock { $0 = $0 ?? false }
                    break
                }
                let name = "\(host)/\(repository): referrers of \(digest)"
                let index = try Document.decode(
                    ImageIndex.self, from: answer.bytes(limit: Document.sizeLimit, name: name), name: name)
                found += index.manifests
                hasReferrers.withLock { $0 = true }
                next = answer.nextPage
            }
            if hasReferrers.withLock({ $0 }) == true { return found }
        }
        return try fallbackIndex(of: digest, in: repository)?.manifests ?? []
    }

    /// The index under the tag `sha256-…` of a subject.
    private func fallbackIndex(of digest: Digest, in repository: String) throws -> ImageIndex? {
        guard let manifest = try manifest(ImageName.referrersTag(of: digest), in: repository),
            case .index(let index) = manifest.content
        else { return nil }
        return index
    }

    /// Makes the registry know a referrer where it does not do so by itself.
    func noteReferrer(_ referrer: Descriptor, of subject: Digest, in repository: String) throws {
        if hasReferrers.withLock({ $0 }) == nil { _ = try self.referrers(of: subject, in: repository) }
        guard hasReferrers.withLock({ $0 }) == false else { return }
        var index =
            try fallbackIndex(of: subject, in: repository)
            ?? ImageIndex(mediaType: .ociIndex, manifests: [])
        guard index.add([referrer]) else { return }
        try put(Manifest(making: index), as: ImageName.referrersTag(of: subject), in: repository)
    }

    // MARK: Lists

    private struct Tags: Decodable { var tags: [String]? }
    private struct Catalog: Decodable { var repositories: [String]? }

    /// The tags of a repository, sorted; what is no tag is left out with a remark.
    func tags(in repository: String) throws -> [String] {
        let all = try list(
            "\(repository)/tags/list", repository: repository, .pull(repository), "list the tags", Tags.self
        ) {
            $0.tags ?? []
        }
        let bad = all.filter { !ImageName.isTag($0) }
        if !bad.isEmpty {
            options.remark("\(host)/\(repository): left out \(bad.count) entries of the tag list that are no tags")
        }
        return all.filter { ImageName.isTag($0) }
    }

    /// Every repository that the registry tells of.
    func repositories() throws -> [String] {
        do {
            return try list("_catalog", repository: nil, .catalog, "list the repositories", Catalog.self) {
                $0.repositories ?? []
            }.filter { ImageName.isRepository($0) }
        } catch var error as RegistryError where [401, 403, 404, 405, 501].contains(error.status ?? 0) {
            error.advice =
                "many registries tell nobody what repositories there are: name one, as docker://\(host)/REPOSITORY"
            throw error
        }
    }

    private func list<Page: Decodable>(
        _ path: String, repository: String?, _ scope: Scope, _ action: String, _ type: Page.Type,
        _ items: (Page) -> [String]
    ) throws -> [String] {
        var all: Set<String> = []
        var pages = Pages()
        var next: Address? = try session.base().resolving("/v2/\(path)")
        while let page = next, pages.isNew(page) {
            let answer = try session.send(
                RegistryRequest(
                    method: .GET, path: "", address: page, repository: repository, scope: scope, action: action,
                    expects: repository == nil ? [] : [404]))
            if answer.status == 404 {
                let problem = RegistryProblem(answer)
                // A repository without images is unknown to some registries, and empty to others.
                if !all.isEmpty { break }
                throw TransferError.notFound(
                    "\(host) has no repository \(repository ?? "")" + (problem.text.isEmpty ? "" : " (\(problem.text))")
                )
            }
            let name = "\(host): \(path)"
            let bytes = try answer.bytes(limit: Document.indexSizeLimit, name: name)
            let page = try Document.decode(type, from: bytes, name: name, sizeLimit: Document.indexSizeLimit)
            let before = all.count
            all.formUnion(items(page))
            guard all.count <= 10_000_000 else { throw StreamError.limit("\(name) has no end") }
            next = all.count > before || items(page).isEmpty ? answer.nextPage : nil
        }
        return all.sorted()
    }

    // MARK: Blobs

    func blobPath(_ digest: Digest, _ repository: String) -> String { "\(repository)/blobs/\(digest)" }

    /// - Returns: whether the blob can be had from this repository, with this size.
    func hasBlob(_ digest: Digest, size: Int64, in repository: String) throws -> Bool {
        let answer = try session.send(
            RegistryRequest(
                method: .HEAD, path: blobPath(digest, repository), repository: repository, scope: .pull(repository),
                action: "look for the blob \(digest)", expects: [400, 404, 405]))
        guard answer.status == 200 else { return false }
        return size < 0 || answer.length == nil || answer.length == size
    }
}

/// Guards against pages that lead back to where one was.
struct Pages {
    private var seen: Set<Address> = []

    mutating func isNew(_ page: Address) -> Bool { seen.count < 100_000 && seen.insert(page).inserted }
}
