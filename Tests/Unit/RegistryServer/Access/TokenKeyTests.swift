import Foundation
import RegistryServer
import Testing

/// Who signed a token.
struct TokenKeyTests: TokenSuite {
    let workshop: TokenWorkshop
    let access: TokenAccess
    let log = LogRecord()

    init() throws {
        workshop = try TokenWorkshop.shared.get()
        access = try TokenAccess(Self.settings(workshop), logger: log.logger)
    }

    @Test(
        arguments: [
            ("rsa", "RS256"), ("rsa", "RS384"), ("rsa", "RS512"), ("rsa", "PS256"), ("rsa", "PS384"), ("rsa", "PS512"),
            ("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512"), ("ed25519", "EdDSA"), ("rsa2", "RS256"),
        ])
    func algorithms(_ key: String, _ algorithm: String) async throws {
        let token = try await workshop.token(
            (key, algorithm), header: try header(algorithm, [key]), claims: Self.claims())
        #expect(try await allows(token) == "user")
        let changed = token.dropLast(8) + (token.hasSuffix("AAAAAAAA") ? "BBBBBBBB" : "AAAAAAAA")
        await expectInvalid(String(changed), "signature")
    }

    @Test func algorithmsThatDoNotFit() async throws {
        func expectInvalid(_ signed: (String, String)?, _ header: String, _ reason: String) async throws {
            await self.expectInvalid(
                try await workshop.token(signed, header: header, claims: Self.claims()), reason)
        }
        for none in ["none", "None", "NONE", ""] {
            try await expectInvalid(nil, try header(none, ["rsa"]), "three parts")
            try await expectInvalid(("rsa", "RS256"), try header(none, ["rsa"]), "algorithm")
        }
        for hash in ["HS256", "HS384", "HS512"] {
            try await expectInvalid(("rsa", hash), try header(hash, ["rsa"]), "algorithm")
        }
        try await expectInvalid(("rsa", "HS256"), try header("RS256", ["rsa"]), "signature")
        try await expectInvalid(("rsa", "RS256"), try header("ES256", ["rsa"]), "signature")
        try await expectInvalid(("p256", "ES256"), try header("RS256", ["p256"]), "signature")
        try await expectInvalid(("p384", "ES384"), try header("ES256", ["p384"]), "signature")
        try await expectInvalid(("rsa", "RS256"), try header("PS256", ["rsa"]), "signature")
        try await expectInvalid(("rsa", "RS256"), try header("RS512", ["rsa"]), "signature")
        try await expectInvalid(("rsa", "RS256"), try header("RS256", ["rsa"], #","crit":["exp"]"#), "critical")
        try await expectInvalid(("rsa", "RS256"), try header("RS256", ["rsa"], #","crit":[]"#), "critical")
        try await expectInvalid(
            ("rsa", "RS256"), try header("RS256", ["rsa"]).replacing(#""JWT""#, with: #""JWE""#), "type")
        try await expectInvalid(("rsa", "RS256"), "{}", "form")
        try await expectInvalid(("rsa", "RS256"), #"{"typ":1e400,"alg":"RS256"}"#, "form")
    }

    @Test func algorithmsCanBeFewer() async throws {
        var settings = Self.settings(workshop)
        settings.signingAlgorithms = ["ES256"]
        let access = try TokenAccess(settings, logger: log.logger)
        for (key, algorithm) in [("p256", "ES256"), ("rsa", "RS256")] {
            let token = try await workshop.token(
                (key, algorithm), header: try header(algorithm, [key]), claims: Self.claims())
            if key == "p256" {
                #expect(try await allows(token, by: access) == "user")
            } else {
                await expectInvalid(token, by: access, "algorithm")
            }
        }
    }

    @Test func chains() async throws {
        func token(_ chain: [String], key: String = "leaf") async throws -> String {
            try await workshop.token((key, "ES256"), header: try header("ES256", chain), claims: Self.claims())
        }
        for chain in [["leaf", "inner"], ["leaf", "inner", "rsa"], ["leaf", "p256", "inner"]] {
            #expect(try await allows(try await token(chain)) == "user")
        }
        await expectInvalid(try await token(["leaf"]), "rootcertbundle")
        await expectInvalid(try await token(["leaf", "stranger"]), "rootcertbundle")
        await expectInvalid(try await token(["leaf", "inner"], key: "p256"), "signature")
        await expectInvalid(try await token(["inner", "leaf"]), "signature")
        await expectInvalid(try await token(["leaf", "inner", "inner"]), "several certificates")
        await expectInvalid(try await token(["old"], key: "old"), "rootcertbundle")
        await expectInvalid(try await token(["expired"], key: "expired"), "not valid now")
        await expectInvalid(try await token(["leaf-of-one", "one"]), "version 1")
        await expectInvalid(
            try await token(["leaf", "inner", "rsa", "p256", "p384", "p521"]), "too many certificates")
        await expectInvalid(
            try await workshop.token(
                ("stranger", "RS256"), header: try header("RS256", ["stranger"]), claims: Self.claims()),
            "rootcertbundle")
        let text = #"{"typ":"JWT","alg":"RS256","x5c":["AAAA"]}"#
        await expectInvalid(
            try await workshop.token(("rsa", "RS256"), header: text, claims: Self.claims()), "not a certificate")
    }

    @Test(arguments: ["rsa", "p384"])
    func keysByName(_ key: String) async throws {
        let algorithm = key == "rsa" ? "RS256" : "ES384"
        // As docker/libtrust does it.
        let libtrust = try workshop.shell(
            "openssl pkey -pubin -in \(key).pub -outform DER | openssl dgst -sha256 -binary | head -c 30 | base32 -w 0 "
                + "| sed 's/..../&:/g; s/:$//'")
        #expect(libtrust.count == 59)
        func token(_ more: String, by key: String) async throws -> String {
            try await workshop.token(
                (key, algorithm), header: #"{"typ":"JWT","alg":"\#(algorithm)",\#(more)}"#, claims: Self.claims())
        }
        #expect(try await allows(try await token(#""kid":"\#(libtrust)""#, by: key)) == "user")
        let jwk = try Self.jwk(workshop, key)
        let thumbprint = TokenWorkshop.encode(
            Data(base64Encoded: try workshop.shell("printf %s '\(jwk)' | openssl dgst -sha256 -binary | base64"))!)
        #expect(try await allows(try await token(#""kid":"\#(thumbprint)""#, by: key)) == "user")
        #expect(try await allows(try await token(#""jwk":\#(jwk)"#, by: key)) == "user")
        #expect(
            try await allows(try await token(#""jwk":\#(jwk),"kid":"whatever","x":[1e300,null]"#, by: key)) == "user")
        await expectInvalid(try await token(#""kid":"unknown""#, by: key), "kid")
        await expectInvalid(try await token(#""x":1"#, by: key), "which key")
        guard key == "rsa" else { return }
        // CVE-2025-24976: the name of a trusted key, and another key.
        let other = try Self.jwk(workshop, "stranger")
        let named = other.replacing("{", with: #"{"kid":"\#(thumbprint)","#)
        await expectInvalid(try await token(#""jwk":\#(named)"#, by: "stranger"), "jwk")
        await expectInvalid(try await token(#""kid":"\#(libtrust)""#, by: "stranger"), "signature")
        await expectInvalid(try await token(#""jwk":{"kty":"oct","k":"AAAA"}"#, by: key), "jwk")
        // A key with its own certificate, and with another's.
        let certificate = try workshop.certificate("rsa")
        let mixed = other.replacing("{", with: #"{"x5c":["\#(certificate)"],"#)
        await expectInvalid(try await token(#""jwk":\#(mixed)"#, by: "stranger"), "jwk")
    }

    /// In the form of RFC 7638.
    static func jwk(_ workshop: TokenWorkshop, _ key: String) throws -> String {
        try workshop.shell(
            """
            python3 - <<'END'
            import base64, subprocess
            e = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
            der = subprocess.run(["openssl", "pkey", "-pubin", "-in", "\(key).pub", "-outform", "DER"], capture_output=True).stdout
            if "\(key)".startswith("p"):
                half = {"p256": 32, "p384": 48}["\(key)"]
                print('{"crv":"P-%d","kty":"EC","x":"%s","y":"%s"}' % (half * 8, e(der[-2 * half:-half]), e(der[-half:])))
            else:
                n = subprocess.run(["openssl", "rsa", "-pubin", "-in", "\(key).pub", "-modulus", "-noout"], capture_output=True).stdout
                print('{"e":"AQAB","kty":"RSA","n":"%s"}' % e(bytes.fromhex(n.decode().strip().split("=")[1])))
            END
            """)
    }

    @Test func keySets() async throws {
        let rsa = try Self.jwk(workshop, "rsa").replacing("{", with: #"{"kid":"one","alg":"RS256","use":"sig","#)
        let ec = try Self.jwk(workshop, "p256").replacing("{", with: #"{"kid":"two","#)
        let set = #"{"keys":[\#(rsa),{"kty":"oct","k":"AAAA","kid":"secret"},\#(ec),{"kty":"RSA","use":"enc"},7]}"#
        try Data(set.utf8).write(to: URL(filePath: workshop["set.json"]))
        var settings = Self.settings(workshop)
        settings.rootCertificates = nil
        settings.keySet = workshop["set.json"]
        let access = try TokenAccess(settings, logger: log.logger)
        let problems = log.messages.filter { $0.hasPrefix(workshop["set.json"]) }
        #expect(problems.map { $0.split(separator: " ")[2] } == ["2", "5"])
        func token(_ key: String, _ algorithm: String, _ kid: String, _ more: String = "") async throws -> String {
            try await workshop.token(
                (key, algorithm), header: #"{"typ":"JWT","alg":"\#(algorithm)","kid":"\#(kid)"\#(more)}"#,
                claims: Self.claims())
        }
        #expect(try await allows(try await token("p256", "ES256", "two"), by: access) == "user")
        let chain = #","x5c":["\#(try workshop.certificate("stranger"))"]"#
        for more in ["", chain] {
            #expect(try await allows(try await token("rsa", "RS256", "one", more), by: access) == "user")
        }
        await expectInvalid(try await token("rsa", "PS256", "one"), by: access, "signature")
        await expectInvalid(try await token("stranger", "RS256", "one", chain), by: access, "signature")
        await expectInvalid(try await token("rsa", "HS256", "secret"), by: access, "algorithm")
    }
}
