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

extension Scratch {
    /// `NAME.key` and `NAME.crt`, for this machine.
    ///
    /// - Parameter host: another name that it is for.
    func makeCertificate(_ name: String, alsoFor host: String? = nil) throws {
        let made = try Command.shell(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout \(name).key -out \(name).crt -days 2 -subj /CN=localhost "
                + "-addext subjectAltName=DNS:localhost,IP:127.0.0.1\(host.map { ",DNS:\($0)" } ?? "")", in: path)
        try #require(made.status == 0, "\(made.errors)")
    }
}
