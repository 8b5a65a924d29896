import Foundation
import Testing

/// Files that are read again while the registry runs, and the signal that asks for it.
struct ReloadTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func server(_ top: String = "", _ http: String = "") throws -> Server {
        try Server(.init(http: http, top: top), in: scratch)
    }

    private func tlsServer(_ more: String = "") throws -> Server {
        try server("", "tls: {certificate: \(scratch["used.crt"]), key: \(scratch["used.key"])\(more)}")
    }

    /// Makes a pair of its own, and puts it where the server reads it.
    private func use(_ name: String, without parts: Set<String> = []) throws {
        if !FileManager.default.fileExists(atPath: scratch["\(name).crt"]) { try scratch.makeCertificate(name) }
        for part in ["crt", "key"] where !parts.contains(part) {
            // As certbot and Kubernetes do it: another file takes the place of the one that was there.
            try Command.shell("cp \(name).\(part) next && mv next used.\(part)", in: scratch.path)
        }
    }

    /// The fingerprint of the certificate that a new connection gets; empty without one.
    private func fingerprint(of server: Server) throws -> String {
        try Command.shell(
            "openssl s_client -connect \(server.address) </dev/null 2>/dev/null | openssl x509 -noout -fingerprint 2>&1"
        ).text
    }

    private func fingerprint(of name: String) throws -> String {
        try Command.shell("openssl x509 -noout -fingerprint -in \(scratch["\(name).crt"])").text
    }

    @Test(arguments: [false, true]) func aNewCertificateIsUsed(_ hangsUp: Bool) throws {
        try use("first")
        let server = try tlsServer()
        #expect(try fingerprint(of: server) == fingerprint(of: "first"))
        for name in ["second", "third"] {
            try use(name)
            if hangsUp { server.hangUp() }
            try eventually("\(name) is not used") { try fingerprint(of: server) == fingerprint(of: name) }
        }
        #expect(server.log.contains("\(scratch["used.crt"]): the certificate was read again"), "\(server.log)")
        #expect(server.stop() == 0)
    }

    /// A connection keeps what it was opened with.
    @Test func openConnectionsGoOn() throws {
        try use("first")
        let server = try tlsServer()
        let connection = try Command.shell(
            """
            mkfifo in && exec 3<>in
            openssl s_client -quiet -no_ign_eof -connect \(server.address) < in > out 2>/dev/null &
            printf 'GET /v2/ HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' >&3
            until grep -q '{}' out; do sleep 0.02; done
            cp first.crt kept.crt
            openssl req -x509 -newkey rsa:2048 -nodes -keyout n.key -out n.crt -days 2 -subj /CN=new 2>/dev/null
            mv n.key used.key; mv n.crt used.crt
            until openssl s_client -connect \(server.address) </dev/null 2>/dev/null | grep -q 'CN = new'; do sleep 0.02; done
            printf 'GET /v2/nope/tags/list HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' >&3
            until grep -q NAME_UNKNOWN out; do sleep 0.02; done
            """, in: scratch.path)
        #expect(connection.status == 0, "\(connection.errors)")
    }

    static let broken: [(String, @Sendable (Scratch) throws -> Void)] = [
        ("empty", { try $0.write("", to: "used.crt") }),
        ("cut off", { try Command.shell("head -c 300 used.crt > next && mv next used.crt", in: $0.path) }),
        (
            "nonsense",
            { try $0.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", to: "used.crt") }
        ),
        ("the key of another", { try Command.shell("mv other.key used.key", in: $0.path) }),
        ("no key", { try Command.shell("rm used.key", in: $0.path) }),
        ("no certificate", { try Command.shell("rm used.crt", in: $0.path) }),
    ]

    @Test(arguments: broken.indices) func aBrokenCertificateLeavesTheOldOne(_ index: Int) throws {
        let (name, damage) = Self.broken[index]
        try use("first")
        try scratch.makeCertificate("other")
        let server = try tlsServer()
        try damage(scratch)
        if index % 2 == 0 { server.hangUp() }
        try eventually("\(name): nothing is logged; \(server.log)") {
            server.log.contains("the previous certificate stays in use")
        }
        #expect(server.log.contains("level=error msg=\"\(scratch["used."])"), "\(name): \(server.log)")
        #expect(try fingerprint(of: server) == fingerprint(of: "first"), "\(name)")
        try use("second")
        try eventually("\(name): the next one is not used") {
            try fingerprint(of: server) == fingerprint(of: "second")
        }
        #expect(server.log.split(separator: "\n").filter { $0.contains("stays in use") }.count < 4, "\(server.log)")
    }

    @Test func newClientAuthoritiesCount() throws {
        try use("first")
        for name in ["one", "two"] { try scratch.makeCertificate(name) }
        try Command.shell("cp one.crt ca.crt", in: scratch.path)
        let server = try tlsServer(", clientcas: [\(scratch["ca.crt"])]")
        func isTaken(_ name: String) throws -> Bool {
            let options = "--cert \(scratch["\(name).crt"]) --key \(scratch["\(name).key"])"
            return try Command.shell("curl -sk \(options) https://\(server.address)/v2/").text == "{}"
        }
        #expect(try isTaken("one") && !isTaken("two"))
        try Command.shell("cp two.crt next && mv next ca.crt", in: scratch.path)
        try eventually("the new authority does not count") { try isTaken("two") && !isTaken("one") }
    }

    private func basic(_ account: String) -> [(String, String)] {
        [("Authorization", "Basic \(Data(account.utf8).base64EncodedString())")]
    }

    @Test func thePasswordFileIsReadAgain() throws {
        let file = scratch["htpasswd"]
        try Command.shell("htpasswd -cBb -C 4 \(file) one secret")
        let server = try server("auth: {htpasswd: {realm: r, path: \(file)}}")
        func status(_ account: String) throws -> Int { try server.get("/v2/", basic(account)).status }
        #expect(try status("one:secret") == 200 && status("two:secret") == 401)
        try Command.shell("htpasswd -Bb -C 4 \(file) two secret")
        #expect(try status("two:secret") == 200)
        try Command.shell("sed 's/^two/tow/' \(file) > next && mv next \(file)", in: scratch.path)
        server.hangUp()
        try eventually("the new user is not known") { try status("tow:secret") == 200 }
        #expect(try status("two:secret") == 401)
        #expect(server.isRunning)
    }

    @Test func hangUpsNeverEndIt() throws {
        let server = try Server.withHello(in: scratch)
        for count in 1...20 {
            server.hangUp()
            #expect(try server.get("/v2/").status == 200)
            if count % 10 == 0 {
                try eventually("nothing is logged") { server.log.contains("restart to apply changes of config.yml") }
            }
        }
        #expect(server.isRunning && server.stop() == 0)
    }

    @Test func hangUpsNeverEndOneThatServesReferences() throws {
        let archive = try Samples.archive(scratch, mebibytes: 1)
        let server = try Server(serving: [archive], in: scratch)
        for _ in 0..<3 {
            server.hangUp()
            #expect(try server.get("/v2/sample/app/manifests/1.0").status == 200)
        }
        try eventually("nothing is logged") { server.log.contains("reload: ") }
        #expect(server.isRunning && server.stop() == 0)
    }

    /// A hang-up is none of the two signals that end a registry: after the first one, requests under way may end.
    @Test func hangUpsDoNotEndOneThatIsStopping() throws {
        let server = try server("", "draintimeout: 60s")
        let location = try server.startUpload(in: "a")
        let conversation = try HTTPConversation(server.address)
        try conversation.send(
            conversation.head("PATCH", location, [("Content-Length", "4")], body: .none) + [1, 2])
        try eventually("the upload has not begun") {
            server.files(below: "repositories/a/_uploads").contains {
                $0.hasSuffix("data") && server.file("repositories/a/_uploads/\($0)") == [1, 2]
            }
        }
        server.terminate()
        try eventually("it does not stop") { server.log.contains("stopping") }
        server.hangUp()
        server.hangUp()
        try conversation.send([3, 4])
        #expect(try conversation.response(to: "PATCH").status == 202)
        #expect(server.waitUntilExit() == 0)
    }

    /// A terminal that goes away: nobody reads the output, and its programs are hung up.
    @Test func itOutlivesItsTerminal() throws {
        let port = try Registry.freePort()
        try scratch.write(
            """
            version: 0.1
            storage: {filesystem: {rootdirectory: \(scratch["root"])}}
            http: {addr: '127.0.0.1:\(port)'}
            """, to: "c.yml")
        // script(1) gives it a terminal, and takes it away when it is ended itself.
        let result = try Command.shell(
            """
            script -qfc "echo \\$\\$ > pid; exec $DRAY serve c.yml" typed >/dev/null 2>&1 </dev/zero &
            terminal=$!
            curl -s -o /dev/null --retry 300 --retry-connrefused --retry-delay 0 --retry-max-time 30 http://127.0.0.1:\(port)/v2/
            kill -9 $terminal; wait $terminal
            for _ in $(seq 20); do curl -sf http://127.0.0.1:\(port)/v2/ || exit 1; done
            kill -TERM $(cat pid)
            while kill -0 $(cat pid) 2>/dev/null; do sleep 0.02; done
            """, in: scratch.path)
        #expect(result.status == 0 && result.text == String(repeating: "{}", count: 20), "\(result.errors)")
    }
}
