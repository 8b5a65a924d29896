import ImageModel
import NIOCore
import NIOHTTP1

extension MultipartUpload {
    /// Makes the object of the parts.
    ///
    /// - Parameter parts: at least one, in ascending order.
    /// - Throws: `ImageError`. The parts are still there then, unless the upload is unknown.
    package func complete(_ parts: [UploadedPart]) async throws {
        let items = parts.map { part in
            "<Part><PartNumber>\(part.number)</PartNumber><ETag>&quot;\(XMLText.escape(part.etag))&quot;</ETag></Part>"
        }.joined()
        var request = request(.POST, action: "complete the upload")
        request.headers = [("content-type", "application/xml")]
        request.body = ByteBuffer(
            string: "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(items)"
                + "</CompleteMultipartUpload>")
        request.isSlow = true
        request.accepts = [404, 500]
        let lost: StorageRefusal? = try await bucket.sender.send(request) { answer in
            guard answer.status >= 300 else {
                _ = try await answer.document("CompleteMultipartUploadResult")
                return nil
            }
            let refusal = try await answer.refusal()
            // Ceph 16 answers 500 for an unknown upload.
            let isUnknown =
                answer.status == 404 ? refusal.code == "NoSuchUpload" && answer.isRepeated : try await !exists()
            guard isUnknown else { throw refusal }
            return refusal
        }
        // An earlier try whose answer was lost may have completed it.
        if let lost, try await !isObject(parts) {
            throw ImageError(
                .notFound, "\(bucket.sender.name(key)): cannot complete the upload: NoSuchUpload",
                hint: "start the upload again", cause: lost)
        }
    }

    /// Whether the server knows the upload.
    private func exists() async throws -> Bool {
        var request = request(.GET, [("max-parts", "1")], action: "list the parts of the upload")
        request.permission = "s3:ListMultipartUploadParts"
        request.accepts = [404]
        return try await bucket.sender.send(request) { answer in
            guard answer.status == 404 else {
                try await answer.finish()
                return true
            }
            let refusal = try await answer.refusal()
            guard refusal.code == "NoSuchUpload" else { throw refusal }
            return false
        }
    }

    /// Whether the object is there and has been made of these parts.
    private func isObject(_ parts: [UploadedPart]) async throws -> Bool {
        guard let info = try await bucket.head(key), info.size == parts.reduce(0, { $0.addingSaturated($1.size) })
        else {
            return false
        }
        // The usual form is the MD5 of the parts' MD5s with their number. Encrypted objects have other tags.
        let digests = parts.map { Self.bytes($0.etag) }
        guard let etag = info.etag, etag.contains("-"), !digests.contains(nil) else { return true }
        let all = digests.flatMap { $0 ?? [] }
        return etag == "\(SignableRequest.hex(BodyDigest.md5(all)))-\(parts.count)" || bucket.options.encryption != nil
    }

    /// The MD5 that a part's ETag is; nil for other forms.
    private static func bytes(_ etag: String) -> [UInt8]? {
        guard etag.utf8.count == 32, etag.allSatisfy(\.isHexDigit) else { return nil }
        var rest = Substring(etag)
        var bytes: [UInt8] = []
        while !rest.isEmpty {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
