import Foundation
import Testing

/// Accounts: where they come from, which one is used, and how tokens are got for them.
struct RegistryAccountTests {
    private let scratch: Scratch
    private let archive: String

    init() throws {
        scratch = try Scratch()
        archive = try Samples.archive(scratch)
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
        try scratch.write("somebody:else\n", to: "wrong")
    }

    private func auth(_ entries: [String: String]) throws {
        let list = entries.map { "\"\($0)\":{\"auth\":\"\(Data($1.utf8).base64EncodedString())\"}" }
        try scratch.write("{\"auths\":{\(list.joined(separator: ","))}}", to: "auth.json")
    }

    @Test(arguments: ["token-empty", "token-text", "token-redirect", "token-post"])
    func tokensComeInManyWays(_ fault: String) throws {
        let registry = try ScriptedRegistry(["token", fault], scratch: scratch)
        let result = try Command.dray(
            "copy", "--retry-times", "0", "--creds", scratch["creds"], archive, "docker://\(registry.address)/app:1")
        #expect(result.status == 0, "\(result.errors)")
        if fault == "token-post" {
            #expect(
                try registry.requests.contains {
                    $0.body?.contains("grant_type=password&username=user&password=s3cr3t-pass") == true
                })
        }
        if fault == "token-redirect" {
            let other = try registry.requests.filter { $0.path.hasPrefix("/token2") }
            #expect(!other.isEmpty && other.allSatisfy { $0.authorization == nil })
        }
    }

    /// A refresh token belongs to the account that it was given to.
    @Test func refreshTokensAreNotShared() throws {
        let registry = try ScriptedRegistry(["token", "refresh"], scratch: scratch)
        try auth(["\(registry.address)/a": "alice:pa", "\(registry.address)/b": "bob:pb"])
        let host = "docker://\(registry.address)"
        let result = try Command.shell(
            "export REGISTRY_AUTH_FILE=\(scratch["auth.json"]); $DRAY copy \(archive) \(host)/a/x:1 && "
                + "$DRAY copy \(host)/a/x:1 \(host)/b/x:1")
        #expect(result.status == 0, "\(result.errors)")
        let tokens = try registry.requests.filter { $0.path.hasPrefix("/token") }
        let posts = tokens.compactMap(\.body).filter { !$0.isEmpty }
        #expect(posts.contains { $0.contains("refresh-of-alice") })
        for post in posts where post.contains("repository%3Ab%2Fx%3Apull%2Cpush") {
            #expect(!post.contains("refresh-of-alice"), "\(post)")
        }
    }

    @Test func refreshTokensThatExpireAreForgotten() throws {
        let registry = try ScriptedRegistry(["token", "refresh-refused"], scratch: scratch)
        let result = try Command.dray(
            "copy", "--retry-times", "0", "--creds", scratch["creds"], archive, "docker://\(registry.address)/app:1")
        #expect(result.status == 0, "\(result.errors)")
        #expect(try registry.requests.contains { $0.body?.contains("refresh_token=refresh-of-user") == true })
    }

    @Test func identityTokensArePosted() throws {
        let registry = try ScriptedRegistry(["token"], scratch: scratch)
        let user = Data("bob:".utf8).base64EncodedString()
        try scratch.write(
            #"{"auths":{"\#(registry.address)":{"auth":"\#(user)","identitytoken":"identity-of-bob"}}}"#,
            to: "docker/config.json")
        let result = try Command.shell(
            "DOCKER_CONFIG=\(scratch["docker"]) $DRAY copy \(archive) docker://\(registry.address)/app:1")
        #expect(result.status == 0, "\(result.errors)")
        #expect(
            try registry.requests.contains {
                $0.body?.contains("grant_type=refresh_token&refresh_token=identity-of-bob") == true
            })
    }

    @Test func eachSideHasItsAccount() throws {
        let source = try ScriptedRegistry(["basic"], scratch: scratch)
        let target = try ScriptedRegistry(["basic"], scratch: scratch)
        let (from, to) = ("docker://\(source.address)/app:1", "docker://\(target.address)/app:1")
        try Command.succeed("copy", "--creds", scratch["creds"], archive, from)
        let good = try Command.dray(
            "copy", "--src-creds", scratch["creds"], "--dest-creds", scratch["creds"], from, to)
        #expect(good.status == 0, "\(good.errors)")
        let bad = try Command.dray(
            "copy", "--src-creds", scratch["creds"], "--dest-creds", scratch["wrong"], from, to)
        #expect(bad.status == 5 && bad.errors.contains(target.address), "\(bad.errors)")
        // A pipe, and the environment.
        let piped = try Command.shell("$DRAY digest --creds <(echo user:s3cr3t-pass) \(from)")
        #expect(piped.status == 0, "\(piped.errors)")
        let variable = try Command.shell("ACCOUNT=user:s3cr3t-pass $DRAY digest --creds env:ACCOUNT \(from)")
        #expect(variable.status == 0, "\(variable.errors)")
    }

    @Test func pathsDecideWhichAccount() throws {
        let registry = try ScriptedRegistry(["basic"], scratch: scratch)
        try auth([
            registry.address: "somebody:else", "\(registry.address)/team": "user:s3cr3t-pass",
            "\(registry.address)/team/other": "nobody:x",
        ])
        for (repository, status) in [("team/app", Int32(0)), ("teams", 5), ("team/other/app", 5)] {
            let result = try Command.shell(
                "REGISTRY_AUTH_FILE=\(scratch["auth.json"]) $DRAY copy \(archive) docker://\(registry.address)/\(repository):1"
            )
            #expect(result.status == status, "\(repository): \(result.errors)")
        }
    }

    @Test func loginGoesWherePodmanHasTheHost() throws {
        let registry = try ScriptedRegistry(["basic"], scratch: scratch)
        let file = scratch["run/containers/auth.json"]
        try scratch.write(#"{"auths":{"\#(registry.address)":{"auth":"eDp5"}}}"#, to: "run/containers/auth.json")
        let places = "HOME=\(scratch["home"]) XDG_RUNTIME_DIR=\(scratch["run"])"
        let login = try Command.shell(
            "echo s3cr3t-pass | env -u DOCKER_CONFIG \(places) $DRAY login -u user --password-stdin \(registry.address)"
        )
        #expect(login.status == 0 && login.text.contains(file), "\(login.errors)")
        #expect(try Command.shell("stat -c %a \(file)").text.trimmed == "600")
        #expect(scratch.files(below: "home").isEmpty)
        let push = try Command.shell(
            "env -u DOCKER_CONFIG \(places) $DRAY copy \(archive) docker://\(registry.address)/a:1")
        #expect(push.status == 0, "\(push.errors)")
    }

    // MARK: Where anonymous callers are answered as well

    /// With an account, all that it may see is listed and copied, though nobody asked for a password.
    @Test(arguments: ["anonymous-too", "anonymous-hides"], ["option", "file"])
    func accountsSeePrivateRepositories(_ fault: String, _ place: String) throws {
        let registry = try ScriptedRegistry([fault], scratch: scratch)
        let host = "docker://\(registry.address)"
        try auth([registry.address: "user:s3cr3t-pass"])
        let file = "REGISTRY_AUTH_FILE=\(scratch[place == "file" ? "auth.json" : "none.json"])"
        let creds = place == "option" ? "--creds \(scratch["creds"])" : ""
        for name in ["public/app:1", "private/app:1"] {
            let push = try Command.shell("\(file) $DRAY copy \(creds) \(archive) \(host)/\(name)")
            try #require(push.status == 0, "\(push.errors)")
        }
        let list = try Command.shell("\(file) $DRAY ls \(creds) \(host)/")
        #expect(list.text.contains("private/app") && list.text.contains("public/app"), "\(list.text) \(list.errors)")
        let backup = try Command.shell("\(file) $DRAY backup \(creds) \(host)/ \(scratch["backup"])")
        #expect(backup.status == 0, "\(backup.errors)")
        #expect(!scratch.files(below: "backup/snapshots/latest/private/app").isEmpty)
        // Without an account, there is what the public sees.
        let none = "REGISTRY_AUTH_FILE=\(scratch["none.json"])"
        let few = try Command.shell("\(none) $DRAY ls \(host)/")
        #expect(few.status == 0 && !few.text.contains("private/app"), "\(few.text)")
        let hidden = try Command.shell("\(none) $DRAY digest \(host)/private/app:1")
        #expect(hidden.status == (fault == "anonymous-hides" ? 4 : 5), "\(hidden.errors)")
        // The registry was asked for its challenge before any password went there.
        let first = try #require(try registry.requests.first { $0.path != "/v2/" })
        #expect(try registry.requests.first?.path == "/v2/" && first.authorization != nil)
    }

    @Test func passwordsThatAreWrongAreRefusedWhereAnonymousCallersAreAnswered() throws {
        let registry = try ScriptedRegistry(["anonymous-too"], scratch: scratch)
        let host = "docker://\(registry.address)"
        try Command.succeed("copy", "--creds", scratch["creds"], archive, "\(host)/public/app:1")
        let wrong = try Command.dray("ls", "--creds", scratch["wrong"], "\(host)/")
        #expect(wrong.status == 5 && !wrong.text.contains("public/app"), "\(wrong.text) \(wrong.errors)")
    }

    @Test func loginTellsWhatWasChecked() throws {
        func login(_ registry: ScriptedRegistry, _ password: String) throws -> (Command, kept: Bool) {
            let home = "home-\(UUID().uuidString)"
            let result = try Command.shell(
                "echo \(password) | env -u DOCKER_CONFIG HOME=\(scratch[home]) XDG_RUNTIME_DIR=\(scratch[home])/run "
                    + "$DRAY login --output json -u user --password-stdin \(registry.address)")
            return (result, scratch.files(below: home).contains(".docker/config.json"))
        }
        let strict = try ScriptedRegistry(["basic"], scratch: scratch)
        let open = try ScriptedRegistry(["anonymous-too"], scratch: scratch)
        let blind = try ScriptedRegistry(["anonymous-blind"], scratch: scratch)
        for registry in [strict, open] {
            let (wrong, isKept) = try login(registry, "wrong")
            #expect(wrong.status == 5 && !isKept && wrong.errors.contains("password"), "\(wrong.errors)")
            let (right, hasKept) = try login(registry, "s3cr3t-pass")
            #expect(right.status == 0 && hasKept, "\(right.errors)")
        }
        #expect(try login(strict, "s3cr3t-pass").0.text.contains(#""checked" : true"#))
        let (unknown, isKept) = try login(blind, "wrong")
        #expect(unknown.status == 0 && isKept && unknown.errors.contains("could not be checked"), "\(unknown.errors)")
        #expect(unknown.text.contains(#""checked" : false"#), "\(unknown.text)")
        let open401 = try open.requests.filter { $0.path == "/v2/" && $0.authorization != nil }
        #expect(!open401.isEmpty)
    }

    @Test func noPasswordFollowsARedirect() throws {
        // By a form to the token service, by Basic to the registry.
        for faults in [["token", "token-post", "token-moves"], ["basic", "moved-away"]] {
            let registry = try ScriptedRegistry(faults, scratch: scratch)
            let result = try Command.dray(
                "copy", "--retry-times", "0", "--creds", scratch["creds"], archive, "docker://\(registry.address)/app:1"
            )
            #expect(result.status != 0, "\(result.errors)")
            let own = Int(registry.address.split(separator: ":")[1])
            let others = try registry.requests.filter { $0.port != own }
            #expect(others.allSatisfy { $0.authorization == nil && $0.body?.contains("s3cr3t") != true }, "\(others)")
        }
    }

    // MARK: What cannot be read

    /// What needs no credentials goes on without them; what does says where they would have been.
    @Test(arguments: ["missing", "failing"])
    func aBrokenHelperDoesNotBlockPublicImages(_ kind: String) throws {
        let open = try ScriptedRegistry([], scratch: scratch)
        let closed = try ScriptedRegistry(["basic"], scratch: scratch)
        try Command.succeed("copy", archive, "docker://\(open.address)/app:1")
        try scratch.write("#!/bin/sh\ncat >/dev/null\nexit 3\n", to: "bin/docker-credential-failing")
        try scratch.write(#"{"credsStore":"\#(kind)"}"#, to: "docker/config.json")
        func dray(_ arguments: String) throws -> Command {
            try Command.shell(
                "chmod +x \(scratch["bin"])/*; PATH=\(scratch["bin"]):$PATH DOCKER_CONFIG=\(scratch["docker"]) $DRAY \(arguments)"
            )
        }
        let pull = try dray("copy docker://\(open.address)/app:1 oci:\(scratch["pulled"])")
        #expect(pull.status == 0 && pull.errors.contains("docker-credential-\(kind)"), "\(pull.errors)")
        let refused = try dray("digest docker://\(closed.address)/app:1")
        #expect(refused.status == 5, "\(refused.errors)")
        let error = try #require(refused.errors.split(separator: "\n").last { $0.contains("401") })
        #expect(error.contains("docker-credential-\(kind)"), "\(refused.errors)")
    }

    /// A runtime directory of root's, and a directory where a file should be.
    @Test(.enabled(if: getuid() == 0)) func unreadableFilesAreSkippedUnlessNamed() throws {
        let registry = try ScriptedRegistry([], scratch: scratch)
        try Command.succeed("copy", archive, "docker://\(registry.address)/app:1")
        try scratch.write("{}", to: "run/containers/auth.json")
        try scratch.write("{}", to: "home/.docker/config.json/here")
        let result = try Command.shell(
            "chmod 700 run && chmod 777 . home home/.docker && cp $DRAY dray && "
                + "env -u DOCKER_CONFIG HOME=\(scratch["home"]) XDG_RUNTIME_DIR=\(scratch["run"]) "
                + "setpriv --reuid=65534 --regid=65534 --clear-groups ./dray digest docker://\(registry.address)/app:1",
            in: scratch.path)
        #expect(result.status == 0 && result.errors.contains("config.json"), "\(result.errors)")
        #expect(!result.errors.contains("run/containers"), "\(result.errors)")
        // A file that the user names has to be readable.
        let named = try Command.shell(
            "DOCKER_CONFIG=\(scratch["home"])/.docker $DRAY digest docker://\(registry.address)/app:1")
        #expect(named.status == 1, "\(named.errors)")
    }

    /// What editors of Windows put before the text.
    @Test func filesMayHaveAByteOrderMark() throws {
        try scratch.makeCertificate("server")
        let server = try Server(
            .init(http: "tls: {certificate: \(scratch["server.crt"]), key: \(scratch["server.key"])}"), in: scratch)
        let address = "localhost:\(server.address.split(separator: ":").last ?? "")"
        for (name, text) in [
            ("authority.crt", try String(contentsOfFile: scratch["server.crt"], encoding: .utf8)),
            ("docker/config.json", #"{"auths":{"\#(address)":{"auth":"dXNlcjpw"}}}"#),
            ("registries.conf", "[registries.block]\nregistries = ['blocked.example']\n"),
        ] { try scratch.write("\u{feff}" + text, to: name) }
        let places = "DOCKER_CONFIG=\(scratch["docker"]) CONTAINERS_REGISTRIES_CONF=\(scratch["registries.conf"])"
        let option = "--ca-file \(scratch["authority.crt"])"
        let push = try Command.shell("\(places) $DRAY copy \(option) \(archive) docker://\(address)/app:1")
        #expect(push.status == 0, "\(push.errors)")
        let system = try Command.shell(
            "\(places) SSL_CERT_FILE=\(scratch["authority.crt"]) $DRAY digest docker://\(address)/app:1")
        #expect(system.status == 0, "\(system.errors)")
        let blocked = try Command.shell("\(places) $DRAY digest docker://blocked.example/app:1")
        #expect(blocked.status == 1 && blocked.errors.contains("blocked in registries.conf"), "\(blocked.errors)")
    }

    /// On a terminal: asked for, not shown, and the terminal is as it was even after ^C.
    @Test func aTerminalIsAsked() throws {
        let registry = try ScriptedRegistry(["basic"], scratch: scratch)
        try scratch.write(
            """
            import os, pty, sys, termios, time
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(sys.argv[1], [sys.argv[1], "login", sys.argv[2]])
            def until(words):
                seen = b""
                while words not in seen:
                    seen += os.read(terminal, 1000)
                return seen
            until(b"Username")
            os.write(terminal, b"user\\n")
            until(b"Password")
            for _ in range(100):
                if not termios.tcgetattr(terminal)[3] & termios.ECHO:
                    break
                time.sleep(0.05)
            os.write(terminal, sys.argv[3].encode().decode("unicode_escape").encode())
            shown = b""
            if sys.argv[3].endswith("n"):
                try:
                    shown = until(b"kept in")
                except OSError:
                    pass
                _, status = os.waitpid(pid, 0)
            else:
                _, status = os.waitpid(pid, 0)
                print("echo", bool(termios.tcgetattr(terminal)[3] & termios.ECHO))
            print(os.waitstatus_to_exitcode(status), shown.decode())
            """, to: "ask.py")
        let place = "DOCKER_CONFIG=\(scratch["docker"]) python3 \(scratch["ask.py"]) $DRAY \(registry.address)"
        let good = try Command.shell("timeout 20 env \(place) 's3cr3t-pass\\n'")
        #expect(good.text.contains("0 ") && good.text.contains("kept in"), "\(good.text) \(good.errors)")
        #expect(!good.text.contains("s3cr3t"), "\(good.text)")
        let stopped = try Command.shell("timeout 20 env \(place) 'abc\\x03'")
        #expect(stopped.text.contains("echo True") && stopped.text.contains("130"), "\(stopped.text) \(stopped.errors)")
    }
}
