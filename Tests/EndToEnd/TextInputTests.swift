import Foundation
import Testing

/// Text that users write is read in whatever encoding and with whatever line ends their editors and shells save it.
struct TextInputTests {
    let scratch: Scratch
    let archive: String

    init() throws {
        scratch = try Scratch()
        archive = try Samples.archive(scratch, image: "shop/app:1", mebibytes: 1)
    }

    /// Filters that save a text as somebody's program does.
    static let encodings = [
        "sed '1s/^/\\xef\\xbb\\xbf/; s/$/\\r/'",
        "(printf '\\xff\\xfe'; sed 's/$/\\r/' | iconv -t UTF-16LE)",
        "(printf '\\xfe\\xff'; iconv -t UTF-16BE)",
        "tr '\\n' '\\r'",
    ]

    /// Saves a file anew.
    private func save(_ name: String, _ encoding: String) throws {
        let saved = try Command.shell("\(encoding) < \(name) > \(name).new && cp \(name).new \(name)", in: scratch.path)
        try #require(saved.status == 0, "\(saved.errors)")
    }

    private func run(_ line: String, _ words: String = "") throws {
        let run = try Command.shell("HOME=\(scratch.path) \(line)", in: scratch.path)
        let said = run.text + run.errors
        #expect(run.status == 0 && (words.isEmpty || said.contains(words)), "\(line): \(run.errors)")
    }

    @Test(arguments: encodings) func listsRulesAndInventories(_ encoding: String) throws {
        try scratch.write("# images\n\ndocker-archive:\(archive)  # one\n", to: "list.txt")
        try save("list.txt", encoding)
        try run("$DRAY copy --from-file list.txt store:a", "shop/app:1")
        try run("$DRAY copy --from-file - store:b < list.txt", "shop/app:1")
        try run("$DRAY copy --from-file <(cat list.txt) store:c", "shop/app:1")
        try scratch.write(
            """
            defaults: {destination: 'store:\(scratch["d"])'}
            rules:
              - name: app
                source: 'docker-archive:\(archive)'

            """, to: "sync.yml")
        try save("sync.yml", encoding)
        try run("$DRAY sync sync.yml", "shop/app:1")
        try run("$DRAY inventory store:a > have.json")
        try save("have.json", encoding)
        try run("$DRAY copy --have have.json store:a oci-archive:delta.tar && $DRAY ls delta.tar", "is a delta")
    }

    @Test(arguments: encodings) func keysOfMinisign(_ encoding: String) throws {
        try run("minisign -G -W -p me.pub -s me.key > /dev/null")
        for key in ["me.pub", "me.key"] { try save(key, encoding) }
        try run(
            "$DRAY copy --sign me.key \(archive) oci-archive:signed.tar && $DRAY ls --verify-key me.pub signed.tar",
            "shop/app:1")
    }

    @Test(arguments: encodings) func accounts(_ encoding: String) throws {
        let registry = try ScriptedRegistry(["basic"], scratch: scratch)
        let target = "docker://\(registry.address)/app:1"
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
        try save("creds", encoding)
        try run("$DRAY copy --creds creds \(archive) \(target)", "app:1")
        let auth = Data("user:s3cr3t-pass".utf8).base64EncodedString()
        for path in [".docker/config.json", "run/containers/auth.json"] {
            try scratch.write("{\n \"auths\": {\"\(registry.address)\": {\"auth\": \"\(auth)\"}}\n}\n", to: path)
            try save(path, encoding)
            try run("XDG_RUNTIME_DIR=$PWD/run $DRAY digest \(target)", "sha256:")
            _ = try Command.shell("rm \(path)", in: scratch.path)
        }
        try scratch.write("s3cr3t-pass\n", to: "password")
        try save("password", encoding)
        try run("$DRAY login -u user --password-stdin \(registry.address) < password", "logged in")
        try scratch.write(
            """
            [[registry]]
            prefix = "images.example"
            location = "\(registry.address)"
            insecure = true

            """, to: "registries.conf")
        try save("registries.conf", encoding)
        try run(
            "CONTAINERS_REGISTRIES_CONF=registries.conf $DRAY digest --creds creds docker://images.example/app:1",
            "sha256:")
    }

    @Test(arguments: encodings) func configurationsPasswordsAndCertificates(_ encoding: String) throws {
        try scratch.makeCertificate("server")
        try scratch.makeCertificate("client")
        _ = try Command.shell("htpasswd -Bbn user s3cr3t-pass > htpasswd; cp server.crt ca.crt", in: scratch.path)
        for file in ["server.crt", "server.key", "client.crt", "client.key", "ca.crt", "htpasswd"] {
            try save(file, encoding)
        }
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
        var settings = Server.Settings()
        settings.http = "tls: {certificate: \(scratch["server.crt"]), key: \(scratch["server.key"])}"
        settings.top = "auth: {htpasswd: {realm: r, path: \(scratch["htpasswd"])}}"
        let server = try Server(settings, in: scratch, program: .dray)
        let options = "--creds creds --ca-file ca.crt --cert client.crt --key client.key"
        try run("$DRAY copy \(options) \(archive) docker://\(server.address)/app:1", "app:1")
        // The configuration itself, by what it says when its port is taken.
        try scratch.write(
            "version: 0.1\nstorage: {filesystem: {rootdirectory: \(scratch["s"])}}\nhttp: {addr: '\(server.address)'}\n",
            to: "config.yml")
        try save("config.yml", encoding)
        let taken = try Command.shell("timeout 20 $DRAY serve config.yml", in: scratch.path)
        #expect(taken.status == 1 && taken.errors.contains("in use"), "\(taken.errors)")
    }

    @Test func whatIsNoTextIsRefused() throws {
        let made = try Command.shell(
            "printf 'a\\0l\\0p\\0' > list.txt; printf '\\xff\\xfea' > sync.yml", in: scratch.path)
        try #require(made.status == 0)
        for (arguments, file) in [
            ("copy --from-file list.txt", "list.txt"), ("copy --from-file - < list.txt", "standard input"),
            ("sync sync.yml", "sync.yml"),
        ] {
            let place = arguments.hasPrefix("sync") ? "" : "store:store"
            let run = try Command.shell("$DRAY \(arguments) \(place)", in: scratch.path)
            #expect(
                run.status == 64 && run.errors.contains("\(file): ") && run.errors.contains("UTF-8"), "\(run.errors)")
        }
    }

    @Test func standardInputIsReadForOneThing() throws {
        for arguments in [
            "--from-file - --from-file -", "--from-file - docker-archive:-", "docker-archive:- oci-archive:-",
        ] {
            let run = try Command.shell(
                "echo docker-archive:\(archive) | $DRAY copy \(arguments) store:store", in: scratch.path)
            #expect(run.status == 64 && run.errors.contains("Standard input can be read only once"), "\(run.errors)")
        }
        try scratch.write("docker-archive:-\n", to: "list.txt")
        let run = try Command.shell(
            "$DRAY copy --from-file list.txt --from-file - store:store < list.txt", in: scratch.path)
        #expect(run.status == 64, "\(run.errors)")
    }
}
