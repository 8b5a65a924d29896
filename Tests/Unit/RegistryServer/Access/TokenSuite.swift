import Foundation
import RegistryServer
import Testing

/// What the tests of tokens have in common.
protocol TokenSuite {
    var workshop: TokenWorkshop { get }
    var access: TokenAccess { get }
}

extension TokenSuite {
    static func settings(_ workshop: TokenWorkshop) -> ServerConfiguration.Token {
        var settings = ServerConfiguration.Token(realm: "https://auth/token", service: "reg", issuer: "dray-tests")
        settings.rootCertificates = workshop["bundle"]
        return settings
    }

    static var challenge: String { #"Bearer realm="https://auth/token",service="reg""# }
    static var pull: [AccessItem] { [AccessItem(type: "repository", name: "a/b", action: "pull")] }
    static var push: [AccessItem] { pull + [AccessItem(type: "repository", name: "a/b", action: "push")] }
    static var mount: [AccessItem] { push + [AccessItem(type: "repository", name: "other/repo", action: "pull")] }
    static var catalog: [AccessItem] { [AccessItem(type: "registry", name: "catalog", action: "*")] }

    /// - Parameter changes: JSON by name; empty for what is to be missing.
    static func claims(_ changes: [String: String] = [:]) -> String {
        let now = Int(Date().timeIntervalSince1970)
        let all = [
            "iss": #""dray-tests""#, "sub": #""user""#, "aud": #""reg""#, "exp": "\(now + 300)", "nbf": "\(now - 10)",
            "iat": "\(now)", "jti": #""1""#,
            "access": #"[{"type":"repository","name":"a/b","actions":["pull","push"]}]"#,
        ].merging(changes) { $1 }
        return "{" + all.filter { !$0.value.isEmpty }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    func header(_ algorithm: String, _ chain: [String], _ more: String = "") throws -> String {
        let chain = try chain.map { "\"\(try workshop.certificate($0))\"" }.joined(separator: ",")
        return #"{"typ":"JWT","alg":"\#(algorithm)","x5c":[\#(chain)]\#(more)}"#
    }

    func allows(_ token: String, _ items: [AccessItem] = push, by access: TokenAccess? = nil) async throws -> String? {
        try await (access ?? self.access).authorize("Bearer \(token)", for: items, origin: nil)
    }

    func expectInvalid(
        _ token: String, by access: TokenAccess? = nil, _ reason: String = "the token",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        let denied = await #expect(throws: AccessDenied.self, sourceLocation: sourceLocation) {
            try await allows(token, by: access)
        }
        #expect(
            denied?.challenge == Self.challenge + #",scope="repository:a/b:pull,push",error="invalid_token""#,
            sourceLocation: sourceLocation)
        #expect(denied?.reason.contains(reason) == true, "\(denied?.reason ?? "")", sourceLocation: sourceLocation)
    }
}
