import ByteStreams
import Hummingbird
import ImageModel
import ImageTransfer
import RegistryStore

extension RegistryResponder {
    /// `GET` and `HEAD /v2/NAME/manifests/REFERENCE`: the stored bytes, whatever the client says it accepts.
    func manifest(_ exchange: Exchange, _ reference: String, in repository: String) async throws -> Response {
        let tag = reference.contains(":") ? nil : reference
        let named = try tag.map { .tag($0) } ?? ManifestReference.digest(exchange.digest(reference))
        guard exchange.request.method != .head else {
            guard let found = try await content.descriptor(named, in: repository) else {
                throw unknown(reference, repository)
            }
            if let store = affirming,
                try await !Workers.commits.run({ try store.affirm(manifest: found.digest, in: repository) })
            {
                throw unknown(reference, repository)
            }
            return head(exchange, found)
        }
        guard let manifest = try await content.manifest(named, in: repository) else {
            throw unknown(reference, repository)
        }
        var response = head(exchange, manifest.descriptor)
        guard response.status == .ok else { return response }
        events.add(.pull, manifest: manifest, tag: tag, in: repository, exchange)
        response.headers[.contentLength] = nil
        response.body = try await body(of: manifest, in: repository, exchange)
        return response
    }

    /// A large manifest is sent from its file, so that a client that reads slowly does not keep it in memory.
    private func body(
        of manifest: Manifest, in repository: String, _ exchange: Exchange
    ) async throws -> ResponseBody {
        guard manifest.size > Document.ordinarySize,
            let file = try await content.manifestFile(manifest.digest, in: repository), file.size == manifest.size
        else { return ResponseBody(byteBuffer: ByteBuffer(bytes: manifest.bytes)) }
        return ResponseBody(
            file.bytes, parts: [("", 0..<manifest.size)], to: exchange.context.channel, isCopied: isSecure)
    }

    /// Status and headers of a manifest.
    private func head(_ exchange: Exchange, _ manifest: Descriptor) -> Response {
        if exchange.has(manifest.digest) { return Response(status: .notModified) }
        return Response(
            status: .ok,
            headers: [
                .contentType: manifest.mediaType.rawValue, .contentDigest: manifest.digest.description,
                .eTag: "\"\(manifest.digest)\"", .contentLength: String(manifest.size),
            ])
    }

    private func unknown(_ reference: String, _ repository: String) -> APIError {
        let key = reference.contains(":") ? "Revision" : "Tag"
        return APIError(
            .manifestUnknown, detail: .object(["Name": .string(repository), key: .string(reference)]))
    }

    /// `PUT /v2/NAME/manifests/REFERENCE`
    func putManifest(_ exchange: Exchange, _ reference: String, in repository: String) async throws -> Response {
        guard let store else { throw APIError(.unsupported) }
        let digest = try reference.contains(":") ? exchange.digest(reference) : nil
        let tags = try digest == nil ? [reference] : Self.tags(beside: exchange.query)
        return try await exchange.withDocument(limit: Document.sizeLimit, code: .manifestInvalid, in: documents) {
            bytes in
            let isLarge = bytes.count > Document.ordinarySize
            let type = exchange.request.headers[.contentType]
            let (manifest, required) = try await (isLarge ? Workers.documents : .commits).run { [validation] in
                let manifest = try validation.manifest(bytes, contentType: type, digest: digest)
                return (manifest, try validation.references(of: manifest))
            }
            if let digest, digest != manifest.digest {
                throw APIError(.digestInvalid, detail: .string("the body's digest is \(manifest.digest)"))
            }
            return try await take(
                manifest, tags: tags, requiring: required, isByDigest: digest != nil, into: store, repository, exchange)
        }
    }

