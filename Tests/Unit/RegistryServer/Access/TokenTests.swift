import Foundation
import RegistryServer
import Testing

/// What tokens say, and what is answered.
struct TokenTests: TokenSuite {
    let workshop: TokenWorkshop
    let access: TokenAccess
    let log = LogRecord()

    init() throws {
        workshop = try TokenWorkshop.shared.get()
        access = try TokenAccess(Self.settings(workshop), logger: log.logger)
    }

    @Test(
        arguments: [
            ([], ""), (pull, #",scope="repository:a/b:pull""#), (push, #",scope="repository:a/b:pull,push""#),
            (mount, #",scope="repository:a/b:pull,push repository:other/repo:pull""#),
            (catalog, #",scope="registry:catalog:*""#),
        ])
    func challenges(_ items: [AccessItem], _ scope: String) async throws {
        for header in [nil, "", "Basic dXNlcjpwYXNz", "Bearer", "Bearer a b"] {
            let denied = await #expect(throws: AccessDenied.self) {
                try await access.authorize(header, for: items, origin: "https://here")
            }
            #expect(denied?.challenge == Self.challenge + scope)
        }
    }

    @Test func theRealmMayBeHere() async throws {
        var settings = Self.settings(workshop)
        settings.redirectsAutomatically = true
        settings.redirectPath = "/t"
        let access = try TokenAccess(settings, logger: log.logger)
        for (origin, realm) in [("https://reg:5000", "https://reg:5000/t"), (nil, "https://auth/token")] {
            let denied = await #expect(throws: AccessDenied.self) {
                try await access.authorize(nil, for: [], origin: origin)
            }
            #expect(denied?.challenge == #"Bearer realm="\#(realm)",service="reg""#)
        }
    }

    @Test func tokensOfTheTokenServer() async throws {
        let server = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "token-server").path
        // Its input ends with the pipe, and then it ends.
        let answer = try workshop.shell(
            """
            set -e
            mkfifo hold
            \(server) rsa.pem rsa.crt <hold >port & exec 3>hold
            until [ -s port ]; do sleep 0.05; done
            curl -sSf -u user:s3cr3t-pass "http://127.0.0.1:$(cat port)/?service=reg&scope=repository:a/b:pull,push"
            exec 3>&-; wait
            """)
        let token =
            try #require(
                try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any])["token"] as? String
        // The second time it is remembered.
        for _ in 0..<2 { #expect(try await allows(try #require(token)) == "user") }
    }

    @Test func claimsThatDoNotFit() async throws {
        let now = Int(Date().timeIntervalSince1970)
        let bad: [(String, String, String)] = [
            ("iss", #""other""#, "issuer"), ("iss", "", "issuer"), ("iss", "null", "issuer"), ("iss", "1", "form"),
            ("aud", #""other""#, "not for"), ("aud", "", "not for"), ("aud", "[]", "not for"),
            ("aud", #"["a","b"]"#, "not for"), ("aud", "{}", "form"), ("exp", "\(now - 61)", "expired"),
            ("exp", "", "expired"), ("exp", "-1e300", "expired"), ("exp", "1e999", "form"), ("exp", #""1""#, "form"),
            ("nbf", "\(now + 120)", "not valid yet"), ("access", "1", "form"), ("access", #"["x"]"#, "form"),
        ]
        for (name, value, reason) in bad {
            let token = try await workshop.token(
                ("rsa", "RS256"), header: try header("RS256", ["rsa"]), claims: Self.claims([name: value]))
            await expectInvalid(token, reason)
        }
        let good: [(String, String)] = [
            ("aud", #"["a","reg"]"#), ("exp", "\(now - 50)"), ("exp", "1e300"), ("nbf", ""), ("nbf", "\(now + 50)"),
            ("access", #"[{"type":"repository","name":"a/b","actions":["*"]}]"#),
            (
                "access",
                #"[{"type":"repository","name":"a/b","actions":["pull"]},{"type":"repository","name":"a/b","actions":["push"]}]"#
            ),
        ]
        for (name, value) in good {
            let token = try await workshop.token(
                ("rsa", "RS256"), header: try header("RS256", ["rsa"]), claims: Self.claims([name: value]))
            #expect(try await allows(token) == "user", "\(name) \(value)")
        }
    }

    @Test func rights() async throws {
        let token = try await workshop.token(
            ("rsa", "RS256"), header: try header("RS256", ["rsa"]), claims: Self.claims())
        for items in [[], Self.pull, Self.push] { #expect(try await allows(token, items) == "user") }
        let delete = [AccessItem(type: "repository", name: "a/b", action: "delete")]
        let wrongCase = [AccessItem(type: "repository", name: "A/b", action: "pull")]
        for (items, scope) in [
            (Self.mount, "repository:a/b:pull,push repository:other/repo:pull"), (delete, "repository:a/b:delete"),
            (Self.catalog, "registry:catalog:*"), (wrongCase, "repository:A/b:pull"),
        ] {
            let denied = await #expect(throws: AccessDenied.self) { try await allows(token, items) }
            #expect(denied?.challenge == Self.challenge + #",scope="\#(scope)",error="insufficient_scope""#)
        }
        for none in ["", "null", "[]", #"[{"type":"repository","name":"a/b","actions":null}]"#] {
            let token = try await workshop.token(
                ("rsa", "RS256"), header: try header("RS256", ["rsa"]),
                claims: Self.claims(["access": none, "sub": #""""#]))
            #expect(try await allows(token, []) == nil)
            let denied = await #expect(throws: AccessDenied.self) { try await allows(token, Self.pull) }
            #expect(denied?.challenge.hasSuffix(#",error="insufficient_scope""#) == true)
        }
    }

    @Test func garbage() async throws {
        let good = try await workshop.token(
            ("rsa", "RS256"), header: try header("RS256", ["rsa"]), claims: Self.claims())
        let deep = TokenWorkshop.encode(Data((String(repeating: "[", count: 10_000)).utf8))
        for token in [
            "x", ".", "..", "...", "a.b.c", good + ".", "." + good, good + "=.", good.replacing(".", with: "+."),
            String(good.dropLast(400)), "é.é.é", "\(deep).\(deep).AAAA", String(repeating: "A", count: 70_000),
            String(good.split(separator: ".").dropLast().joined(separator: ".")) + ".",
        ] { await expectInvalid(token) }
        #expect(try await allows(good) == "user")
    }

    @Test func configurationsThatCannotBe() throws {
        try Data("nothing".utf8).write(to: URL(filePath: workshop["empty"]))
        func expectRefused(_ words: String, _ change: (inout ServerConfiguration.Token) -> Void) {
            var settings = Self.settings(workshop)
            change(&settings)
            let error = #expect(throws: (any Error).self) { try TokenAccess(settings, logger: log.logger) }
            #expect("\(error.map { "\($0)" } ?? "")".contains(words))
        }
        expectRefused("rootcertbundle") { $0.rootCertificates = nil }
        expectRefused("missing") { $0.rootCertificates = "/nowhere/bundle" }
        expectRefused("BEGIN CERTIFICATE") { $0.rootCertificates = workshop["empty"] }
        expectRefused("jwks") { $0.keySet = "/nowhere/set" }
        expectRefused("set.none") { $0.keySet = workshop["set.none"] }
        expectRefused("issuer") { $0.issuer = "" }
        expectRefused("service") { $0.service = "" }
        expectRefused("realm") { $0.realm = "" }
        expectRefused("'RS257' is none of ES256") { $0.signingAlgorithms = ["RS257"] }
        expectRefused("none of") { $0.signingAlgorithms = ["HS256"] }
        #expect(log.messages.contains { $0.contains("HS256") })
    }
}
