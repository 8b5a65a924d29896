import HTTPTypes
import Hummingbird
import ImageModel
import NIOCore

/// One request, taken apart, on its way through the responder.
final class Exchange {
    let request: Request
    let context: RegistryContext
    let endpoint: Endpoint?
    let query: Query
    let address: PublicAddress
    /// Who asks; nil if nobody in particular.
    var actor: String?

    init(_ request: Request, _ context: RegistryContext, _ responder: RegistryResponder) {
        self.request = request
        self.context = context
        let target = request.head.path ?? "/"
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        query = Query(parts.count > 1 ? parts[1] : "")
        address = PublicAddress(request.head, isSecure: responder.isSecure, responder.configuration.http)
        let prefix = responder.configuration.http.prefix
        if let path = Query.decode(parts[0]), path.hasPrefix(prefix) {
            endpoint = Endpoint("/" + path.dropFirst(prefix.count))
            isAPI = path.dropFirst(prefix.count).prefix { $0 != "/" } == "v2"
        } else {
            endpoint = nil
            isAPI = false
        }
    }

    /// Whether the answer is the API's, or of what stands around it.
    let isAPI: Bool

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
