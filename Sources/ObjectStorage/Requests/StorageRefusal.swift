import ImageModel
import NIOHTTP1

/// A server's refusal, from the status and the XML of its answer. It is the `cause` of the `ImageError` that callers see.
///
/// Source: Amazon S3 API Reference, "Error responses".
package struct StorageRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package var status: Int
    /// The server's code, such as `NoSuchKey`; made from the status where the answer has none.
    package var code: String
    /// The server's own words; may be empty.
    package var message = ""
    /// The region that the bucket is in, where the server tells that.
    package var region: String?
    /// The pause that the server asks for.
    var retryAfter: Duration?

    package var description: String { "\(code) (status \(status))" }

    init(status: Int, code: String, message: String = "") {
        self.status = status
        self.code = code
        self.message = message
    }

    /// - Parameters:
    ///   - document: the answer's body; nil where it is not XML.
    init(status: Int, headers: HTTPHeaders, document: XMLNode?) {
        self.status = status
        let error = document?.name == "Error" ? document : document?["Error"]
        code = error?.word("Code").flatMap(Self.cleanCode) ?? Self.code(for: status)
        message = error?.word("Message").map(Self.line) ?? ""
        region = (headers.first(name: "x-amz-bucket-region") ?? error?.word("Region")).flatMap(Self.cleanCode)
        retryAfter = headers.first(name: "retry-after").flatMap { Int($0) }.flatMap {
            $0 > 0 && $0 < 86400 ? .seconds($0) : nil
        }
    }

    /// Whether another try may succeed.
    var isTemporary: Bool {
        switch code {
        case "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling", "ThrottlingException",
            "RequestLimitExceeded", "BandwidthLimitExceeded", "OperationAborted", "ConditionalRequestConflict",
            "BadDigest", "IncompleteBody", "TooManyRequests":
            true
        case "NotImplemented", "QuotaExceeded", "InsufficientStorage": false
        default: status == 408 || status == 429 || [500, 502, 503, 504].contains(status)
        }
    }

    /// Whether other keys may help: the ones that were used have expired.
    var isAboutExpiredKeys: Bool { ["ExpiredToken", "TokenRefreshRequired", "ExpiredTokenException"].contains(code) }

    var isAboutTime: Bool { ["RequestTimeTooSkewed", "RequestExpired"].contains(code) }

    /// Whether the server does not know what the request asks for.
    var isUnsupported: Bool { status == 501 || code == "NotImplemented" || code == "XNotImplemented" }

    private static func code(for status: Int) -> String {
        switch status {
        case 301: "PermanentRedirect"
        case 307: "TemporaryRedirect"
        case 403: "AccessDenied"
        case 404: "NotFound"
        case 405: "MethodNotAllowed"
        case 411: "MissingContentLength"
        case 412: "PreconditionFailed"
        case 413: "EntityTooLarge"
        case 416: "InvalidRange"
        case 429: "TooManyRequests"
        case 500: "InternalError"
        case 501: "NotImplemented"
        case 503: "ServiceUnavailable"
        case 507: "InsufficientStorage"
        default: "HTTP \(status)"
        }
    }

    private static func cleanCode(_ text: String) -> String? {
        text.utf8.count <= 80 && text.utf8.allSatisfy { $0 > 32 && $0 < 127 } ? text : nil
    }

    private static func line(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.isWhitespace ? " " : $0 }.filter { !$0.isTerminalControl }
                    .prefix(300)))
    }
}
