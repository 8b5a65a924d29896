import Foundation
import RegistryServer
import Testing

final class HtpasswdTests {
    /// Made by `htpasswd -Bbn -C 5`, `-mbn`, `-sbn`, `-pbn` and `openssl passwd -6`.
    static let file = """
        # users
        alice:$2y$05$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX.

        bob:$2y$05$mf5X87aJ.P7roaDN7eDqDe29z5zUYJnjXhlfuD.7JMKvgw7R.bzCW\r
        md5:$apr1$m7nWTWaH$AZ4idwdIzp/ADCB8r4uDU1
        sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
        plain:secret
        six:$6$tpNtyYQ8LWLKzQJE$V/VsC9T.RQqwlQdwrRqKFxL0EvnE1mxlishfTXPb7H.4ml859ZZljEvbfTB7gbW0R27/8qkCKcYCnXh00oVR2.
        no hash at all
          spaced:$2b$05$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX.\t
        """
    /// alice's, with the password `changed`.
    static let changed = "alice:$2y$05$7iS9ShNtV/gB5NzkqqVXiOqpseDX.3Apsag2NXgIi0vEW1Ecquaqm\n"
    static let challenge = #"Basic realm="basic-realm""#

    let path = FileManager.default.temporaryDirectory.appending(path: "dray-\(UUID().uuidString)/users").path
    let log = LogRecord()

    deinit { try? FileManager.default.removeItem(at: URL(filePath: path).deletingLastPathComponent()) }

