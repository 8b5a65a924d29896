import ImageModel
import NIOCore
import NIOHTTP1

/// A part that the server has.
package struct UploadedPart: Sendable, Hashable {
    /// From 1 to 10,000; gaps are allowed.
    package var number: Int
    /// Bytes.
    package var size: Int64
    /// Without quotes.
    package var etag: String

    package init(number: Int, size: Int64, etag: String) {
        self.number = number
        self.size = size
        self.etag = etag
    }
}

/// An object that is sent in parts, and is invisible until it is complete. It can be resumed by its key and ID.
package struct MultipartUpload: Sendable {
    package let bucket: Bucket
    package let key: String
    package let id: String

    func request(_ method: HTTPMethod, _ query: [(name: String, value: String)] = [], action: String) -> ObjectRequest {
        ObjectRequest(
            method: method, key: key, query: query + [("uploadId", id)], permission: "s3:PutObject", action: action)
    }

    /// Sends a part, in place of an earlier one of its number.
    ///
    /// - Parameter bytes: at least 5 MiB unless it is the last part.
    package func put(_ number: Int, _ bytes: [UInt8]) async throws -> UploadedPart {
        try await put(number, ByteBuffer(bytes: bytes))
    }

    func put(_ number: Int, _ body: ByteBuffer) async throws -> UploadedPart {
        var request = request(.PUT, [("partNumber", "\(number)")], action: "upload part \(number)")
        request.body = body
        let size = Int64(body.readableBytes)
        return try await bucket.sender.send(request) { answer in
            try await answer.finish()
            guard let etag = answer.etag else { throw GarbledAnswer(problem: "the answer to a part has no ETag") }
            return UploadedPart(number: number, size: size, etag: etag)
        }
    }

    /// Has the server copy a range of an object as a part.
    package func copy(_ number: Int, from source: String, range: Range<Int64>) async throws -> UploadedPart {
        var request = request(.PUT, [("partNumber", "\(number)")], action: "copy part \(number) from \(source)")
        request.headers = [
            ("x-amz-copy-source", bucket.copySource(source)),
            ("x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"),
        ]
        request.isSlow = true
        return try await bucket.sender.send(request) { answer in
            guard let etag = try await answer.document("CopyPartResult").text("ETag").flatMap(ETag.clean) else {
                throw GarbledAnswer(problem: "the answer to a copied part has no ETag")
            }
            return UploadedPart(number: number, size: range.upperBound - range.lowerBound, etag: etag)
        }
    }

    /// The parts that the server has, by their numbers.
    package func parts() async throws -> [UploadedPart] {
        var parts: [UploadedPart] = []
        var marker = 0
        while true {
            var request = request(.GET, action: "list the parts of the upload")
            request.query.append(("part-number-marker", "\(marker)"))
            request.permission = "s3:ListMultipartUploadParts"
            let (page, next) = try await bucket.sender.send(request) { answer -> ([UploadedPart], Int?) in
                let document = try await answer.document("ListPartsResult")
                let page = try document.all("Part").map { item in
                    guard let number = item.word("PartNumber").flatMap({ Int($0) }),
                        (marker + 1...10_000).contains(number),
                        let size = item.word("Size").flatMap({ Int64($0) }), size >= 0,
                        let etag = item.text("ETag").flatMap(ETag.clean)
                    else { throw GarbledAnswer(problem: "an invalid part in the list of parts") }
                    return UploadedPart(number: number, size: size, etag: etag)
                }
                guard document.word("IsTruncated") == "true" else { return (page, nil) }
                guard let next = document.word("NextPartNumberMarker").flatMap({ Int($0) }), next > marker else {
                    throw GarbledAnswer(problem: "the list of parts is cut off and names no next page")
                }
                return (page, next)
            }
            parts += page
            guard let next else { return parts.sorted { $0.number < $1.number } }
            marker = next
        }
    }

    /// Drops the parts; an upload that is not there is no error.
    package func abort() async throws {
        var request = request(.DELETE, action: "abort the upload")
        request.permission = "s3:AbortMultipartUpload"
        request.accepts = [404]
        try await bucket.sender.send(request) { answer in
            guard answer.status == 404 else { return try await answer.finish() }
            let refusal = try await answer.refusal()
            guard refusal.code == "NoSuchUpload" || refusal.code == "NoSuchKey" else { throw refusal }
        }
    }
}
