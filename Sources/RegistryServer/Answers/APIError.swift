import ByteStreams
import Glibc
import HTTPTypes
import Hummingbird
import ImageModel

/// A refusal in the API's own words. Source: OCI distribution-spec, "Error Codes", and distribution's registry/api/errcode.
struct APIError: Error {
    /// An error code, with the status that it is sent with and the original's words for it.
    struct Code {
        let name: String
        let status: HTTPResponse.Status
        let message: String

        private init(_ name: String, _ status: HTTPResponse.Status, _ message: String) {
            self.name = name
            self.status = status
            self.message = message
        }

        static let blobUnknown = Code("BLOB_UNKNOWN", .notFound, "blob unknown to registry")
        static let blobUploadInvalid = Code("BLOB_UPLOAD_INVALID", .notFound, "blob upload invalid")
        static let blobUploadUnknown = Code("BLOB_UPLOAD_UNKNOWN", .notFound, "blob upload unknown to registry")
        static let digestInvalid = Code("DIGEST_INVALID", .badRequest, "provided digest did not match uploaded content")
        static let manifestBlobUnknown = Code("MANIFEST_BLOB_UNKNOWN", .badRequest, "blob unknown to registry")
        static let manifestInvalid = Code("MANIFEST_INVALID", .badRequest, "manifest invalid")
        static let manifestUnknown = Code("MANIFEST_UNKNOWN", .notFound, "manifest unknown")
        static let nameInvalid = Code("NAME_INVALID", .badRequest, "invalid repository name")
        static let nameUnknown = Code("NAME_UNKNOWN", .notFound, "repository name not known to registry")
        static let paginationNumberInvalid = Code(
            "PAGINATION_NUMBER_INVALID", .badRequest, "invalid number of results requested")
        static let sizeInvalid = Code("SIZE_INVALID", .badRequest, "provided length did not match content length")
        static let tooManyRequests = Code("TOOMANYREQUESTS", .tooManyRequests, "too many requests")
        static let unauthorized = Code("UNAUTHORIZED", .unauthorized, "authentication required")
        static let unavailable = Code("UNAVAILABLE", .serviceUnavailable, "service unavailable")
        static let unknown = Code("UNKNOWN", .internalServerError, "unknown error")
        static let unsupported = Code("UNSUPPORTED", .methodNotAllowed, "The operation is unsupported.")
    }

    struct Item {
        var code: Code
        /// The code's own, if nil.
        var message: String?
        var detail: JSONValue?
    }

    /// At least one.
    var items: [Item]
    /// The first item's own, if nil.
    var status: HTTPResponse.Status?
    var headers = HTTPFields()

    init(_ code: Code, detail: JSONValue? = nil, status: HTTPResponse.Status? = nil) {
        items = [Item(code: code, detail: detail)]
        self.status = status
    }

    init(_ code: Code, _ detail: String) { self.init(code, detail: .string(detail)) }

    init(_ items: [Item]) { self.items = items }

    /// A refusal for a reason that the code does not give: clients such as docker print the message and no detail.
    init(_ code: Code, message: String, status: HTTPResponse.Status? = nil) {
        items = [Item(code: code, message: message, detail: .string(message))]
        self.status = status
    }

    /// The storage cannot be written, or is locked; nil for other errors. The log says where: paths are no client's business.
    init?(storage error: ImageError) {
        guard let code = error.errno else { return nil }
        switch code {
        case ENOSPC, EDQUOT:
            self.init(
                .unavailable, message: "the registry's disk is full",
                status: HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage"))
        case EACCES, EPERM, EROFS:
            self.init(.unavailable, message: "the registry may not write to its storage: \(systemMessage(code))")
        case EWOULDBLOCK: self.init(later: .unavailable, "the registry's storage is locked; try again later")
        default: return nil
        }
    }

    /// A refusal for the moment: the client may try again in some seconds.
    init(later code: Code, _ detail: String) {
        self.init(code, detail)
        headers[.retryAfter] = "5"
    }

    init(_ overload: Overload) {
        switch overload {
        case .ofClient: self.init(later: .tooManyRequests, "too many requests of this client; try again later")
        case .ofServer: self.init(later: .unavailable, "the registry is busy; try again later")
        }
    }

    var response: Response {
        var body = "{\"errors\":["
        for (position, item) in items.enumerated() {
            if position > 0 { body += "," }
            body += "{\"code\":\"\(item.code.name)\",\"message\":\"\(item.message ?? item.code.message)\""
            if let detail = item.detail, let json = try? Document.encode(detail) {
                body += ",\"detail\":" + String(decoding: json, as: UTF8.self)
            }
            body += "}"
        }
        var headers = headers
        headers[.contentType] = "application/json"
        // It is the body's own length that counts.
        headers[.contentLength] = nil
        return Response(
            status: status ?? items[0].code.status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: body + "]}\n")))
    }
}

extension Response {
    /// A document of the API's, with the line end that the original's have.
    static func json(_ value: some Encodable, headers: HTTPFields = HTTPFields()) throws -> Response {
        document(ResponseBody(byteBuffer: ByteBuffer(bytes: try Document.encode(value) + [10])), headers: headers)
    }

    /// Likewise, encoded already.
    static func document(_ body: ResponseBody, headers: HTTPFields) -> Response {
        var headers = headers
        headers[.contentType] = headers[.contentType] ?? "application/json"
        return Response(status: .ok, headers: headers, body: body)
    }

    /// What is said outside of the API.
    static func plain(_ status: HTTPResponse.Status, _ text: String, allow: String? = nil) -> Response {
        var headers: HTTPFields = [.contentType: "text/plain; charset=utf-8", .xContentTypeOptions: "nosniff"]
        headers[.allow] = allow
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

extension HTTPField.Name {
    static let apiVersion = HTTPField.Name("Docker-Distribution-Api-Version")!
    static let contentDigest = HTTPField.Name("Docker-Content-Digest")!
    static let uploadUUID = HTTPField.Name("Docker-Upload-UUID")!
    static let leastChunk = HTTPField.Name("OCI-Chunk-Min-Length")!
    static let tag = HTTPField.Name("OCI-Tag")!
    static let subject = HTTPField.Name("OCI-Subject")!
    static let filtersApplied = HTTPField.Name("OCI-Filters-Applied")!
    static let link = HTTPField.Name("Link")!
    static let forwarded = HTTPField.Name("Forwarded")!
    static let forwardedProto = HTTPField.Name("X-Forwarded-Proto")!
    static let forwardedHost = HTTPField.Name("X-Forwarded-Host")!
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let realIP = HTTPField.Name("X-Real-IP")!
    static let referer = HTTPField.Name("Referer")!
}
