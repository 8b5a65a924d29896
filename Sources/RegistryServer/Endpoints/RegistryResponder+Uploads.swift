import ByteStreams
import HTTPTypes
import Hummingbird
import ImageModel
import RegistryStore

/// Uploads: begun by POST, carried on by PATCH, finished by PUT, in as many requests as the client likes.
/// Source: OCI distribution-spec, "Pushing blobs".
extension RegistryResponder {
    /// `POST /v2/NAME/blobs/uploads/`
    func beginUpload(_ exchange: Exchange, in repository: String) async throws -> Response {
        guard let store else { throw APIError(.unsupported) }
        if let text = exchange.query["mount"], let digest = Digest(text), let origin = exchange.query["from"],
            ImageName.isRepository(origin),
            let size = try await Workers.commits.run({ try store.mount(digest, from: origin, into: repository) })
        {
            events.add(.mount, blob: digest, size: size, in: repository, from: origin, exchange)
            return created(digest, repository, exchange)
        }
        let digest = try exchange.query["digest"].map { try exchange.digest($0) }
        let upload = Handover(
            try await Workers.blobs.run { Handover(try StoreUpload.begin(in: repository, of: store)) }.value)
        defer { upload.value.close() }
        guard let digest else { return state(.accepted, upload.value.id, upload.value.size, repository, exchange) }
        do {
            try await receive(exchange, into: upload)
            return try await commit(upload, digest, repository, exchange)
        } catch {
            // Nobody knows of it who could go on with it.
            try? await Workers.blobs.run { try upload.value.cancel() }
            throw error
        }
    }

    /// `PATCH` of an upload.
    func continueUpload(_ exchange: Exchange, _ id: String, in repository: String) async throws -> Response {
        let upload = try await resume(id, repository, exchange)
        // Before the client hears of it: it may be quick to send the next one.
        defer { upload.value.close() }
        try checkPosition(exchange, upload.value, repository)
        do {
            try await receive(exchange, into: upload)
        } catch {
            try? await Workers.blobs.run { try upload.value.pause() }
            throw error
        }
        try await Workers.blobs.run { try upload.value.pause() }
        return state(.accepted, id, upload.value.size, repository, exchange)
    }

    /// `PUT` of an upload: its last bytes, if any, and what they should be.
    func finishUpload(_ exchange: Exchange, _ id: String, in repository: String) async throws -> Response {
        guard let text = exchange.query["digest"] else {
            throw APIError(.digestInvalid, detail: .string("the parameter 'digest' is missing"))
        }
        let digest = try exchange.digest(text)
        let upload = try await resume(id, repository, exchange)
        defer { upload.value.close() }
        if exchange.contentLength != 0 { try checkPosition(exchange, upload.value, repository) }
        try await receive(exchange, into: upload)
        return try await commit(upload, digest, repository, exchange)
    }

    /// `GET` and `HEAD` of an upload: how far it is.
    func uploadStatus(_ exchange: Exchange, _ id: String, in repository: String) async throws -> Response {
        guard let store else { throw APIError(.unsupported) }
        guard let size = try await Workers.blobs.run({ try StoreUpload.size(of: id, in: repository, store) }) else {
            throw APIError(.blobUploadUnknown, detail: .string(id))
        }
        return state(.noContent, id, size, repository, exchange)
    }

    /// `DELETE` of an upload.
    func cancelUpload(_ exchange: Exchange, _ id: String, in repository: String) async throws -> Response {
        let upload = try await resume(id, repository, exchange)
        defer { upload.value.close() }
        try await Workers.blobs.run { try upload.value.cancel() }
        return Response(status: .noContent, headers: [.uploadUUID: id])
    }

    // MARK: Parts

    /// How long a request waits for another one's end: of a connection that broke, the server hears late.
    private static let patience = Duration.seconds(5)

