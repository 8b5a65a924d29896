import ByteStreams
import HTTPTypes
import Hummingbird
import ImageLayouts
import ImageModel
import NIOCore

extension RegistryResponder {
    /// `GET` and `HEAD /v2/NAME/manifests/REFERENCE`: the stored bytes, whatever the client says it accepts.
    func manifest(_ exchange: Exchange, _ reference: String, in repository: String) async throws -> Response {
        let tag = reference.contains(":") ? nil : reference
        let found =
            try await tag == nil
            ? content.manifest(exchange.digest(reference), in: repository)
            : content.manifest(tagged: reference, in: repository)
        guard let manifest = found else { throw unknown(reference, repository) }
        let isHead = exchange.request.method == .head
        if isHead, let store = affirming,
            try await !Workers.commits.run({ try store.affirm(manifest: manifest.digest, in: repository) })
        {
            throw unknown(reference, repository)
        }
        if exchange.has(manifest.digest) { return Response(status: .notModified) }
        var headers: HTTPFields = [
            .contentType: manifest.mediaType.rawValue, .contentDigest: manifest.digest.description,
            .eTag: "\"\(manifest.digest)\"", .contentLength: String(manifest.size),
        ]
        guard !isHead else { return Response(status: .ok, headers: headers) }
        headers[.contentLength] = nil
        events.add(.pull, manifest: manifest, tag: tag, in: repository, exchange)
        return Response(
            status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: manifest.bytes)))
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
        let bytes = try await exchange.body(limit: Document.sizeLimit, code: .manifestInvalid)
        let manifest = try validation.manifest(
            bytes, contentType: exchange.request.headers[.contentType], digest: digest)
        if let digest, digest != manifest.digest {
            throw APIError(.digestInvalid, detail: .string("the body's digest is \(manifest.digest)"))
        }
        let name = ImageName(repository: repository, tag: digest == nil ? reference : nil)
        let required = try validation.references(of: manifest)
        let missing: [Digest]
        do {
            missing = try await Workers.commits.run { try store.push(manifest, as: name, requiring: required) }
        } catch let error as DocumentError {
            throw APIError(.manifestInvalid, error.description)
        }
        guard missing.isEmpty else {
            throw APIError(
                missing.map { APIError.Item(code: .manifestBlobUnknown, detail: .string($0.description)) })
        }
        events.add(.push, manifest: manifest, tag: digest == nil ? reference : nil, in: repository, exchange)
        var headers: HTTPFields = [
            .contentDigest: manifest.digest.description,
            .location: exchange.address.url("/v2/\(repository)/manifests/\(manifest.digest)"),
        ]
        headers[.subject] = manifest.subject?.digest.description
        return Response(status: .created, headers: headers)
    }

    /// `DELETE /v2/NAME/manifests/REFERENCE`: a tag alone, or a manifest with all its tags.
    func deleteManifest(_ exchange: Exchange, _ reference: String, in repository: String) async throws -> Response {
        guard let store, configuration.storage.allowsDeletion else { throw APIError(.unsupported) }
        if reference.contains(":") {
            let digest = try exchange.digest(reference)
            guard try await Workers.commits.run({ try store.deleteManifest(digest, in: repository) }) else {
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
