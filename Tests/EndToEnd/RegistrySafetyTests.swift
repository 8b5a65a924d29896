import Foundation
import Testing

/// What a hostile registry may try: numbers, digests, endless answers, and secrets said back.
struct RegistrySafetyTests {
    private let scratch: Scratch
    private let layout: String

    init() throws {
        scratch = try Scratch()
        layout = "oci:\(scratch["layout"]):1"
        try Command.succeed("copy", try Samples.archive(scratch), layout)
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
    }

    @Test func aPinnedDigestIsNoOther() throws {
        let registry = try ScriptedRegistry(["pin-lies"], scratch: scratch)
        let target = "docker://\(registry.address)/app"
        try Command.succeed("copy", layout, "\(target):good")
        let good = try Command.succeed("digest", "\(target):good").text.trimmed
        let other = try Samples.archive(scratch, name: "other.tar", mebibytes: 1)
        try Command.succeed("copy", other, "\(target):evil")
        for arguments in [["digest"], ["copy", "--retry-times", "0"]] {
            let place = arguments[0] == "copy" ? ["oci:\(scratch["pinned"]):x"] : []
            let result = try Command.dray(arguments + ["\(target)@\(good)"] + place)
            #expect(result.status == 3 && result.errors.contains(good), "\(arguments): \(result.errors)")
        }
        #expect(scratch.files(below: "pinned").filter { $0.hasPrefix("blobs") }.isEmpty)
    }

    /// Refused with a message; none of it may crash or go on for ever.
    @Test(arguments: [
        (["absurd-range", "no-put-body"], 1, "9223372036854775807"), (["absurd-date"], 1, "429"),
        (["upload-loop", "upload-loop-500", "no-put-body"], 1, "500"), (["upload-loop", "no-put-body"], 1, "416"),
        (["put-200-lost"], 1, "200"), (["always-cut", "forgets-uploads", "no-put-body"], 1, "connection"),
    ])
    func absurdAnswersEnd(_ faults: [String], _ status: Int32, _ word: String) throws {
        let registry = try ScriptedRegistry(faults, scratch: scratch, cuts: 1_000_000)
        let target = "docker://\(registry.address)/app:1"
        let result = try Command.dray("copy", "--jobs", "1", "--retry-times", "2", "--timeout", "5", layout, target)
        #expect(result.status == status && result.errors.contains(word), "\(faults): \(result.errors)")
        // One try and two more, not so many for each time that the blob is begun anew.
        let sent = try registry.requests.filter { $0.method == "PATCH" }
        #expect(sent.count <= 4, "\(faults): \(sent.count) requests")
        #expect(!result.errors.contains("put the input into a file"), "\(result.errors)")
    }

    @Test(arguments: [
        (["basic", "echo-404"], "NAME_UNKNOWN"), (["token", "echo-404"], "NAME_UNKNOWN"),
        (["basic", "echo-late"], "xxx"), (["token", "token-long", "echo-late"], "xxx"),
        (["token", "echo-spelled"], "DENIED"), (["basic", "echo-spelled"], "DENIED"),
        (["token", "short-token", "echo-spelled"], "DENIED"),
    ])
    func whatARegistrySaysBackIsRedacted(_ faults: [String], _ word: String) throws {
        let registry = try ScriptedRegistry(faults, scratch: scratch)
        let result = try Command.dray(
            "ls", "-v", "--retry-times", "0", "--creds", scratch["creds"], "docker://\(registry.address)/app")
        #expect(result.status != 0 && result.errors.contains(word), "\(result.errors)")
        for given in try registry.requests.compactMap(\.authorization) {
            let secret = String(given.split(separator: " ").last ?? "")
            let encoded = Data(secret.utf8).base64EncodedString()
            // Not even the beginning of it.
            for spelling in [secret, encoded, "s3cr3t"] {
                let start = spelling.prefix(10)
                #expect(!result.errors.contains(start), "\(faults): '\(start)' in \(result.errors)")
            }
        }
    }