    private func resume(
        _ id: String, _ repository: String, _ exchange: Exchange
    ) async throws -> Handover<StoreUpload> {
        guard let store else { throw APIError(.unsupported) }
        let size = Self.position(exchange)
        let deadline = ContinuousClock.now + Self.patience
        while true {
            do {
                let upload = try await Workers.blobs.run {
                    Handover(try StoreUpload.resume(id, in: repository, of: store, size: size))
                }
                guard let upload = upload.value else { throw APIError(.blobUploadUnknown, detail: .string(id)) }
                return Handover(upload)
            } catch is UploadBusy {
                guard .now < deadline else {
                    throw APIError(later: .unavailable, "another request is writing to the upload \(id)")
                }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// Bytes that had arrived when the client was told the upload's Location.
    private static func position(_ exchange: Exchange) -> Int64? { exchange.query["_state"].flatMap { Int64($0) } }

    /// Refuses bytes that do not follow what is there.
    private func checkPosition(_ exchange: Exchange, _ upload: StoreUpload, _ repository: String) throws {
        func refusal(_ detail: String) -> APIError {
            var error = APIError(.blobUploadInvalid, detail: .string(detail), status: .rangeNotSatisfiable)
            error.headers = state(.accepted, upload.id, upload.size, repository, exchange).headers
            return error
        }
        if let state = Self.position(exchange), state != upload.size {
            throw refusal("the upload has \(upload.size) bytes, and this Location is of when it had \(state)")
        }
        guard let header = exchange.request.headers[.contentRange] else { return }
        guard let range = ContentRange(header) else { throw refusal("the Content-Range '\(header)' is not FIRST-LAST") }
        guard range.first == upload.size else {
            throw refusal("the upload has \(upload.size) bytes, and this range begins at \(range.first)")
        }
        if let length = exchange.contentLength, length != range.count {
            throw APIError(
                .sizeInvalid,
                detail: .string("the range \(header) is of \(range.count) bytes, the body has \(length)"))
        }
    }

    /// Appends the request's body: written and hashed side by side, while the rest of it arrives.
    private func receive(_ exchange: Exchange, into upload: Handover<StoreUpload>) async throws {
        if exchange.contentLength == 0 { return }
        exchange.wantBody()
        let start = upload.value.size
        let writing = PieceQueue { try upload.value.append($0) }
        let hashing = PieceQueue { upload.value.hash($0) }
        do {
            for try await piece in exchange.request.body {
                try await writing.add(piece)
                try await hashing.add(piece)
            }
        } catch {
            // What arrived before the connection broke need not be sent again.
            try? await writing.finish()
            try? await hashing.finish()
            throw error
        }
        try await hashing.finish()
        try await writing.finish()
        if let length = exchange.contentLength, upload.value.size - start != length {
            throw APIError(.sizeInvalid, detail: .string("the body ended early"))
        }
    }

    private func commit(
        _ upload: Handover<StoreUpload>, _ digest: Digest, _ repository: String, _ exchange: Exchange
    ) async throws -> Response {
        let size = upload.value.size
        if upload.value.mustRead(for: digest) {
            try await FairShare.readings.run(on: .blobs) { try upload.value.readAhead(of: digest) }
        }
        guard try await Workers.commits.run({ try upload.value.commit(digest) }) else {
            throw APIError(.digestInvalid, detail: .string(digest.description))
        }
        events.add(.push, blob: digest, size: size, in: repository, exchange)
        return created(digest, repository, exchange)
    }

    private func created(_ digest: Digest, _ repository: String, _ exchange: Exchange) -> Response {
        Response(
            status: .created,
            headers: [
                .contentDigest: digest.description,
                .location: exchange.address.url("/v2/\(repository)/blobs/\(digest)"),
            ])
    }

    /// Where an upload is, in both senses.
    private func state(
        _ status: HTTPResponse.Status, _ id: String, _ size: Int64, _ repository: String, _ exchange: Exchange
    ) -> Response {
        Response(
            status: status,
            headers: [
                .location: exchange.address.url(
                    "/v2/\(repository)/blobs/uploads/\(id)?_state=\(size)"),
                .range: "0-\(max(0, size - 1))", .uploadUUID: id, .leastChunk: "1",
            ])
    }
}
