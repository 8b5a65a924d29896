package import ImageModel
import ImageTransfer
import NIOHTTP1
import Synchronization

/// One registry, reached over its HTTP API. Source: OCI distribution-spec 1.1 and distribution's own.
///
/// What it has learned about the registry (where it is, what tokens it gives, which uploads it takes) is kept
/// for as long as this lives.
package final class Registry: Sendable {
    /// `HOST[:PORT]`, as images are named by it.
    package let host: String
    let session: RegistrySession
    /// What the registry has taken so far.
    let uploads = UploadMemory()
    let queue = UploadQueue()
    let referrersAPI = Mutex(ReferrersAPI())
    /// Held while a fallback tag is read, changed and put again.
    let merging = Mutex(())
    private let account = ChangingCredentials()
    private let formats = Mutex(FormatMemory())
    /// Kinds of content of which HEAD has turned out to tell nothing.
    private let unansweredHeads = Mutex<Set<Content>>([])
    private enum Content { case manifest, blob }
    var options: RegistryOptions { session.options }

    /// - Parameters:
    ///   - host: `HOST[:PORT]`.
    ///   - keyring: credentials; `Keyring.load` finds them.
    /// - Throws: `ImageError` if that is no host.
    package init(host: String, options: RegistryOptions = RegistryOptions(), keyring: Keyring = Keyring()) throws {
        self.host = host
        session = try RegistrySession(host: host, options: options, keyring: keyring)
    }

    /// A registry that a server asks. Credentials are only those that `use` gives it, and the user's files do not count.
    ///
    /// - Parameter url: with its scheme; the API is at `v2/` below its path.
    /// - Throws: `ImageError`.
    package init(url: String, options: RegistryOptions) throws {
        let invalid = ImageError.usage("'\(PrintableURL.value(url))': invalid URL; expected https://HOST/")
        guard let given = Address(url) else { throw invalid }
        let path = given.target.prefix { $0 != "?" }
        let authority = given.authority.replacing(given.host, with: RegistrySession.server(of: given.host))
        let text = "\(given.scheme)://\(authority)\(path)\(path.hasSuffix("/") ? "" : "/")"
        guard let base = Address(text) else { throw invalid }
        var options = options
        options.credentials = nil
        options.readsCertificateDirectories = false
        host = base.authority
        session = RegistrySession(base: base, options: options, keyring: Keyring(account))
    }

    /// Replaces the account of a registry that was opened by its URL.
    package func use(_ credentials: Credentials?) {
        guard credentials != account.current else { return }
        if let credentials { session.secrets.add(expiring: credentials) }
        account.replace(with: credentials)
    }

    /// Everything that there is, or one repository, or one image of it, to be read and renamed.
    package func source(repository: String? = nil) -> RegistrySource {
        RegistrySource(RegistryPlaces(host: host, main: RegistryRoute(self), mirrors: []), repository: repository)
    }

    /// - Parameter name: what images are to be called: REPOSITORY[:TAG].
    package func destination(name: String? = nil) -> RegistryDestination {
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

    /// A manifest as a registry has it: verified by its digest where it is asked for by that.
    struct StoredManifest {
        var manifest: Manifest
        /// Of this version of what a tag means.
        var etag: String?
    }

    /// - Parameter reference: a tag or a digest.
    /// - Returns: nil if there is none.
    package func manifest(_ reference: String, in repository: String) throws -> Manifest? {
        try stored(reference, in: repository)?.manifest
    }

    func stored(_ reference: String, in repository: String) throws -> StoredManifest? {
        guard let found = try document(reference, in: repository) else { return nil }
        return StoredManifest(manifest: try found.manifest(), etag: found.etag)
    }

    /// A manifest that is neither decoded nor verified.
    package struct StoredDocument: Sendable {
        package let bytes: [UInt8]
        let mediaType: MediaType?
        let etag: String?
        /// What it was asked for by, or what the registry says that it is; of a tag, that is a claim that has to hold, too.
        let expected: Digest?
        /// For messages.
        let name: String

        /// Decodes and verifies it.
        ///
        /// - Throws: `ImageError`; `ImageError.damaged` unless its digest is the expected one.
        package func manifest() throws -> Manifest {
            let manifest = try Manifest(
                bytes, mediaType: mediaType, algorithm: expected?.algorithm ?? .sha256, name: name)
            try check(manifest.digest)
            return manifest
        }

        /// What it is, verified. A large one is only decoded where its type does not tell what the digest is of.
        ///
        /// - Throws: as `manifest`.
        func descriptor() throws -> Descriptor {
            guard bytes.count > Document.ordinarySize, let mediaType, mediaType.isManifest, !mediaType.isSchema1 else {
                return try manifest().descriptor
            }
            let digest = Digest(of: bytes, algorithm: expected?.algorithm ?? .sha256)
            try check(digest)
            return Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
        }

        /// - Throws: `ImageError.damaged` unless its digest is the expected one.
        func check(_ digest: Digest) throws {
            guard let expected, expected != digest else { return }
            throw ImageError.damaged("\(name) is damaged: it should be \(expected), its bytes are \(digest)")
        }
    }

    /// - Parameter reference: a tag or a digest.
    /// - Returns: nil if there is none.
    package func document(_ reference: String, in repository: String) throws -> StoredDocument? {
        let name = "\(host)/\(repository): manifest \(reference)"
        let request = RegistryRequest(
            method: .GET, path: "\(repository)/manifests/\(reference)", repository: repository,
            scope: .pull(repository), action: "get the manifest \(reference)", headers: Self.accepted, expects: [404])
        return try session.send(request) { answer in
            guard answer.status != 404 else {
                answer.finish()
                return nil
            }
            let bytes: [UInt8]
            do {
                bytes = try answer.bytes(limit: Document.sizeLimit, name: name)
            } catch let error as ImageError where error.code == .limit {
                throw ImageError.limit(
                    "\(name) is larger than 4 MiB, the limit of dray, which is also what registries take at most")
            }
            return StoredDocument(
                bytes: bytes, mediaType: answer.contentType.map { MediaType($0) },
                etag: answer.headers.first(name: "etag"),
                expected: Digest(reference) ?? answer.headers.contentDigest, name: name)
        }
    }

    /// What a tag or digest is, without its content where the registry tells that.
    package func resolve(_ reference: String, in repository: String) throws -> Descriptor? {
        guard !unansweredHeads.withLock({ $0.contains(.manifest) }) else {
            return try document(reference, in: repository)?.descriptor()
        }
        let answer = try session.send(
            RegistryRequest(
                method: .HEAD, path: "\(repository)/manifests/\(reference)", repository: repository,
                scope: .pull(repository), action: "look up \(Digest(reference) == nil ? "the tag " : "")\(reference)",
                headers: Self.accepted,
                expects: [404, 405]))
        if answer.status == 404 { return nil }
        if answer.isRefusedHead { unansweredHeads.withLock { _ = $0.insert(.manifest) } }
        let claimed = answer.headers.contentDigest
        let pinned = Digest(reference)
        if let pinned, let claimed, claimed.algorithm == pinned.algorithm, claimed != pinned {
            throw ImageError.damaged(
                "\(host)/\(repository) is damaged or lies: asked for \(pinned), it answers that it is \(claimed)")
        }
        if answer.isSuccess, let type = answer.contentType, MediaType(type).isManifest, !MediaType(type).isSchema1,
            let digest = pinned ?? claimed
        {
            return Descriptor(mediaType: MediaType(type), digest: digest, size: answer.length ?? -1)
        }
        // HEAD tells too little here.
        return try document(reference, in: repository)?.descriptor()
    }

    /// - Parameter condition: a header: `If-Match` and the like.
    /// - Returns: whether the registry keeps account of the manifest's subject; nil if the condition was not met.
    @discardableResult
    func put(
        _ manifest: Manifest, as reference: String, in repository: String, condition: HTTPHeaders = [:]
    ) throws -> Bool? {
        var request = RegistryRequest(
            method: .PUT, path: "\(repository)/manifests/\(reference)", repository: repository,
            scope: .push(repository), action: "put the manifest \(reference) (\(manifest.mediaType))",
            headers: condition, body: manifest.bytes, expects: condition.isEmpty ? [] : [412])
        if manifest.size > Document.sizeLimit {
            session.remark(
                "\(host)/\(repository): the manifest \(reference) has over 4 MiB, which many registries refuse")
        }
        request.headers.add(name: "content-type", value: manifest.mediaType.rawValue)
        let format = manifest.mediaType.manifestFormat
        let answer: HTTPAnswer
        do {
            answer = try session.send(request)
        } catch let error as ImageError where error.request?.isRefusedType == true && format == .docker {
            formats.withLock { $0.wasDockerRefused = true }
            throw ManifestFormatRefused(format: .docker, reason: error)
        }
        guard answer.isSuccess else { return nil }
        formats.withLock { $0.note(format) }
        if let stored = answer.headers.contentDigest,
            stored.algorithm == manifest.digest.algorithm, stored != manifest.digest
        {
            throw session.failure(
                request, status: answer.status, problem: "it made \(stored) of \(manifest.digest)"
            ).error
        }
        let keepsSubject = answer.headers.contains(name: "oci-subject")
        if keepsSubject { referrersAPI.withLock { $0.isThere = true } }
        return keepsSubject
    }

    /// Whether a family of manifests was refused and another one was taken.
    func refuses(_ format: ManifestFormat) -> Bool { format == .docker && formats.withLock { $0.isOCIOnly } }

    /// The families of manifests that a registry has taken so far.
    private struct FormatMemory {
        var wasDockerRefused = false
        private(set) var isOCIOnly = false

        mutating func note(_ format: ManifestFormat?) {
            switch format {
            case .docker: self = FormatMemory()
            case .oci: isOCIOnly = wasDockerRefused
            case nil: break
            }
        }
    }

    enum Deletion {
        case done
        /// There is no such thing.
        case unknown
        /// The registry does not delete by this kind of reference.
        case unsupported
    }

    func delete(_ reference: String, in repository: String) throws -> Deletion {
        let isTag = Digest(reference) == nil
        let answer = try session.send(
            RegistryRequest(
                method: .DELETE, path: "\(repository)/manifests/\(reference)", repository: repository,
                scope: .delete(repository), action: "delete \(reference)", expects: isTag ? [400, 404, 405] : [404]))
        return answer.isSuccess ? .done : answer.status == 404 ? .unknown : .unsupported
    }

    // MARK: Blobs

    func blobPath(_ digest: Digest, _ repository: String) -> String { "\(repository)/blobs/\(digest)" }

    /// - Returns: whether the repository has the blob, with this size.
    func hasBlob(_ digest: Digest, size: Int64, in repository: String) throws -> Bool {
        guard let found = try findBlob(digest, in: repository) else { return false }
        return size < 0 || found.size < 0 || found.size == size
    }

    /// Looks for a blob.
    ///
    /// - Returns: nil if there is none; its size is -1 where the registry does not say.
    package func findBlob(_ digest: Digest, in repository: String) throws -> Descriptor? {
        func found(_ size: Int64?) -> Descriptor {
            var descriptor = Descriptor(untyped: digest)
            descriptor.size = size ?? -1
            return descriptor
        }
        var request = RegistryRequest(
            method: .HEAD, path: blobPath(digest, repository), repository: repository, scope: .pull(repository),
            action: "look for the blob \(digest)", expects: [400, 404, 405])
        if !unansweredHeads.withLock({ $0.contains(.blob) }) {
            let answer = try session.send(request)
            guard answer.isRefusedHead else { return answer.isSuccess ? found(answer.length) : nil }
            unansweredHeads.withLock { _ = $0.insert(.blob) }
        }
        request.method = .GET
        request.headers.add(name: "range", value: "bytes=0-0")
        // An empty blob has no first byte.
        request.expects.insert(416)
        return try session.send(request) { answer in
            guard answer.isSuccess || answer.status == 416 else { return nil }
            return found(answer.headers.wholeLength ?? (answer.status == 200 ? answer.length : nil))
        }
    }
}