    @Test func identityTokensAreRedacted() throws {
        let registry = try ScriptedRegistry(["token", "token-echo"], scratch: scratch)
        let user = Data("bob:".utf8).base64EncodedString()
        try scratch.write(
            #"{"auths":{"\#(registry.address)":{"auth":"\#(user)","identitytoken":"IDENTITYSECRET"}}}"#,
            to: "docker/config.json")
        let result = try Command.shell(
            "DOCKER_CONFIG=\(scratch["docker"]) $DRAY ls -v --retry-times 0 docker://\(registry.address)/app")
        let basic = Data("bob:IDENTITYSECRET".utf8).base64EncodedString()
        #expect(result.status == 5 && result.errors.contains("not with"), "\(result.errors)")
        #expect(!result.errors.contains(basic) && !result.errors.contains("IDENTITYSECRET"), "\(result.errors)")
    }

    @Test func whatAHelperSaysIsNotShown() throws {
        try scratch.write(
            "#!/bin/sh\ncat >/dev/null\necho '{\"Secret\":\"s3cr3t-pass\"} oops'\nexit $CODE\n",
            to: "bin/docker-credential-leak")
        try scratch.write(#"{"credsStore": "leak"}"#, to: "docker/config.json")
        for code in ["0", "2"] {
            let result = try Command.shell(
                "chmod +x \(scratch["bin"])/*; CODE=\(code) PATH=\(scratch["bin"]):$PATH DOCKER_CONFIG=\(scratch["docker"]) "
                    + "$DRAY ls -v docker://127.0.0.1:1/app")
            #expect(result.status == 1 && result.errors.contains("docker-credential-leak"), "\(result.errors)")
            #expect(!result.errors.contains("s3cr3t"), "\(result.errors)")
        }
    }

    @Test(arguments: ["--tls-verify=false", "--ca-file=registry.crt"])
    func noPasswordGoesInTheClearForARegistryThatIsEncrypted(_ option: String) throws {
        try scratch.makeCertificate("registry")
        let tokens = try TokenServer(scratch)
        let server = try Server(
            .init(
                http: "tls: {certificate: \(scratch["registry.crt"]), key: \(scratch["registry.key"])}",
                top: tokens.settings), in: scratch)
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
        let result = try Command.shell(
            "cd \(scratch.path) && $DRAY ls \(option) --creds creds docker://\(server.address)/app")
        #expect(result.status == 1 && result.errors.contains("which is not encrypted: refused"), "\(result.errors)")
    }

    @Test func numbersOfOptionsHaveLimits() throws {
        let target = "docker://127.0.0.1:1/app"
        for option in [
            ["--timeout", "9223372036854775807"], ["--timeout", "1000000000"], ["--retry-times", "1000000"],
            ["--limit-rate", "999999999999g"], ["--timeout", "0"],
        ] {
            let result = try Command.dray(["ls"] + option + [target])
            #expect(result.status == 64, "\(option): \(result.errors)")
        }
        let proxy = try Command.shell(
            "http_proxy='me@corp://proxy' $DRAY ls --plain-http --retry-times 0 docker://registry.test/app")
        #expect(proxy.status == 1 && proxy.errors.contains("HTTP_PROXY"), "\(proxy.status) \(proxy.errors)")
    }

    @Test(arguments: [("endless-tags", 3, "no end"), ("empty-pages", 3, "no end")])
    func endlessListsEnd(_ fault: String, _ status: Int32, _ word: String) throws {
        let registry = try ScriptedRegistry([fault], scratch: scratch)
        let result = try Command.dray("ls", "docker://\(registry.address)/app")
        #expect(result.status == status && result.errors.contains(word), "\(result.errors)")
        // A hint is not worth all those pages.
        let count = try registry.requests.count
        #expect(try Command.dray("digest", "docker://\(registry.address)/app:none").status == 4)
        #expect(try registry.requests.count - count < 5)
    }
}
