import ByteStreams
import HTTPTypes
import Hummingbird
import ImageLayouts
import ImageModel
import NIOCore

extension RegistryResponder {
    /// `GET` and `HEAD /v2/NAME/blobs/DIGEST`
    func blob(_ exchange: Exchange, _ text: String, in repository: String) async throws -> Response {
        let digest = try exchange.digest(text)
        guard let blob = try await content.blob(digest, in: repository) else {
            throw APIError(.blobUnknown, detail: .string(digest.description))
        }
        let isHead = exchange.request.method == .head
        if isHead, let store = affirming,
            try await !Workers.commits.run({ try store.affirm(blob: digest, in: repository) })
        {
            throw APIError(.blobUnknown, detail: .string(digest.description))
        }
        if exchange.has(digest) { return Response(status: .notModified, headers: [.eTag: "\"\(digest)\""]) }
        var headers: HTTPFields = [
            .acceptRanges: "bytes", .cacheControl: "max-age=31536000", .contentType: "application/octet-stream",
            .contentDigest: digest.description, .eTag: "\"\(digest)\"",
        ]
        if case .arriving(let arriving) = blob.bytes {
            headers[.acceptRanges] = nil
            return Response(status: .ok, headers: headers, body: ResponseBody(arriving))
        }
        let isCurrent = exchange.request.headers[.ifRange].map { $0 == "\"\(digest)\"" } ?? true
        let wanted = isCurrent ? exchange.request.headers[.range] : nil
        let ranges = ByteRanges(wanted, size: blob.size)
        func response(
            _ status: HTTPResponse.Status, _ parts: [(text: String, range: Range<Int64>)], end: String = ""
        ) -> Response {
            let length = parts.reduce(end.utf8.count) { $0 + $1.text.utf8.count + $1.range.count }
            headers[.contentLength] = String(length)
            guard !isHead else { return Response(status: status, headers: headers) }
            events.add(.pull, blob: digest, size: blob.size, in: repository, exchange)
            let body = ResponseBody(
                blob.bytes, parts: parts, end: end, channel: isSecure ? nil : exchange.context.channel)
            return Response(status: status, headers: headers, body: body)
        }
        switch ranges {
        case .whole: return response(.ok, [("", 0..<blob.size)])
        case .malformed, .unsatisfiable:
            var refusal = Response.plain(
                .rangeNotSatisfiable,
                ranges == .malformed ? "invalid range\n" : "invalid range: failed to overlap\n")
            refusal.headers[.contentRange] = "bytes */\(blob.size)"
            return refusal
        case .parts(let parts) where parts.count == 1:
            headers[.contentRange] = "bytes \(parts[0].lowerBound)-\(parts[0].upperBound - 1)/\(blob.size)"
            return response(.partialContent, [("", parts[0])])
        case .parts(let parts):
            let boundary = "dray-\(digest.hex.prefix(32))"
            headers[.contentType] = "multipart/byteranges; boundary=\(boundary)"
            return response(
                .partialContent,
                parts.map { range in
                    (
                        "\(range == parts[0] ? "" : "\r\n")--\(boundary)\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes "
                            + "\(range.lowerBound)-\(range.upperBound - 1)/\(blob.size)\r\n\r\n", range
                    )
                }, end: "\r\n--\(boundary)--\r\n")
        }
    }

    /// `DELETE /v2/NAME/blobs/DIGEST`
    func deleteBlob(_ exchange: Exchange, _ text: String, in repository: String) async throws -> Response {
        guard let store, configuration.storage.allowsDeletion else { throw APIError(.unsupported) }
        let digest = try exchange.digest(text)
        guard try await Workers.blobs.run({ try store.unlinkBlob(digest, in: repository) }) else {
            throw APIError(.blobUnknown, detail: .string(digest.description))
        }
        events.add(.delete, blob: digest, size: nil, in: repository, exchange)
        return Response(status: .accepted)
    }
}
