import Foundation
import Testing

/// `Tests/token-server`, with a key and a certificate of its own.
final class TokenServer {
    /// The challenge's realm.
    let url: String
    /// `auth` of a registry that trusts it.
    let settings: String
    private let helper: Helper

    init(_ scratch: Scratch) throws {
        try scratch.makeCertificate("token")
        helper = try Helper("token-server", [scratch["token.key"], scratch["token.crt"]])
        url = "http://127.0.0.1:\(helper.port)/token"
        settings =
            "auth: {token: {realm: \"\(url)\", service: the-registry, issuer: dray-tests, "
            + "rootcertbundle: \(scratch["token.crt"])}}"
    }

    /// For the one account there is.
    func token(scope: String, service: String = "the-registry") throws -> String {
        let answer = try Command.shell(
            "curl -sf -G -u user:s3cr3t-pass --data-urlencode service=\(service) --data-urlencode scope=\(scope) \(url)"
        )
        let object = try JSONSerialization.jsonObject(with: answer.output) as? [String: Any]
        return try #require(object?["token"] as? String)
    }
}
