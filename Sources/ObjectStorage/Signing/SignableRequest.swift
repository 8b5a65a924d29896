import ByteStreams
import Crypto
import ImageModel

/// The parts of a request that a signature covers.
package struct SignableRequest {
    /// Stands for the hash of a body that is not signed.
    package static let unsignedPayload = "UNSIGNED-PAYLOAD"
    package static let emptyHash = hash([])

    package var method: String
    /// The path as it is sent: percent-encoded. S3 signs it as it is, without normalising it.
    package var path: String
    /// Names and values, not encoded.
    package var query: [(name: String, value: String)] = []
    /// Names in any letter case; `host` must be one of them.
    package var headers: [(name: String, value: String)]
    /// The lower-case hexadecimal SHA-256 of the body, or `unsignedPayload`.
    package var payloadHash: String

    package init(
        method: String, path: String, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)], payloadHash: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.payloadHash = payloadHash
    }

    package static func hash(_ bytes: some Sequence<UInt8>) -> String {
        var hash = SHA256()
        hash.update(data: Array(bytes))
        return hex(hash.finalize())
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The query as it is signed, and as it is sent: encoded, then sorted by name and value.
    package var canonicalQuery: String {
        query.map { (PercentEncoding.encode($0.name), PercentEncoding.encode($0.value)) }
            .sorted { $0 < $1 }.map { "\($0)=\($1)" }.joined(separator: "&")
    }

    private var canonicalHeaders: [(name: String, value: String)] {
        var values: [String: [String]] = [:]
        for (name, value) in headers {
            let words = value.split(whereSeparator: { $0 == " " || $0 == "\t" || $0.isNewline })
            values[name.lowercased(), default: []].append(words.joined(separator: " "))
        }
        return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.joined(separator: ",")) }
    }

    /// `host;x-amz-date`
    var signedHeaders: String { canonicalHeaders.map(\.name).joined(separator: ";") }

    /// Source: AWS Signature Version 4, "Create a canonical request".
    package var canonical: String {
        let headers = canonicalHeaders.map { "\($0.name):\($0.value)\n" }.joined()
        return [method, path, canonicalQuery, headers, signedHeaders, payloadHash].joined(separator: "\n")
    }
}
