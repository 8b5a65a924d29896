import ConfigurationFiles
import Foundation
import ImageModel
import ImageSync
import ImageTransfer
import Testing

struct SyncFileTests {
    private static let samples = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "samples/sync")

    private static func mistakes(_ text: String) -> [String] {
        do {
            _ = try SyncFile.read(Array(text.utf8), name: "s.yml")
            return []
        } catch {
            return error.lines
        }
    }

    /// A rule with one more line in it.
    private static func rule(_ line: String = "") -> String {
        "rules:\n  - source: store:/a\n    destination: store:/b\n" + (line.isEmpty ? "" : "    \(line)\n")
    }

    /// Each text, and how its first mistake begins; nil where it is right. Schema and parser have to agree on all of them.
    static let cases: [(text: String, mistake: String?)] = [
        (rule(), nil), (rule("tags: {names: [1.10, latest], globs: '3.*'}"), nil),
        (rule("platforms: linux/amd64"), nil),
        (rule("tags: {newest: {count: 3, by: semver}, semver: ['>=1 <2', 3.x]}"), nil), (rule("strict: true"), nil),
        (rule("compression: zstd:19"), nil), (rule("on-existing: skip"), nil),
        (rule("rename: 'm/{registry}/{name}'"), nil),
        (rule("jobs: 8"), nil), (rule("format: oci"), nil), (rule("repositories: ['a/**', b]"), nil),
        ("defaults: {destination: 'store:/b'}\nrules: [{source: 'docker://h:5000/a:1'}]\n", nil),
        ("registries: {'h:5000': {credentials: {file: /f}, rate: 10M, jobs: 2, tls-verify: false}}\n" + rule(), nil),
        (
            "registries: {h: {credentials: {user: u, password: p}, plain-http: true, ca-files: [/a, /b]}}\n" + rule(),
            nil
        ),
        ("", "s.yml:1:1: rules: there are none"), ("rules: []\n", "s.yml:1:1: rules: there are none"),
        ("rules: 5\n", "s.yml:1:8: rules: is a single value"),
        ("- a\n", "s.yml:1:1: is a list"),
        (rule("tag: 1"), "s.yml:4:5: rules[0].tag: is no key that dray knows, and does nothing; is 'tags' meant?"),
        (rule("platforms: pdp11"), "s.yml:4:16: rules[0].platforms: 'pdp11' is not a platform"),
        (rule("platforms: []"), "s.yml:4:16: rules[0].platforms: is an empty list"),
        (rule("tags: {names: ['a b']}"), "s.yml:4:20: rules[0].tags.names: 'a b' is no tag"),
        (
            rule("tags: {newest: {count: 0, by: semver}}"),
            "s.yml:4:28: rules[0].tags.newest.count: '0' is no whole number"
        ),
        (rule("tags: {newest: {count: '3', by: semver}}"), "s.yml:4:28: rules[0].tags.newest.count: is text"),
        (
            rule("tags: {newest: {count: 3, by: age}}"),
            "s.yml:4:35: rules[0].tags.newest.by: 'age' is none of the choices"
        ),
        (rule("tags: {newest: {count: 3}}"), "s.yml:4:12: rules[0].tags.newest.by: is missing"),
        (rule("compression: gzip:10"), "s.yml:4:18: rules[0].compression: 'gzip:10' is no compression"),
        (rule("strict: maybe"), "s.yml:4:13: rules[0].strict: 'maybe' is no boolean"),
        (rule("jobs: 65"), "s.yml:4:11: rules[0].jobs: '65' is no whole number"),
        (rule("rename: 'm/{tga}'"), "s.yml:4:13: rules[0].rename: 'm/{tga}': there is no {tga}"),
        (rule("format: v2"), "s.yml:4:13: rules[0].format: 'v2' is none"),
        (rule("on-existing: ask"), "s.yml:4:18: rules[0].on-existing: 'ask' is none"),
        ("rules: [{destination: 'store:/b'}]\n", "s.yml:1:9: rules[0].source: is missing"),
        (
            "rules: [{source: alpine, destination: 'store:/b'}]\n",
            "s.yml:1:18: rules[0].source: 'alpine' does not begin with a transport"
        ),
        ("registries: {'a b': {jobs: 1}}\n" + rule(), "s.yml:1:14: registries.a b: 'a b' is no HOST[:PORT]"),
        ("registries: {h: {rate: fast}}\n" + rule(), "s.yml:1:24: registries.h.rate: 'fast' is not a size"),
        (
            "registries: {h: {credentials: {file: /f, environment: E}}}\n" + rule(),
            "s.yml:1:18: registries.h.credentials: credentials come from one place"
        ),
        (
            "registries: {h: {credentials: {user: u}}}\n" + rule(),
            "s.yml:1:18: registries.h.credentials: 'user' and 'password' go together"
        ),
    ]

    @Test(arguments: cases.indices)
    func tellsWhatIsWrongAndWhere(_ index: Int) {
        let (text, mistake) = Self.cases[index]
        let found = Self.mistakes(text)
        if let mistake {
            #expect(found.first?.hasPrefix(mistake) == true, "\(text)\n\(found)")
        } else {
            #expect(found.isEmpty, "\(text)\n\(found)")
        }
    }

    /// What a schema cannot say.
    @Test(
        arguments: [
            (rule() + "rules: []\n", "is there twice"), (rule("tags: {globs: '['}"), "is not closed"),
            (rule("tags: {semver: soon}"), "is no range of versions"),
            (rule("tags: {expressions: '(a'}"), "'(a': a '(' is not closed"), (rule("tags:"), "has no value"),
            (
                "rules: [{source: 'docker://docker.io/library/alpine', destination: 'store:/b'}]",
                "everything that is there, at a public registry"
            ),
            ("rules: [{source: 'store:/a', destination: 'docker-archive:-'}]", "is standard output"),
            ("rules: [{source: 'store:/a'}]", "destination: is missing"), ("rules: [{source: 'store:/a'", "s.yml:"),
            (
                "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
                "more than 100000 values"
            ),
        ])
    func refusesAlso(_ text: String, _ mistake: String) {
        let found = Self.mistakes(text)
        #expect(found.contains { $0.contains(mistake) }, "\(found)")
    }

    @Test func neverRepeatsAPassword() {
        for credentials in [
            "{user: u, password: [s3cr3t]}", "{password: s3cr3t}", "{user: u, password: s3cr3t, fil: x}",
        ] {
            let found = Self.mistakes("registries: {h: {credentials: \(credentials)}}\n" + Self.rule())
            #expect(!found.isEmpty && !found.contains { $0.contains("s3cr3t") }, "\(found)")
        }
    }

    @Test func theSampleIsRight() throws {
        let bytes = Array(try Data(contentsOf: Self.samples.appending(path: "sync.yml")))
        let file = try SyncFile.read(bytes, name: "sync.yml")
        #expect(file.rules.map(\.name) == ["alpine", "kubernetes", "team"])
        #expect(file.rules[0].tags?.newest == TagSelection.Newest(3, by: .semver))
        #expect(file.rules[1].destination.description == "docker://registry.example:5000")
        #expect(file.rules[2].options.platforms == .only([Platform(os: "linux", architecture: "amd64")]))
        #expect(file.registries["registry.example:5000"]?.jobs == 4)
    }

    /// Every case, right or wrong, by the schema that the repository ships: Python's jsonschema is the judge.
    @Test func theSchemaAgrees() throws {
        let judge = """
            import json, sys, jsonschema, yaml
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema)
            texts = [open(sys.argv[2]).read()] + json.load(sys.stdin)
            print(json.dumps([validator.is_valid(yaml.safe_load(text)) for text in texts]))
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c", judge, Self.samples.appending(path: "sync.schema.json").path,
            Self.samples.appending(path: "sync.yml").path,
        ]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(Self.cases.map(\.text)))
        try input.fileHandleForWriting.close()
        let answer = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let verdicts = try JSONDecoder().decode([Bool].self, from: answer)
        try #require(verdicts.count == Self.cases.count + 1)
        #expect(verdicts[0])
        for (verdict, (text, mistake)) in zip(verdicts.dropFirst(), Self.cases) {
            #expect(verdict == (mistake == nil), "\(text)")
        }
    }
}
