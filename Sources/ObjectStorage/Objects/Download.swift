import AsyncHTTPClient
import ImageModel
import NIOCore
import NIOHTTP1

/// The way of an object's bytes from the server, over several requests if connections break.
struct Download: Sendable {
    let bucket: Bucket
    let info: ObjectInfo
    /// Offsets in the object.
    let range: Range<Int64>

    /// Receives all bytes of the range.
    ///
    /// - Parameters:
    ///   - first: the answer to the first request, whose body begins at the start of the range.
    ///   - take: waits while its reader is slow.
    /// - Throws: `ImageError`, `CancellationError`.
    func run(_ first: Answer, take: (ByteBuffer) async -> Void) async throws {
        var position = range.lowerBound
        var next: Answer? = first
        var retries = bucket.sender.retries
        while true {
            do {
                let answer: Answer =
                    if let next { next } else { try await Self.open(bucket, info, position..<range.upperBound) }
                next = nil
                for try await piece in answer.body {
                    try Task.checkCancellation()
                    guard piece.readableBytes <= range.upperBound - position else {
                        throw bucket.garbled(info.key, "more bytes than announced")
                    }
                    position += Int64(piece.readableBytes)
                    retries.progressed()
                    await take(piece)
                }
                guard position < range.upperBound else { return }
                throw TruncatedAnswer()
            } catch let error where error is ImageError || error is CancellationError {
                throw error
            } catch {
                if Task.isCancelled { throw CancellationError() }
                let request = Self.request(info.key, nil)
                guard NetworkFailure.isTemporary(error), let pause = retries.next(nil) else {
                    throw bucket.sender.broken(request, error)
                }
                bucket.options.remark(
                    "\(bucket.sender.name(info.key)): cannot read: \(NetworkFailure.reason(error)); resuming")
                try await Task.sleep(for: pause)
            }
        }
    }

    static func request(_ key: String, _ range: Range<Int64>?) -> ObjectRequest {
        var request = ObjectRequest(
            method: .GET, key: key, permission: "s3:GetObject", action: "read", isStreamed: true)
        if let range { request.headers = [("range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")] }
        return request
    }

    /// Asks for the rest of an object that is known.
    private static func open(_ bucket: Bucket, _ info: ObjectInfo, _ range: Range<Int64>) async throws -> Answer {
        try await bucket.sender.send(request(info.key, range)) { answer in
            let found = try ContentRange(answer)
            guard answer.etag == info.etag, found.size == info.size else {
                throw ImageError(
                    .damaged,
                    "\(bucket.sender.name(info.key)): the object was replaced while it was read; read it again")
            }
            guard found.range == range else { throw GarbledAnswer(problem: "another range than the requested one") }
            return answer
        }
    }
}

/// The part of an object that an answer holds. Source: RFC 9110, section 14.4.
struct ContentRange: Equatable {
    let range: Range<Int64>
    /// Bytes of the whole object.
    let size: Int64

    /// - Throws: `GarbledAnswer` for an answer that is not consistent.
    init(_ answer: Answer) throws {
        guard let length = answer.length else { throw GarbledAnswer(problem: "the answer has no Content-Length") }
        guard answer.status == 206 else {
            (range, size) = (0..<length, length)
            return
        }
        let words = (answer.headers.first(name: "content-range") ?? "").split(whereSeparator: { " -/".contains($0) })
        guard words.count == 4, words[0] == "bytes", let first = Int64(words[1]), let last = Int64(words[2]),
            let size = Int64(words[3]), first >= 0, last >= first, size > last, last - first + 1 == length
        else { throw GarbledAnswer(problem: "an invalid Content-Range") }
        range = first..<last + 1
        self.size = size
    }
}

extension Bucket {
    /// Reads an object as a stream.
    ///
    /// - Parameter range: offsets in the object; nil for all of it. It may end after the object does.
    /// - Returns: nil if there is no such object.
    /// - Throws: `ImageError`; `.refused` for a range that begins after the end.
    package func get(_ key: String, range: Range<Int64>? = nil) async throws -> ObjectContent? {
        guard range?.isEmpty != true else {
            throw ImageError.usage("\(sender.name(key)): the requested range is empty")
        }
        var request = Download.request(key, range)
        request.accepts = [404, 416]
        return try await sender.send(request) { answer in
            switch answer.status {
            case 404: return try await self.missing(answer)
            case 416:
                try await answer.finish()
                throw ImageError.refused(
                    "\(self.sender.name(key)): the requested range begins after the end of the object")
            default: break
            }
            let found = try ContentRange(answer)
            let wanted = range.map { $0.lowerBound..<min($0.upperBound, found.size) } ?? 0..<found.size
            guard found.range == wanted else { throw GarbledAnswer(problem: "another range than the requested one") }
            let info = try ObjectInfo(key: key, answer, size: found.size)
            return ObjectContent(Download(bucket: self, info: info, range: found.range), answer)
        }
    }

    func garbled(_ key: String, _ problem: String) -> ImageError {
        ImageError(
            .service, "\(sender.name(key)): cannot read: \(problem)", hint: "check that \(endpoint) is an S3 server")
    }
}
