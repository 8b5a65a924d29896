import Foundation
import Testing

/// `dray gc` beside the original's garbage collection, over the same stores.
struct GarbageTests {
    /// Lines of both programs that name what goes, as sets.
    private func eligible(_ lines: [String]) -> (blobs: Set<String>, manifests: Set<String>) {
        func digests(_ prefix: String) -> Set<String> {
            Set(lines.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) })
        }
        return (digests("blob eligible for deletion: "), digests("manifest eligible for deletion: "))
    }

    private func marked(_ lines: [String]) -> Int? {
        lines.first { $0.contains(" blobs marked, ") }.flatMap { Int($0.prefix { $0.isNumber }) }
    }

    private func dray(_ arguments: String..., place: String) throws -> Command {
        let result = try Command.dray(["gc", "--grace", "0"] + arguments + [place])
        #expect(result.status == 0, "\(arguments): \(result.errors)")
        return result
    }

    private func original(_ arguments: String..., config: String) throws -> Command {
        try Command.run("docker-registry", ["garbage-collect"] + arguments + [config])
    }

    /// Case 40, over a registry that runs.
    @Test func aSoftDeleteBecomesAHardOne() async throws {
        let scratch = try Scratch()
        let registry = try await Registry(
            serving: scratch["root"], scratch: scratch, extra: "redis: {addr: \"127.0.0.1:1\"}")
        let archive = try Samples.archive(scratch)
        let root = "\(scratch["root"])/docker/registry/v2"
        func files() throws -> String {
            try Command.shell("find \(root) -type f -o -type d -empty | sort").text
        }
        try Command.succeed("copy", archive, "docker://\(registry.address)/library/hello:latest")
        let digest = try Command.succeed("digest", "store:\(scratch["root"]):library/hello:latest").text.trimmed
        // Shares every layer, and none of the rest.
        try Command.succeed("copy", "--format", "oci", archive, "docker://\(registry.address)/other/app:1")
        let deleted = try Command.shell(
            "curl -s -o /dev/null -w '%{http_code}' -X DELETE http://\(registry.address)/v2/library/hello/manifests/\(digest)"
        )
        #expect(deleted.text == "202")
        let before = try files()
        let theirs = try original("--dry-run", config: registry.config)
        let ours = try dray("--dry-run", place: registry.config)
        #expect(try files() == before)
        #expect(eligible(ours.lines) == eligible(theirs.lines) && marked(ours.lines) == marked(theirs.lines))
        #expect(eligible(ours.lines).blobs.contains(digest))
        #expect(
            ours.lines.first == "library/hello"
                && ours.lines.contains { $0.hasSuffix(" bytes) to free") || $0.hasSuffix(") to free") })
        #expect(ours.text.contains("blobs and 0 manifests eligible for deletion\nblob eligible"))
        #expect(ours.errors.contains("a Go registry seems to serve \(scratch["root"]) (process "), "\(ours.errors)")
        let alias = try Command.dray(["garbage-collect", "-d", "-m", "-q", "--grace", "0", "store:\(scratch["root"])"])
        #expect(alias.status == 0 && alias.lines.count == 2 && alias.errors.isEmpty)
        let run = try dray(place: registry.config)
        #expect(run.lines.dropLast() == ours.lines.dropLast())
        #expect(try !files().contains(String(digest.dropFirst(7))))
        // The same again over a store that the other program collects afterwards: there is nothing left for it.
        #expect(try eligible(original("--dry-run", config: registry.config).lines) == ([], []))
        let restarted = try await Registry(serving: scratch["root"], scratch: scratch)
        let other = try Command.succeed("ls", "--output", "json", scratch["root"]).rows()
        #expect(other.map(\.name) == ["other/app:1"])
        try Command.succeed("copy", archive, "docker://\(restarted.address)/library/hello:latest")
        try restarted.check(
            Command.succeed("ls", "--output", "json", scratch["root"]).rows(), scratch: scratch)
    }

    /// Both programs about every blob of stores with all kinds of sound content.
    @Test(arguments: [(0.3, 0.7), (0.0, 1.0), (1.0, 0.3)])
    func bothAgreeAboutEveryBlob(_ garbage: Double, _ shared: Double) throws {
        let scratch = try Scratch()
        let made = try Command.script(
            "samples/tools/make-store",
            [
                scratch["root"], "--repositories", "20", "--manifests", "10", "--garbage", "\(garbage)", "--shared",
                "\(shared)", "--config", scratch["config.yml"],
            ])
        #expect(made.status == 0, "\(made.errors)")
        // A few tags less, for those that go untagged.
        try Command.shell("rm -r \(scratch["root"])/docker/registry/v2/repositories/*/app*/_manifests/tags/v[37]")
        for extra in [[], ["-m"]] {
            let theirs = try Command.run(
                "docker-registry", ["garbage-collect", "--dry-run"] + extra + [scratch["config.yml"]])
            let ours = try Command.dray(["gc", "--dry-run", "--grace", "0"] + extra + [scratch["config.yml"]])
            #expect(theirs.status == 0 && ours.status == 0, "\(theirs.errors)\(ours.errors)")
            #expect(eligible(ours.lines) == eligible(theirs.lines) && marked(ours.lines) == marked(theirs.lines))
        }
        let planned = try dray("-d", "-m", place: scratch["config.yml"])
        let run = try dray("-m", place: scratch["root"])
        #expect(planned.lines.dropLast() == run.lines.dropLast())
        for extra in [[], ["-m"]] {
            let theirs = try Command.run(
                "docker-registry", ["garbage-collect", "--dry-run"] + extra + [scratch["config.yml"]])
            #expect(theirs.status == 0 && eligible(theirs.lines) == ([], []))
        }
    }

    @Test(.enabled(if: Fixtures.arePresent)) func bothAgreeAboutARealStore() throws {
        let scratch = try Scratch()
        try Command.shell(
            "mkdir \(scratch["root"]); tar -xf \(Fixtures.path)/registry-store-artifacts.tar.gz -C \(scratch["root"])")
        let found = try Command.shell("dirname $(find \(scratch["root"]) -type d -name docker | head -1)").text.trimmed
        try scratch.write(
            "version: 0.1\nstorage: {filesystem: {rootdirectory: \(found)}}\nhttp: {addr: 127.0.0.1:0}\n",
            to: "config.yml")
        let theirs = try original("--dry-run", config: scratch["config.yml"])
        let ours = try dray("--dry-run", place: "store:\(found)")
        #expect(theirs.status == 0 && eligible(ours.lines) == eligible(theirs.lines), "\(theirs.errors)")
    }

    @Test func quarantineIsListedUndoneAndPurged() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        let store = "store:\(scratch["root"])"
        try Command.succeed("copy", archive, store + ":a:1")
        let digest = try Command.succeed("digest", store + ":a:1").text.trimmed
        func files() throws -> String {
            try Command.shell("cd \(scratch["root"])/docker; find . -type f | sort | xargs sha256sum").text
        }
        try Command.succeed("delete", store + ":a@\(digest)")
        let before = try files()
        let run = try dray("--quarantine", place: store)
        #expect(run.lines.last?.contains("moved to quarantine 2") == true)
        #expect(try files() != before)
        let listed = try Command.succeed("gc", "--list-quarantine", store).lines
        #expect(listed.count == 1)
        let id = String(listed[0].prefix { $0 != " " })
        let list = try String(contentsOfFile: scratch["root/.dray/quarantine/\(id)/list.json"], encoding: .utf8)
        #expect(list.contains("\"path\" : \"docker/registry/v2/blobs/sha256/\(digest.dropFirst(7).prefix(2))/"))
        #expect(try Command.dray("gc", "--undo", "nope", store).status == 4)
        #expect(try Command.dray("gc", "--undo", id, "--dry-run", store).status == 64)
        try Command.succeed("gc", "--undo", "latest", store)
        #expect(try files() == before)
        try dray("--quarantine", place: store).lines.last.map { #expect($0.contains("moved")) }
        try Command.succeed("gc", "--purge-quarantine", "all", store)
        #expect(try Command.succeed("gc", "--list-quarantine", store).lines.isEmpty)
    }

    /// A blob whose manifest is still to come waits, and the output says until when; a read-only registry has no such blobs.
    @Test func waitingContentIsReported() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        let server = try Server(in: scratch, program: .dray)
        try Command.succeed("copy", archive, "docker://\(server.address)/team/app:1")
        let digest = try Command.succeed("digest", "docker://\(server.address)/team/app:1").text.trimmed
        let upload = "http://\(server.address)/v2/team/app/blobs/uploads/"
        let sum = "sha256:\(try Command.shell("printf waiting | sha256sum").text.prefix(64))"
        #expect(
            try Command.shell("curl -s -o /dev/null -w '%{http_code}' -d waiting '\(upload)?digest=\(sum)'").text
                == "201")
        try Command.succeed("delete", "docker://\(server.address)/team/app@\(digest)")
        let run = try Command.succeed("gc", server.config)
        #expect(run.text.contains("blob eligible for deletion: \(digest)"))
        let line = try #require(run.lines.last)
        let pattern = /1 blob \(7 B\) kept by the grace time until (\S+Z); pass --grace 0 if no push is in progress/
        let until = try #require(line.wholeMatch(of: pattern), "\(line)").1
        let wait = try Date(String(until), strategy: .iso8601).timeIntervalSinceNow
        #expect((2400...3601).contains(wait))
        let report = try JSONDecoder().decode(
            Report.self, from: Command.succeed("gc", "--output", "json", "--dry-run", server.config).output)
        #expect(report.waiting.blobs == 1 && report.waiting.bytes == 7 && report.waiting.last == String(until))
        try scratch.write(
            String(contentsOfFile: server.config, encoding: .utf8)
                .replacing("delete:", with: "maintenance: {readonly: {enabled: true}}, delete:"), to: "read-only.yml")
        let readOnly = try Command.succeed("gc", scratch["read-only.yml"])
        #expect(readOnly.text.contains("blob eligible for deletion: \(sum)") && !readOnly.text.contains("grace time"))
    }

    private struct Report: Decodable {
        struct Waiting: Decodable {
            var blobs: Int
            var bytes: Int
            var last: String
        }
        var waiting: Waiting
    }

    @Test func whatIsNoStoreIsSaid() throws {
        let scratch = try Scratch()
        try scratch.write("?", to: "file/x")
        for (place, status, words) in [
            (scratch["nothing"], Int32(4), "there is no"), (scratch["file"], 4, "is no registry's storage"),
            ("store:\(scratch["file"])", 4, "is no registry's storage"),
            ("store:\(scratch["file"]):a:1", 64, "a whole store"),
            ("store:\(scratch["file"])/x", 1, "is an archive"),
        ] {
            for dryRun in [[], ["--dry-run"]] {
                let result = try Command.dray(["gc"] + dryRun + [place])
                #expect(result.status == status && result.errors.contains(words), "\(place): \(result.errors)")
            }
        }
        #expect(scratch.files(below: ".") == ["file/x"])
        let archive = try Samples.archive(scratch)
        try Command.succeed("copy", archive, "store:\(scratch["root"]):a:1")
        let digest = try Command.succeed("digest", "store:\(scratch["root"]):a:1").text.trimmed.dropFirst(7)
        try Command.shell("rm \(scratch["root"])/docker/registry/v2/blobs/sha256/*/\(digest)/data")
        let refused = try Command.dray("gc", scratch["root"])
        #expect(refused.status == 3 && refused.text.isEmpty, "\(refused.errors)")
        #expect(refused.errors.contains("a has the manifest sha256:\(digest)") && refused.errors.contains("giv"))
        // As the message says.
        try Command.shell(
            "rm \(scratch["root"])/docker/registry/v2/repositories/a/_manifests/revisions/sha256/\(digest)/link")
        #expect(try Command.dray("gc", scratch["root"]).status == 0)
    }
}
