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
    /// Who asks; nil if nobody in particular.
    var actor: String?

    init(_ request: Request, _ context: RegistryContext, _ responder: RegistryResponder) {
        self.request = request
        self.context = context
        target = RequestTarget(request.head.path ?? "/", prefix: responder.configuration.http.prefix)
        address = PublicAddress(request.head, isSecure: responder.isSecure, responder.configuration.http)
    }

    var endpoint: Endpoint? { target.endpoint }
    var query: Query { target.query }
    var isAPI: Bool { target.isAPI }

    /// Bytes of the body, where the request tells; nil for one that is chunked.
    var contentLength: Int64? { request.headers[.contentLength].flatMap { Int64($0) } }

    /// Lets a client that waits for permission send its body.
    func wantBody() {
        if request.headers[.expect]?.lowercased() == "100-continue" { context.channel.sendContinue() }
    }

    /// The whole of a small body.
    ///
    /// - Throws: `APIError` with 413 if it is larger than `limit`.
    func body(limit: Int, code: APIError.Code) async throws -> [UInt8] {
        let tooLarge = APIError(code, detail: .string("larger than \(limit) bytes"), status: .contentTooLarge)
        if let contentLength, contentLength > limit { throw tooLarge }
        wantBody()
        var bytes: [UInt8] = []
        for try await piece in request.body {
            guard bytes.count + piece.readableBytes <= limit else { throw tooLarge }
            bytes += piece.readableBytesView
        }
        return bytes
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
