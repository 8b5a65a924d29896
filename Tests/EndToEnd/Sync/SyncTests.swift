import Foundation
import Glibc
import ImageModel
import Testing

/// `dray sync`: rules, what they choose, and what becomes of those that fail.
struct SyncTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// A layout of small images that share a layer, each with a tag of its own.
    private func layout(_ tags: [String], name: String = "layout") throws -> String {
        let layout = try CraftedLayout(scratch[name])
        let layer = try layout.layer("shared")
        for tag in tags { try layout.add(try layout.image([layer], architecture: "arch-\(tag)"), tag) }
        return "oci:\(layout.path)"
    }

    /// - Parameter retries: docker-registry answers 500 while it writes a link that another request looks at.
    private func sync(
        _ yaml: String, _ arguments: String = "", receipt: String? = nil, retries: Int = 0
    ) throws -> Command {
        try scratch.write(yaml, to: "sync.yml")
        let books = receipt.map { " --receipt \(scratch[$0])" } ?? ""
        return try Command.shell("$DRAY sync --retry-times \(retries)\(books) \(arguments) \(scratch["sync.yml"])")
    }

    @Test func choosesRenamesAndDoesNothingTwice() throws {
        let registry = try ScriptedRegistry([], scratch: scratch)
        let images = try layout(["1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1", "edge", "nightly-1"])
        try Command.succeed("copy", images, "docker://\(registry.address)/team/app")
        let yaml = """
            registries: {'\(registry.address)': {plain-http: true, jobs: 2, rate: 100M}}
            defaults: {destination: 'store:\(scratch["store"])', rename: 'm/{repository}'}
            rules:
              - name: versions
                source: docker://\(registry.address)/team/app
                tags: {names: edge, semver: 1.x, newest: {count: 2, by: semver}}
              - name: patterns
                source: docker://\(registry.address)/
                repositories: team/*
                tags: {globs: 'nightly-*', expressions: 'rc\\.\\d$'}
                rename: '{name}:{tag}-x'
            """
        let dry = try sync(yaml, "--dry-run")
        #expect(dry.status == 0 && dry.errors.contains("free"), "\(dry.errors)")
        #expect(!FileManager.default.fileExists(atPath: scratch["store"]))
        let first = try sync(yaml, "--output json")
        #expect(first.status == 0, "\(first.errors)")
        let names = Set(try first.rows().map(\.name))
        #expect(
            names == ["m/team/app:edge", "m/team/app:1.1.0", "m/team/app:1.2.0", "app:nightly-1-x", "app:2.0.0-rc.1-x"])
        let stored = try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows()
        #expect(Set(stored.map(\.name)) == names)
        let again = try sync(yaml, "--output json")
        #expect(try again.status == 0 && again.rows().allSatisfy { $0.bytesMoved == 0 }, "\(again.text)")
    }

    @Test func newestByDateIsWhatTheConfigsTell() throws {
        for (tag, year) in [("a", 2020), ("b", 2024), ("c", 2022)] {
            let image = TinyImage(tag)
            let layout = try CraftedLayout(scratch["dated-\(tag)"])
            let layer = try layout.put(image.layer, .ociLayer)
            let config = try layout.put(
                Array(
                    #"{"architecture":"amd64","os":"linux","created":"\#(year)-01-01T00:00:00.5Z","rootfs":{"type":"layers","diff_ids":["\#(layer.digest)"]}}"#
                        .utf8), .ociConfig)
            let manifest = ImageManifest(mediaType: .ociManifest, config: config, layers: [layer])
            try layout.add(try layout.put(Document.encode(manifest), .ociManifest), tag)
            try Command.succeed("copy", "oci:\(layout.path)", "store:\(scratch["dated"]):app")
        }
        let run = try sync(
            "rules: [{source: 'store:\(scratch["dated"])', destination: 'oci:\(scratch["new"])', tags: {newest: {count: 2, by: created}}}]",
            "--output json")
        #expect(run.status == 0, "\(run.errors)")
        #expect(try run.rows().map(\.tag) == ["b", "c"])
    }

    /// 20 rules, of which 19 fail in 19 ways.
    @Test func everyFailureIsNamedAndStopsNothing() throws {
        let good = try Samples.archive(scratch, name: "good.tar", mebibytes: 1)
        let bytes = try Data(contentsOf: URL(filePath: good))
        try bytes.prefix(bytes.count / 2).write(to: URL(filePath: scratch["cut.tar"]))
        try scratch.write("not an archive", to: "text.tar")
        try scratch.write("a note", to: "empty/README")
        let damaged = try CraftedLayout(scratch["damaged"])
        let layer = try damaged.layer("damaged")
        try damaged.add(try damaged.image([layer]), "1")
        try damaged.damage(layer.layer)
        let images = try layout(["1", "2"])
        try Command.succeed("copy", "\(images):1", "store:\(scratch["taken"]):app:1")
        let registry = try ScriptedRegistry([], scratch: scratch)
        try Command.succeed("copy", images, "docker://\(registry.address)/app")
        let locked = try ScriptedRegistry(["basic"], scratch: scratch)
        let away = try ScriptedRegistry(["maintenance"], scratch: scratch)
        let lying = try ScriptedRegistry(["lying-manifest"], scratch: scratch)
        try Command.succeed("copy", "\(images):1", "docker://\(lying.address)/app:1")
        let store = "store:\(scratch["store"])"
        let rules: [(name: String, fields: String, words: String)] = [
            ("good", "source: 'docker-archive:\(good)'", ""),
            ("missing-file", "source: 'docker-archive:/nowhere.tar'", "/nowhere.tar: no such file or directory"),
            ("cut-short", "source: 'docker-archive:\(scratch["cut.tar"])'", "cut.tar"),
            ("no-archive", "source: 'docker-archive:\(scratch["text.tar"])'", "text.tar"),
            ("no-archives", "source: 'docker-archive:\(scratch["empty"])'", "a directory with README"),
            ("damaged-layer", "source: 'oci:\(damaged.path)'", "damaged"),
            ("missing-image", "source: '\(images):none'", "has no image 'none'"),
            ("nobody-there", "source: 'docker://127.0.0.1:1/app:1'", "cannot be reached"),
            ("missing-tag", "source: 'docker://\(registry.address)/app:none'", "has no tag 'none'"),
            (
                "missing-repository", "source: 'docker://\(registry.address)/other', tags: {globs: '*'}",
                "has no repository other"
            ),
            ("named-in-vain", "source: 'docker://\(registry.address)/app', tags: {names: [gone]}", "has no tag 'gone'"),
            (
                "nothing-chosen", "source: 'docker://\(registry.address)/app', tags: {globs: 'v*'}",
                "none of its 2 tags is chosen"
            ),
            ("locked-out", "source: 'docker://\(locked.address)/app:1'", "401"),
            ("no-credentials", "source: 'docker://localhost:1/app:1'", "the variable with credentials is not set"),
            ("maintenance", "source: 'docker://\(away.address)/app:1'", "maintenance until noon"),
            ("lies", "source: 'docker://\(lying.address)/app:1'", "damaged"),
            ("platform", "source: '\(images):1', platforms: windows/arm64", "windows/arm64"),
            ("strict", "source: 'docker-archive:\(good)', strict: true", "--strict"),
            (
                "exists", "source: '\(images):2', destination: 'store:\(scratch["taken"]):app:1', on-existing: error",
                "has a app:1 already"
            ),
            ("into-a-file", "source: '\(images):1', destination: 'store:\(good)'", "is a file"),
        ]
        #expect(rules.count == 20)
        let yaml =
            "registries: {'localhost:1': {credentials: {environment: DRAY_NO_SUCH_VARIABLE}}}\n"
            + "defaults: {destination: '\(store)'}\nrules:\n"
            + rules.map { "  - {name: \($0.name), \($0.fields)}\n" }.joined()
        let run = try sync(yaml, "--progress json", receipt: "receipt.json")
        #expect(run.status == 2, "\(run.errors)")
        let errors = run.errors.split(separator: "\n").filter { $0.contains("error:") }
        for rule in rules.dropFirst() {
            #expect(
                errors.contains { $0.contains("\(rule.name): ") && $0.contains(rule.words) },
                "\(rule.name): \(errors.filter { $0.contains("\(rule.name): ") })")
        }
        #expect(run.text.contains("sample/app:1.0") && run.lines.count == 1, "\(run.text)")
        let receipt = try Receipt(scratch["receipt.json"])
        #expect(Set(receipt.failures.compactMap(\.rule)) == Set(rules.dropFirst().map(\.name)))
        #expect(receipt.images.map(\.outcome) == ["copied"] && receipt.images[0].rule == "good")
        #expect(receipt.bytesMoved > 0 && receipt.images[0].bytesMoved == receipt.bytesMoved)
        // The same as events, one line of JSON each.
        let events = run.errors.split(separator: "\n").filter { $0.hasPrefix(#"{"event""#) }
        #expect(
            events.filter { $0.contains(#""event":"failure""#) || $0.contains(#""failure":{"#) }.count
                == receipt.failures.count)
        // When everything fails, that is said by another code.
        let none = try sync("rules: [{source: 'docker-archive:/nowhere.tar', destination: '\(store)'}]")
        #expect(none.status == 1, "\(none.errors)")
        // All mistakes of the file, a line each.
        let wrong = try sync("rules:\n  - {sourc: 'docker-archive:/nowhere.tar', destination: '\(store)', jobs: many}")
        let mistakes = wrong.errors.split(separator: "\n")
        #expect(wrong.status == 64 && mistakes.count == 3, "\(wrong.errors)")
        #expect(mistakes.allSatisfy { $0.contains("sync.yml:2:") }, "\(wrong.errors)")
    }

    @Test func credentialsComeFromFilesAndAreNeverSaid() throws {
        let registry = try ScriptedRegistry(["basic"], scratch: scratch)
        let images = try layout(["1"])
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
        func yaml(_ credentials: String) -> String {
            "registries: {'\(registry.address)': {credentials: \(credentials)}}\n"
                + "rules: [{source: '\(images)', destination: 'docker://\(registry.address)/app'}]"
        }
        for credentials in ["{file: \(scratch["creds"])}", "{user: user, password: s3cr3t-pass}"] {
            let run = try sync(yaml(credentials), "-v --progress json", receipt: "receipt.json")
            let receipt = try String(contentsOfFile: scratch["receipt.json"], encoding: .utf8)
            #expect(run.status == 0, "\(run.errors)")
            #expect(![run.text, run.errors, receipt].contains { $0.contains("s3cr3t") })
        }
        let wrong = try sync(yaml("{user: user, password: s3cr3t-no}"), "-v", receipt: "receipt.json")
        let receipt = try String(contentsOfFile: scratch["receipt.json"], encoding: .utf8)
        #expect(wrong.status == 1 && wrong.errors.contains("401"), "\(wrong.errors)")
        #expect(![wrong.errors, receipt].contains { $0.contains("s3cr3t") })
    }

    /// With nothing to do: a look at each tag on either side, and little else.
    @Test(arguments: [[], ["no-referrers"]])
    func asksForNoMoreThanItHasTo(_ faults: [String]) throws {
        let count = Samples.isLong ? 1000 : 100
        let images = try layout((0..<count).map { "t\($0)" })
        let source = try ScriptedRegistry(faults, scratch: scratch)
        let target = try ScriptedRegistry(faults, scratch: scratch)
        try Command.succeed("copy", images, "docker://\(source.address)/app")
        let yaml =
            "rules: [{source: 'docker://\(source.address)/app', destination: 'docker://\(target.address)', tags: {globs: 't*'}}]"
        let first = try sync(yaml)
        #expect(first.status == 0 && first.lines.count == count, "\(first.errors)")
        try scratch.write(
            (0..<count).map { "docker://\(source.address)/app:t\($0)  # one\n" }.joined(), to: "images.txt")
        let list = ["copy", "--from-file", scratch["images.txt"], "docker://\(target.address)"]
        let runs: [() throws -> Command] = [
            { try sync(yaml, "--output json") }, { try Command.dray(list + ["--output", "json"]) },
        ]
        for run in runs {
            let before = try [source, target].map { try $0.requestCount }
            let again = try run()
            #expect(again.status == 0, "\(again.errors)")
            let rows = try again.rows()
            #expect(rows.count == count && rows.allSatisfy { $0.bytesMoved == 0 })
            for (registry, before) in zip([source, target], before) {
                let requests = try registry.requests.dropFirst(before)
                let referrers = requests.filter {
                    $0.path.contains("/referrers/") || $0.path.contains("/manifests/sha256-")
                }
                let manifests = requests.filter { $0.path.contains("/manifests/t") }
                let others = requests.count - referrers.count - manifests.count
                #expect(
                    manifests.count <= count && others <= 50 && referrers.count <= 2 * count,
                    "\(manifests.count) manifests, \(referrers.count) referrers, \(others) others")
            }
        }
    }

    /// Killed anywhere, the next run completes it, and until then nothing is broken.
    @Test func aKilledSyncIsCompletedByTheNext() throws {
        let source = try ScriptedRegistry([], scratch: scratch)
        let tags = (0..<12).map { "t\($0)" }
        try Command.succeed("copy", try layout(tags), "docker://\(source.address)/small")
        let big = try Samples.archive(scratch, mebibytes: 6)
        try Command.succeed("copy", big, "docker://\(source.address)/big:1")
        var killed = 0
        for round in 0..<(Samples.isLong ? 50 : 5) {
            let target = try ScriptedRegistry([], scratch: scratch)
            let store = "store-\(round)"
            let yaml = """
                rules:
                  - {source: 'docker://\(source.address)/small', destination: 'store:\(scratch[store])', tags: {globs: '*'}}
                  - {source: 'docker://\(source.address)/', destination: 'docker://\(target.address)'}
                  - {source: 'docker://\(source.address)/big:1', destination: 'store:\(scratch[store])'}
                """
            try scratch.write(yaml, to: "sync.yml")
            // The source tells how far it is: the run is killed at its so-manieth request, wherever that is.
            let requests = try source.requestCount
            let limit = round == 0 ? 1 : Int.random(in: 1...60)
            let run = Process()
            run.executableURL = URL(filePath: Command.dray)
            run.arguments = ["sync", "--progress", "none", scratch["sync.yml"]]
            run.standardOutput = FileHandle.nullDevice
            run.standardError = FileHandle.nullDevice
            try run.start()
            // Without a pause: whoever lets other tests go first comes back when the run is long over.
            while run.isRunning, try source.requestCount < requests + limit {}
            if run.isRunning { kill(run.processIdentifier, SIGKILL) }
            run.waitUntilExit()
            if run.terminationReason == .uncaughtSignal { killed += 1 }
            if FileManager.default.fileExists(atPath: "\(scratch[store])/docker/registry/v2/repositories") {
                let there = try Command.dray("copy", "store:\(scratch[store])", "oci:\(scratch["check-\(round)"])")
                #expect([0, 4].contains(there.status), "\(there.errors)")
            }
            let next = try sync(yaml, "--output json")
            #expect(try next.status == 0 && next.rows().count == 26, "\(next.errors)")
            let last = try sync(yaml, "--output json")
            #expect(try last.status == 0 && last.rows().allSatisfy { $0.bytesMoved == 0 }, "\(last.text)")
            for tag in tags {
                let name = "small:\(tag)"
                let wanted = try Command.succeed("digest", "docker://\(source.address)/\(name)").text
                #expect(try Command.succeed("digest", "docker://\(target.address)/\(name)").text == wanted)
                #expect(try Command.succeed("digest", "store:\(scratch[store]):\(name)").text == wanted)
            }
        }
        #expect(killed > 0)
    }

    /// Cut off anywhere, the next run completes it.
    @Test func aSyncThatIsCutOffIsCompletedByTheNext() async throws {
        let source = try await Registry(serving: scratch["source"], scratch: scratch)
        try Backups.fill(source.address, repositories: 3)
        /// All but the lists of referrers, which are kept up at each end by itself.
        func content(_ registry: Registry) throws -> [String] {
            try Backups.content(ofRegistry: registry.address).filter { !$0.contains(#/ sha256-[0-9a-f]{64} /#) }
        }
        let state = try content(source)
        var failed = 0
        for round in 0..<(Samples.isLong ? 50 : 5) {
            let root = scratch["target-\(round)"]
            let target = try await Registry(serving: root, scratch: scratch)
            // One end of it or the other.
            let cut = round % 2 == 0 ? source : target
            let cutter = try Helper(
                "cutting-proxy",
                [
                    String(cut.address.split(separator: ":")[1]), "--cuts", "2", "--most", "100000", "--seed",
                    "\(round)",
                ])
            let proxy = "127.0.0.1:\(cutter.port)"
            func yaml(_ from: String, _ into: String) -> String {
                "rules: [{source: 'docker://\(from)/', destination: 'docker://\(into)'}]"
            }
            let broken = try sync(
                yaml(round % 2 == 0 ? proxy : source.address, round % 2 == 0 ? target.address : proxy))
            failed += broken.status == 0 ? 0 : 1
            let checked = try Command.script("Tests/check-registry", [target.address])
            #expect(checked.status == 0, "\(checked.errors)")
            let next = try sync(yaml(source.address, target.address), retries: 5)
            #expect(next.status == 0, "\(next.errors)")
            #expect(try content(target) == state)
            try FileManager.default.removeItem(atPath: root)
        }
        #expect(failed > 0)
    }

    /// The sample, with this machine's places in it.
    @Test func theSampleDoesWhatItSays() throws {
        let source = try ScriptedRegistry([], scratch: scratch)
        let target = try ScriptedRegistry(["basic"], scratch: scratch)
        func push(_ tags: [String], _ place: String) throws {
            let layout = try CraftedLayout(scratch[UUID().uuidString])
            for tag in tags { try layout.add(try layout.image([try layout.layer(tag)]), tag) }
            try Command.succeed("copy", "oci:\(layout.path)", place)
        }
        let alpine = ["3.15.4", "3.17.0", "3.18.2", "3.19.1", "3.20.0-rc.1", "4.0.0", "latest"]
        try push(alpine, "docker://\(source.address)/library/alpine")
        let kubernetes = ["v1.28.0", "v1.29.4", "v1.29.4-x", "v1.30.1", "v1.31.0-rc.1"]
        try push(kubernetes, "docker://\(source.address)/kube-apiserver")
        for repository in ["team/app", "other/app"] { try push(["1"], "store:\(scratch["own"]):\(repository)") }
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
        let sample = Command.package.appending(path: "samples/sync/sync.yml")
        var yaml = try String(contentsOf: sample, encoding: .utf8)
        for (old, new) in [
            ("docker.io", source.address), ("registry.k8s.io", source.address),
            ("registry.example:5000", target.address),
            ("/run/secrets/registry", scratch["creds"]), ("ca-files: /etc/ssl/private-ca.pem", "plain-http: true"),
            ("/var/lib/registry", scratch["own"]), ("/srv/transfer/team", scratch["team"]),
        ] {
            #expect(yaml.contains(old))
            yaml = yaml.replacing(old, with: new)
        }
        let run = try sync(yaml, "--output json")
        #expect(run.status == 0, "\(run.errors)")
        let mirror = "mirror/\(source.address.replacing(":", with: "-"))/library/alpine"
        let names = ["latest", "3.19.1", "3.18.2", "3.17.0"].map { "\(mirror):\($0)" }
        #expect(
            Set(try run.rows().map { $0.name.replacing("\(source.address)/", with: "") })
                == Set(names + ["kube-apiserver:v1.29.4", "kube-apiserver:v1.30.1", "team/app:1"]), "\(run.text)")
    }

    /// What a sync writes, the original serves.
    @Test func theOriginalServesWhatWasSynced() async throws {
        let images = try layout(["1", "2", "3"])
        let run = try sync(
            "rules: [{source: '\(images)', destination: 'store:\(scratch["store"])', rename: 'a/b', jobs: 3}]",
            "--output json")
        #expect(run.status == 0, "\(run.errors)")
        let registry = try await Registry(serving: scratch["store"], scratch: scratch)
        try registry.check(try run.rows(), scratch: scratch)
        #expect(try registry.garbage().isEmpty)
    }
}