    /// - Parameter tags: that it gets; empty for none.
    private func take(
        _ manifest: Manifest, tags: [String], requiring required: Set<Digest>, isByDigest: Bool, into store: Store,
        _ repository: String, _ exchange: Exchange
    ) async throws -> Response {
        do {
            try await checkChildren(of: manifest, in: repository)
        } catch let error as ImageError where error.code == .invalidDocument {
            throw APIError(.manifestInvalid, error.description)
        }
        let name = ImageName(repository: repository, tag: tags.first)
        let missing = try await Workers.commits.run {
            try store.push(manifest, as: name, alsoAs: Array(tags.dropFirst()), requiring: required)
        }
        guard missing.isEmpty else {
            throw APIError(
                missing.prefix(Self.mostErrors).map {
                    APIError.Item(code: .manifestBlobUnknown, detail: .string($0.description))
                })
        }
        let names: [String?] = tags.isEmpty ? [nil] : tags
        for tag in names {
            events.add(.push, manifest: manifest, tag: tag, in: repository, exchange)
        }
        var headers: HTTPFields = [
            .contentDigest: manifest.digest.description,
            .location: exchange.address.url("/v2/\(repository)/manifests/\(manifest.digest)"),
        ]
        headers[.subject] = manifest.subject?.digest.description
        if isByDigest { headers[values: .tag] = tags }
        return Response(status: .created, headers: headers)
    }

    /// Compares what an index says of the manifests that are there with what they are. Each is read once, as for a client
    /// that pulls it, and not while the store is held: there may be many, and they may be large.
    ///
    /// - Throws: `ImageError` if one is another kind of manifest than the index says; `CancellationError` if the
    ///   client has gone.
    private func checkChildren(of index: Manifest, in repository: String) async throws {
        var seen: Set<Digest> = []
        var kinds: [Digest: ManifestKind] = [:]
        for child in index.children {
            if seen.insert(child.digest).inserted {
                kinds[child.digest] = try await kind(of: child.digest, in: repository)
            }
            try kinds[child.digest]?.check(claim: child.mediaType, name: "\(child.digest)")
        }
    }

    /// - Returns: nil for what is not there, or is damaged: that is not the fault of an index that names it.
    private func kind(of child: Digest, in repository: String) async throws -> ManifestKind? {
        try await ClientConnection.current?.checkPresence()
        do {
            return try await content.manifest(.digest(child), in: repository)?.kind
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            return nil
        }
    }

    /// The most blobs that one answer names as missing.
    private static let mostErrors = 100
    /// The most tags that one request may set.
    private static let mostTags = 100

    /// The tags that a manifest gets when it is pushed by its digest: `?tag=1.2&tag=latest`.
    /// Source: OCI distribution-spec after 1.1, "Pushing manifests".
    private static func tags(beside query: Query) throws -> [String] {
        var tags: [String] = []
        for tag in query.values(of: "tag") where !tags.contains(tag) {
            guard ImageName.isTag(tag) else { throw APIError(.manifestInvalid, "the tag '\(tag)' is invalid") }
            guard tags.count < mostTags else {
                throw APIError(
                    .manifestInvalid, detail: .string("one request may set \(mostTags) tags at most"),
                    status: .uriTooLong)
            }
            tags.append(tag)
        }
        return tags
    }

    /// `DELETE /v2/NAME/manifests/REFERENCE`: a tag alone, or a manifest with all its tags.
    func deleteManifest(_ exchange: Exchange, _ reference: String, in repository: String) async throws -> Response {
        guard let store, configuration.storage.allowsDeletion else { throw APIError(.unsupported) }
        if reference.contains(":") {
            let digest = try exchange.digest(reference)
            let isDeleted = try await FairShare.deletions.run(on: .commits) {
                try store.deleteManifest(digest, in: repository)
            }
            guard isDeleted else {
                throw unknown(reference, repository)
            }
            events.add(.delete, digest: digest, tag: nil, in: repository, exchange)
        } else {
            guard let digest = try await Workers.commits.run({ try store.deleteTag(reference, in: repository) }) else {
                throw unknown(reference, repository)
            }
            events.add(.delete, digest: digest, tag: reference, in: repository, exchange)
        }
        return Response(status: .accepted)
    }
}
