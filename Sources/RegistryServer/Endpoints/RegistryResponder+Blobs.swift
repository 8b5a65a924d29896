import ByteStreams
import HTTPTypes
import Hummingbird
import ImageModel
import RegistryStore

extension RegistryResponder {
    /// `GET` and `HEAD /v2/NAME/blobs/DIGEST`
    func blob(_ exchange: Exchange, _ text: String, in repository: String) async throws -> Response {
        let digest = try exchange.digest(text)
        let isHead = exchange.request.method == .head
        let isUnchanged = exchange.has(digest)
        guard let (size, bytes, address) = try await look(digest, in: repository, sizeOnly: isHead || isUnchanged)
        else { throw APIError(.blobUnknown, detail: .string(digest.description)) }
        if let address, configuration.storage.redirects, size >= Self.leastRedirected {
            events.add(.pull, blob: digest, size: size, in: repository, exchange)
            return Response(
                status: .temporaryRedirect,
                headers: [
                    .location: try await Workers.blobs.run(address), .contentDigest: digest.description,
                    .eTag: "\"\(digest)\"",
                ])
        }
        if isHead, let store = affirming,
            try await !Workers.commits.run({ try store.affirm(blob: digest, in: repository) })
        {
            throw APIError(.blobUnknown, detail: .string(digest.description))
        }
        if isUnchanged { return Response(status: .notModified, headers: [.eTag: "\"\(digest)\""]) }
        var headers: HTTPFields = [
            .acceptRanges: "bytes", .cacheControl: "max-age=31536000", .contentType: "application/octet-stream",
            .contentDigest: digest.description, .eTag: "\"\(digest)\"",
        ]
        guard size >= 0 else {
            headers[.acceptRanges] = nil
            guard case .arriving(let arriving)? = bytes else { return Response(status: .ok, headers: headers) }
            return Response(status: .ok, headers: headers, body: ResponseBody(arriving, to: exchange.context.channel))
        }
        let isCurrent = exchange.request.headers[.ifRange].map { $0 == "\"\(digest)\"" } ?? true
        let wanted = isCurrent ? exchange.request.headers[values: .range].first : nil
        var ranges = ByteRanges(wanted, size: size)
        if case .stream? = bytes, case .parts(let parts) = ranges, parts.count > 1 { ranges = .whole }
        func response(
            _ status: HTTPResponse.Status, _ parts: [(text: String, range: Range<Int64>)], end: String = ""
        ) -> Response {
            let length = parts.reduce(end.utf8.count) { $0 + $1.text.utf8.count + $1.range.count }
            headers[.contentLength] = String(length)
            guard let bytes else { return Response(status: status, headers: headers) }
            events.add(.pull, blob: digest, size: size, in: repository, exchange)
            let body = ResponseBody(
                bytes, parts: parts, end: end, to: exchange.context.channel, isCopied: isSecure)
            return Response(status: status, headers: headers, body: body)
        }
        switch ranges {
        case .whole: return response(.ok, [("", 0..<size)])
        case .malformed, .unsatisfiable:
            var refusal = Response.plain(
                .rangeNotSatisfiable,
                ranges == .malformed ? "invalid range\n" : "invalid range: failed to overlap\n")
            refusal.headers[.contentRange] = "bytes */\(size)"
            return refusal
        case .parts(let parts) where parts.count == 1:
            headers[.contentRange] = "bytes \(parts[0].lowerBound)-\(parts[0].upperBound - 1)/\(size)"
            return response(.partialContent, [("", parts[0])])
        case .parts(let parts):
            let boundary = "dray-\(digest.hex.prefix(32))"
            headers[.contentType] = "multipart/byteranges; boundary=\(boundary)"
            return response(
                .partialContent,
                parts.enumerated().map { position, range in
                    (
                        "\(position == 0 ? "" : "\r\n")--\(boundary)\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes "
                            + "\(range.lowerBound)-\(range.upperBound - 1)/\(size)\r\n\r\n", range
                    )
                }, end: "\r\n--\(boundary)--\r\n")
        }
    }

    /// Bytes of a blob for which a client is sent elsewhere: what is smaller has come before the client has got there.
    private static let leastRedirected: Int64 = 64 << 10

    /// - Returns: nil if there is no such blob; no bytes if only the size is wanted: then they need not be here.
    private func look(
        _ digest: Digest, in repository: String, sizeOnly: Bool
    ) async throws -> (size: Int64, bytes: ServedBytes?, address: (@Sendable () throws -> String)?)? {
        if sizeOnly { return try await content.blobSize(digest, in: repository).map { ($0, nil, nil) } }
        return try await content.blob(digest, in: repository).map { ($0.size, $0.bytes, $0.address) }
    }

    /// `DELETE /v2/NAME/blobs/DIGEST`
    func deleteBlob(_ exchange: Exchange, _ text: String, in repository: String) async throws -> Response {
        guard let store, configuration.storage.allowsDeletion else { throw APIError(.unsupported) }
        let digest = try exchange.digest(text)
        guard try await Workers.commits.run({ try store.unlinkBlob(digest, in: repository) }) else {
            throw APIError(.blobUnknown, detail: .string(digest.description))
        }
        events.add(.delete, blob: digest, size: nil, in: repository, exchange)
        return Response(status: .accepted)
    }
}
