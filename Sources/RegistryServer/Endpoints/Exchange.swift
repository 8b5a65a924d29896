import HTTPTypes
import Hummingbird
import ImageModel
import NIOCore

/// One request, taken apart, on its way through the responder.
final class Exchange {
    let request: Request
    let context: RegistryContext
    private let target: RequestTarget
    let address: PublicAddress
    let client: ClientAddress
    /// Who asks; nil if nobody in particular.
    var actor: String?
    private var isBodyWanted = false

    init(_ request: Request, _ context: RegistryContext, _ responder: RegistryResponder) {
        self.request = request
        self.context = context
        target = RequestTarget(request.head.path ?? "/", prefix: responder.configuration.http.prefix)
        address = PublicAddress(request.head, isSecure: responder.isSecure, responder.configuration.http)
        client = responder.proxies.client(peer: context.peer, request.headers)
    }

    var endpoint: Endpoint? { target.endpoint }
    var query: Query { target.query }
    var isAPI: Bool { target.isAPI }

    /// Bytes of the body, where the request tells; nil for one that is chunked.
    var contentLength: Int64? { request.headers[.contentLength].flatMap { Int64($0) } }

    /// Begins to read the body, or goes on with it.
    ///
    /// - Parameter count: bytes after which no more is read until it is wanted.
    func wantBody(_ count: Int64 = .max) {
        let isContinueAwaited = !isBodyWanted && request.headers[.expect]?.lowercased() == "100-continue"
        isBodyWanted = true
        context.channel.wantBody(count, isContinueAwaited: isContinueAwaited)
    }

    /// Time in which each part of a document has to arrive: others may wait for its memory, for a little longer.
    private static let documentPatience = TimeAmount.seconds(15)

    /// Receives the whole body, and does some work with it while it counts as the client's memory. A client that takes
    /// too long to send it loses its connection.
    ///
    /// - Throws: `APIError` with 413 if it is larger than `limit`; `Overload`; what the work throws.
    func withDocument<T>(
        limit: Int, code: APIError.Code, in memory: DocumentMemory, _ work: ([UInt8]) async throws -> T
    ) async throws -> T {
        let size = contentLength ?? Int64(Document.ordinarySize)
        guard size <= limit else { throw Self.tooLarge(limit, code) }
        let first = max(0, min(Int(size), Document.ordinarySize))
        return try await memory.ordinary.use(first, for: client.share) {
            var body = request.body.makeAsyncIterator()
            var bytes: [UInt8] = []
            bytes.reserveCapacity(first)
            // One more byte tells that it is larger.
            wantBody(Int64(Document.ordinarySize) + 1)
            if try await receive(&bytes, from: &body, upTo: Document.ordinarySize) { return try await work(bytes) }
            guard bytes.count <= limit else { throw Self.tooLarge(limit, code) }
            let whole = contentLength.map { Int($0) } ?? limit
            return try await memory.large.use(whole, for: client.share) {
                wantBody()
                guard try await receive(&bytes, from: &body, upTo: limit) else { throw Self.tooLarge(limit, code) }
                return try await work(bytes)
            }
        }
    }

    /// Appends what arrives of the body.
    ///
    /// - Returns: whether that is all of it; false after more than `count` bytes.
    private func receive(
        _ bytes: inout [UInt8], from body: inout RequestBody.AsyncIterator, upTo count: Int
    ) async throws -> Bool {
        let channel = context.channel
        let end = channel.eventLoop.scheduleTask(in: Self.documentPatience) { channel.close(promise: nil) }
        defer { end.cancel() }
        while bytes.count <= count {
            if let piece = try await body.next() {
                bytes += piece.readableBytesView
            } else if let contentLength, contentLength != bytes.count {
                throw APIError(.sizeInvalid, "the body ended early")
            } else {
                return true
            }
        }
        return false
    }

    private static func tooLarge(_ limit: Int, _ code: APIError.Code) -> APIError {
        APIError(code, detail: .string("larger than \(limit) bytes"), status: .contentTooLarge)
    }

    /// A digest out of a path or query.
    func digest(_ text: String) throws -> Digest {
        guard let digest = Digest(text) else { throw APIError(.digestInvalid, detail: .string(text)) }
        return digest
    }

    /// Whether the client has it already: `If-None-Match` names the digest, with quotes or without.
    func has(_ digest: Digest) -> Bool {
        guard let list = request.headers[.ifNoneMatch] else { return false }
        return list.split(separator: ",").contains { item in
            var tag = item.drop { $0 == " " }
            if tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
            return tag.filter { $0 != "\"" && $0 != " " } == digest.description || tag == "*"
        }
    }
}
