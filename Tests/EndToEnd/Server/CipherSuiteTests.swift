import Foundation
import Testing

/// `http.tls`: what is spoken with clients, and what is not.
struct CipherSuiteTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.makeCertificate("server")
    }

    private func server(_ settings: String) throws -> Server {
        try Server(
            .init(http: "tls: {certificate: \(scratch["server.crt"]), key: \(scratch["server.key"]), \(settings)}"),
            in: scratch)
    }

    /// Protocol and suite that come about; nil if none do.
    private func handshake(_ server: Server, _ options: String) throws -> String? {
        let result = try Command.shell(
            "openssl s_client -connect \(server.address) -CAfile \(scratch["server.crt"]) \(options) </dev/null 2>&1")
        let found = result.text.firstMatch(of: /New, (TLSv[0-9.]+), Cipher is ([A-Z0-9_-]+)/)
        return found.map { "\($0.1) \($0.2)" }
    }

    @Test func theChosenSuiteIsTheOnlyOne() throws {
        let server = try server("ciphersuites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]")
        #expect(try handshake(server, "-tls1_2") == "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384")
        #expect(
            try handshake(server, "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384")
                == "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384")
        for other in ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305", "AES256-GCM-SHA384"] {
            #expect(try handshake(server, "-tls1_2 -cipher \(other)") == nil, "\(other)")
        }
        // Of TLS 1.3 there is nothing to choose.
        #expect(try handshake(server, "-tls1_3")?.hasPrefix("TLSv1.3 TLS_") == true)
    }

    @Test func suitesOfTLS13AloneLeaveNoOlderOne() throws {
        let server = try server("ciphersuites: [TLS_AES_128_GCM_SHA256]")
        #expect(try handshake(server, "-tls1_3") != nil)
        #expect(try handshake(server, "-tls1_2") == nil)
    }

    @Test(arguments: [("tls1.3", [false, true]), ("tls1.2", [true, true])])
    func theMinimumHolds(_ minimum: String, _ expected: [Bool]) throws {
        let server = try server("minimumtls: \(minimum)")
        let found = try ["-tls1_2", "-tls1_3"].map { try handshake(server, $0) != nil }
        #expect(found == expected)
        #expect(try handshake(server, "-tls1_1 -cipher ALL:@SECLEVEL=0") == nil)
    }

    @Test func anUnknownSuiteEndsTheStart() throws {
        let failure = try #require(throws: Server.DidNotStart.self) {
            _ = try server("ciphersuites: [TLS_RSA_WITH_RC4_128_SHA]")
        }
        #expect(
            failure.description.contains("http.tls.ciphersuites: 'TLS_RSA_WITH_RC4_128_SHA' is no cipher suite")
                && failure.description.contains(/config-[^:]+\.yml:4/)
                && failure.description.contains("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            "\(failure)")
    }
}