    func access(_ content: String = file) throws -> HtpasswdAccess {
        try FileManager.default.createDirectory(
            atPath: URL(filePath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try Data(content.utf8).write(to: URL(filePath: path))
        return try HtpasswdAccess(realm: "basic-realm", path: path, logger: log.logger)
    }

    func basic(_ user: String, _ password: String) -> String {
        "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }

    func user(_ access: HtpasswdAccess, _ header: String?) async throws -> String? {
        try await access.authorize(header, for: [], origin: nil)
    }

    func expectDenied(
        _ access: HtpasswdAccess, _ header: String?, sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        let denied = await #expect(throws: AccessDenied.self, sourceLocation: sourceLocation) {
            try await user(access, header)
        }
        #expect(denied?.challenge == Self.challenge, sourceLocation: sourceLocation)
        #expect(denied?.reason.contains("secret") != true, sourceLocation: sourceLocation)
    }

    @Test(arguments: [("alice", "secret"), ("bob", "pä:ss wörd"), ("spaced", "secret")])
    func rightPasswords(_ name: String, _ password: String) async throws {
        let access = try access()
        // The second time it is remembered.
        for _ in 0..<2 { #expect(try await user(access, basic(name, password)) == name) }
        #expect(try await user(access, basic(name, password).replacing("Basic ", with: "bAsIC  ")) == name)
    }

    @Test(
        arguments: [
            ("alice", "wrong"), ("alice", ""), ("alice", "secret\0x"), ("alice", "secret "), ("Alice", "secret"),
            ("nobody", "secret"), ("md5", "secret"), ("sha", "secret"), ("plain", "secret"), ("six", "secret"),
            ("# users", ""), ("no hash at all", ""), ("", "secret"), ("alice", String(repeating: "x", count: 600)),
        ])
    func wrongPasswords(_ name: String, _ password: String) async throws {
        let access = try access()
        for _ in 0..<2 { await expectDenied(access, basic(name, password)) }
    }

    @Test(
        arguments: [
            nil, "", "Basic", "Basic ", "Basic !!!", "Basic YWxpY2U=", "Bearer YWxpY2U6c2VjcmV0", "YWxpY2U6c2VjcmV0",
            "Basic YWxpY2U6c2VjcmV0 x", "Basic " + String(repeating: "QUFB", count: 4096),
        ] as [String?])
    func headersThatAreNone(_ header: String?) async throws {
        await expectDenied(try access(), header)
    }

    @Test func brokenLinesAreNamedOnce() async throws {
        let access = try access()
        for _ in 0..<2 { _ = try await user(access, basic("alice", "secret")) }
        let warnings = log.messages.filter { $0.contains("line ") }
        #expect(warnings.map { $0.split(separator: "line ")[1].split(separator: " ")[0] } == ["5", "6", "7", "8", "9"])
        #expect(!warnings.contains { $0.contains("secret") || $0.contains("plain") || $0.contains("hash at") })
    }

    @Test func changesCountAtOnce() async throws {
        let access = try access()
        #expect(try await user(access, basic("alice", "secret")) == "alice")
        // In place, and of another size.
        try Data(Self.changed.utf8).write(to: URL(filePath: path))
        #expect(try await user(access, basic("alice", "changed")) == "alice")
        await expectDenied(access, basic("alice", "secret"))
        await expectDenied(access, basic("bob", "pä:ss wörd"))
        // Of the same size, within one tick of the clock.
        try Data(Self.changed.replacing("alice", with: "carol").utf8).write(to: URL(filePath: path))
        await expectDenied(access, basic("alice", "changed"))
        #expect(try await user(access, basic("carol", "changed")) == "carol")
        // Gone: not the client's fault, and nobody gets in.
        try FileManager.default.removeItem(atPath: path)
        let error = await #expect(throws: (any Error).self) { try await user(access, basic("carol", "changed")) }
        #expect(!(error is AccessDenied))
    }

    @Test func manyAtOnce() async throws {
        let access = try access()
        try await withThrowingTaskGroup { group in
            for number in 0..<40 {
                let good = number % 2 == 0
                let header = basic("alice", good ? "secret" : "wrong")
                group.addTask {
                    (try? await access.authorize(header, for: [], origin: nil) == "alice") == good || !good
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }

    /// The costs of users, and that of somebody whom the file does not name.
    @Test(arguments: [([5, 17, 5, 10, 5], 5), ([12, 12, 4], 12), ([11, 6], 11), ([], 10)] as [([Int], Int)])
    func strangersCostAsMuchAsMostUsers(_ costs: [Int], _ expected: Int) throws {
        let hash = Self.changed.dropFirst("alice:$2y$05".count)
        let lines = costs.enumerated().map { "u\($0):$2y$\($1 < 10 ? "0" : "")\($1)\(hash)" }
        let file = try HtpasswdFile(Array(lines.joined().utf8))
        let (stranger, isKnown) = file.hash(of: Array("nobody".utf8))
        #expect(stranger.cost == expected && !isKnown)
        for (number, cost) in costs.enumerated() { #expect(file.hash(of: Array("u\(number)".utf8)).hash.cost == cost) }
    }

    @Test func missingFileIsMade() async throws {
        let access = try HtpasswdAccess(realm: "r", path: path, logger: log.logger)
        let secret = path + ".initial-password"
        let password = try String(contentsOfFile: secret, encoding: .utf8).trimmingCharacters(in: .newlines)
        #expect(password.count == 32)
        #expect(try await user(access, basic("docker", password)) == "docker")
        for file in [path, secret] {
            #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        }
        #expect(log.messages.contains { $0.contains(secret) } && !log.messages.contains { $0.contains(password) })
        #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("docker:$2y$10$"))
        // The password's file alone is not taken for a reason to make another.
        try FileManager.default.removeItem(atPath: path)
        #expect(throws: (any Error).self) { try HtpasswdAccess(realm: "r", path: path, logger: log.logger) }
    }

    @Test func limits() throws {
        let line = Self.changed.dropFirst(5)
        let users = (0..<HtpasswdFile.userLimit).map { "u\($0)\(line)" }.joined()
        #expect(try HtpasswdFile(Array(users.utf8)).problems.isEmpty)
        #expect(throws: (any Error).self) { try HtpasswdFile(Array((users + Self.changed).utf8)) }
        #expect(throws: (any Error).self) {
            try HtpasswdFile([UInt8](repeating: 10, count: HtpasswdFile.sizeLimit + 1))
        }
    }

    @Test(
        arguments: [
            ("$2y$05$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX.", true),
            ("$2a$05$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX.", true),
            ("$2x$05$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX.", false),
            ("$2$05$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX.", false),
            ("$2y$31$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX.", false),
            ("$2y$03$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX.", false),
            ("$2y$+5$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX.", false),
            ("$2y$05$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX", false),
            ("$2y$05$jSwC5WsE/WkXjvVug4Q6YuksH6PdWPy1YLgUyuh8Vc8UlSdFjyFX:", false),
            ("", false),
        ])
    func hashes(_ text: String, _ isGood: Bool) {
        #expect((BcryptHash(text.utf8) != nil) == isGood)
    }
}
