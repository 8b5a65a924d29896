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
