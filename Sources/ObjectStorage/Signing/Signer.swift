import Crypto
import ImageModel

/// Signs requests with AWS Signature Version 4, in headers or in the query of a URL that others use.
package struct Signer {
    static let algorithm = "AWS4-HMAC-SHA256"

    package let keys: AccessKeys
    let region: String
    let service: String
    /// Whether the session token is part of what is signed. S3 wants it so; some other services do not.
    let signsToken: Bool

    package init(keys: AccessKeys, region: String, service: String = "s3", signsToken: Bool = true) {
        self.keys = keys
        self.region = region
        self.service = service
        self.signsToken = signsToken
    }

    /// Adds the headers that sign a request: `x-amz-date`, `x-amz-security-token` and `authorization`.
    ///
    /// - Parameter time: seconds since 1970, by the server's clock.
    package func sign(_ request: inout SignableRequest, at time: Int) {
        request.headers.append(("x-amz-date", Self.stamp(time)))
        if let token = keys.token, signsToken { request.headers.append(("x-amz-security-token", token)) }
        let authorization =
            "\(Self.algorithm) Credential=\(keys.id)/\(scope(time)), SignedHeaders=\(request.signedHeaders), "
            + "Signature=\(signature(of: request, at: time))"
        if let token = keys.token, !signsToken { request.headers.append(("x-amz-security-token", token)) }
        request.headers.append(("authorization", authorization))
    }

    /// Adds the parameters that sign a URL.
    ///
    /// - Parameters:
    ///   - time: when the URL begins to be valid, in seconds since 1970.
    ///   - duration: how long it is valid, in seconds; at most seven days.
    package func presign(_ request: inout SignableRequest, at time: Int, for duration: Int) {
        request.query += [
            ("X-Amz-Algorithm", Self.algorithm), ("X-Amz-Credential", "\(keys.id)/\(scope(time))"),
            ("X-Amz-Date", Self.stamp(time)), ("X-Amz-Expires", "\(duration)"),
            ("X-Amz-SignedHeaders", request.signedHeaders),
        ]
        let token = keys.token.map { [("X-Amz-Security-Token", $0)] } ?? []
        if signsToken { request.query += token }
        let signature = signature(of: request, at: time)
        if !signsToken { request.query += token }
        request.query.append(("X-Amz-Signature", signature))
    }

    private func signature(of request: SignableRequest, at time: Int) -> String {
        let text = [
            Self.algorithm, Self.stamp(time), scope(time), SignableRequest.hash(request.canonical.utf8),
        ].joined(separator: "\n")
        var key = SymmetricKey(data: Array("AWS4\(keys.secret)".utf8))
        for part in [Self.day(time), region, service, "aws4_request"] {
            key = SymmetricKey(data: Self.code(part, key))
        }
        return SignableRequest.hex(Self.code(text, key))
    }

    private static func code(_ text: String, _ key: SymmetricKey) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
    }

    private func scope(_ time: Int) -> String { "\(Self.day(time))/\(region)/\(service)/aws4_request" }
    private static func day(_ time: Int) -> String { Timestamp.format(time, "%Y%m%d") }
    private static func stamp(_ time: Int) -> String { Timestamp.format(time, "%Y%m%dT%H%M%SZ") }
}
