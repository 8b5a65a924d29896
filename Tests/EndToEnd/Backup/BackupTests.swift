import Foundation
import ImageModel
import Testing

/// A registry goes to disk again and again, and comes back as of each date.
struct BackupTests {
    /// An index that is a referrer of its own child is one image, and not two.
    @Test func aReferrerOfItsOwnPartIsListedOnce() throws {
        let scratch = try Scratch()
        try Command.succeed(
            "copy", "oci:\(Fixtures.path)/oci-layout/regclient-testrepo", "store:\(scratch["store"])")
        let server = try Server(serving: ["store:\(scratch["store"])"], in: scratch)
        var lists: [[String]] = []
        for _ in 1...3 {
            _ = try Backups.run("docker://\(server.address)/", to: scratch["backup"])
            let index = try Command.shell("cat \(scratch["backup"])/snapshots/latest/regclient-testrepo/index.json")
            let found = try JSONDecoder().decode(ImageIndex.self, from: index.output)
            lists.append(
                found.manifests.map { "\($0.digest) \($0.annotations?["org.opencontainers.image.ref.name"] ?? "")" }
                    .sorted())
        }
        #expect(lists[0].contains { $0.contains("loop") })
        #expect(lists.allSatisfy { $0 == lists[0] && Set($0).count == $0.count })
    }

    /// Debian's registry is changed between two backups, over its API and from its storage.
    @Test func aRegistryComesBackAsOfEachDate() async throws {
        let scratch = try Scratch()
        let registry = try await Registry(serving: scratch["registry"], scratch: scratch)
        let sources = ["docker://\(registry.address)/", "store:\(scratch["registry"])"]
        var states: [[String]] = []
        var snapshots: [[String]] = [[], []]
        for round in 1...2 {
            try Backups.fill(registry.address, round: round)
            let state = try Backups.content(ofRegistry: registry.address)
            states.append(state)
            for (number, source) in sources.enumerated() {
                let backup = scratch["backup\(number)"]
                let report = try Backups.run(source, to: backup)
                let snapshot = try #require(report.snapshot)
                snapshots[number].append(snapshot)
                #expect(try Backups.content(of: snapshot, in: backup) == state)
                #expect(try Backups.run(source, to: backup).bytesMoved == 0)
            }
        }
        try #require(states[0] != states[1])
        // The whole of the second state, and the deleted image and the moved tag of the first.
        let blobs = Set(states.joined().map { $0.split(separator: " ").last.map(String.init) ?? "" })
        for (number, ids) in snapshots.enumerated() {
            let backup = scratch["backup\(number)"]
            for (id, state) in zip(ids, states) {
                let target = try await Registry(serving: scratch["target\(id)"], scratch: scratch)
                try Command.succeed("restore", "--snapshot", id, backup, "docker://\(target.address)/")
                #expect(try Backups.content(ofRegistry: target.address) == state)
            }
            let sizes = try Command.shell("cd \(backup) && find . -type f -printf '%p %s\\n'").lines
            let total = sizes.compactMap { Int($0.split(separator: " ").last ?? "") }.reduce(0, +)
            let own = sizes.filter { $0.hasPrefix("./blobs") }
            let unique = own.compactMap { Int($0.split(separator: " ").last ?? "") }.reduce(0, +)
            #expect(
                blobs.isSubset(
                    of: Set(own.compactMap { $0.split(separator: /[\/ ]/).dropLast().last.map { "sha256:\($0)" } })))
            // Four snapshots of two states.
            #expect(Double(total) <= Double(unique) * 1.02, "\(total) bytes for \(unique)")
        }
        try await restoreIntoEverything(scratch, snapshots[0][0], states[0])
    }

    private func restoreIntoEverything(_ scratch: Scratch, _ snapshot: String, _ state: [String]) async throws {
        try Command.succeed("restore", "--snapshot", snapshot, scratch["backup0"], "store:\(scratch["store"])")
        let served = try await Registry(serving: scratch["store"], scratch: scratch)
        #expect(try Backups.content(ofRegistry: served.address) == state)
        #expect(try served.garbage().isEmpty)
        let names = Set(try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows().map(\.name))
        for target in ["oci:\(scratch["all"])", "oci-archive:\(scratch["all.tar"])"] {
            try Command.succeed("restore", "--snapshot", snapshot, scratch["backup0"], target)
            let rows = try Command.succeed("ls", "--output", "json", target).rows()
            #expect(Set(rows.filter { $0.tag != nil }.map(\.name)) == names.filter { !$0.contains("@") })
        }
    }

    @Test func otherToolsReadTheLayouts() async throws {
        let scratch = try Scratch()
        let registry = try await Registry(serving: scratch["registry"], scratch: scratch)
        try Backups.fill(registry.address, repositories: 7)
        try Command.succeed("backup", "docker://\(registry.address)/", scratch["backup"])
        let latest = "\(scratch["backup"])/snapshots/latest"
        // skopeo looks only at manifests of OCI's types in a layout; dray at all.
        for tag in ["1.0", "1.2", "1.3"] {
            let name = "team1/app6/worker:\(tag)"
            let digest = try Command.succeed("digest", "docker://\(registry.address)/\(name)").text.trimmed
            let raw = try Command.shell("skopeo inspect --raw oci:\(latest)/\(name) | sha256sum")
            #expect("sha256:\(raw.text.prefix(64))" == digest, "\(raw.errors)")
        }
        let copied = try Command.succeed("copy", "oci:\(latest)/team1/app6/worker", "store:\(scratch["copied"])")
        #expect(copied.text.contains(":1.1 "))
        let back = try Command.shell(
            "skopeo copy -q --all --dest-tls-verify=false oci:\(latest)/team1/app6/worker:1.0 docker://\(registry.address)/back:1"
        )
        #expect(back.status == 0, "\(back.errors)")
        let unpacked = try Command.run(
            "umoci", ["unpack", "--rootless", "--image", "\(latest)/team1/app6/worker:1.4", scratch["bundle"]])
        #expect(unpacked.status == 0, "\(unpacked.errors)")
        #expect(scratch.files(below: "bundle/rootfs").contains { $0.hasPrefix("data/team1/app6/worker:1.4") })
    }

    /// With nothing new, a run asks for lists, for what each tag means, and for each manifest's referrers.
    @Test func anUnchangedRegistryCostsALookAtEachTag() throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry([], scratch: scratch)
        let layout = try CraftedLayout(scratch["layout"])
        let base = try layout.layer("base")
        let children = try ["amd64", "arm64"].map {
            try layout.image([base, layout.layer($0)], architecture: $0)
        }
        let index = try layout.index(zip(children, ["amd64", "arm64"]).map { $0.on($1) })
        try layout.add(index, "team/app:1")
        try layout.add(index, "team/app:latest")
        try layout.add(children[0], "team/other:1")
        try Command.succeed("copy", "oci:\(scratch["layout"])", "docker://\(registry.address)/")
        let source = "docker://\(registry.address)/"
        _ = try Backups.run(source, to: scratch["backup"])

        var before = try registry.requests.count
        #expect(try Backups.run(source, to: scratch["backup"]).bytesMoved == 0)
        let requests = try registry.requests.dropFirst(before).filter { $0.path != "/v2/" }
        let kinds = Dictionary(grouping: requests) { request in
            "\(request.method) " + (request.path.split(separator: "/").dropLast().last.map(String.init) ?? "")
        }.mapValues(\.count)
        // Two manifests and their index in one repository, and one manifest in another.
        #expect(
            kinds == ["GET v2": 1, "GET tags": 2, "HEAD manifests": 3, "GET referrers": 4],
            "\(requests.map { "\($0.method) \($0.path)" })")

        // A signature of one platform alone is new.
        let signature = try layout.image([layout.layer("signature")], subject: children[1])
        try layout.add(signature)
        try Command.succeed(
            "copy", "oci:\(scratch["layout"])@\(signature.digest)", "docker://\(registry.address)/team/app")
        before = try registry.requests.count
        #expect(try Backups.run(source, to: scratch["backup"]).bytesMoved > 0)
        #expect(try !registry.requests.dropFirst(before).contains { $0.path.contains(base.layer.digest.description) })
        // It is kept from then on, and comes back; no fallback tag is made for it where there was none.
        #expect(try Backups.run(source, to: scratch["backup"]).bytesMoved == 0)
        let target = try ScriptedRegistry(["no-referrers"], scratch: scratch)
        try Command.succeed("restore", scratch["backup"], "docker://\(target.address)/")
        let rows = try Command.succeed("ls", "--output", "json", "docker://\(target.address)/").rows()
        #expect(Set(rows.compactMap(\.tag)) == ["1", "latest"])
        #expect(
            try Command.succeed("digest", "docker://\(target.address)/team/app@\(signature.digest)").text.trimmed
                == signature.digest.description)
    }

    /// What tags mean is asked several at once, of all repositories, and no more at once than is allowed.
    @Test(arguments: [4, 2]) func tagsAreLookedUpTogether(_ jobs: Int) throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry(["gather"], scratch: scratch)
        let layout = try CraftedLayout(scratch["layout"])
        let image = try layout.image([layout.layer("a")])
        for number in 1...4 { try layout.add(image, "app\(number):1") }
        try Command.succeed("copy", "oci:\(scratch["layout"])", "docker://\(registry.address)/")
        let source = "docker://\(registry.address)/"
        try Command.succeed("backup", "--jobs", "\(jobs)", source, scratch["backup"])
        #expect(try Backups.snapshots(scratch["backup"]).map(\.tags) == [4])
        #expect(try registry.requests.map(\.beside).max() == jobs)
    }

    /// As old registries have them: signed, and going by what is signed.
    @Test func schema1ComesBack() async throws {
        let scratch = try Scratch()
        let registry = try await Registry(serving: scratch["registry"], scratch: scratch)
        let push = try Command.shell(
            "skopeo copy -q --format v2s1 --dest-tls-verify=false docker-archive:\(try Samples.archive(scratch)) "
                + "docker://\(registry.address)/old/app:1")
        try #require(push.status == 0, "\(push.errors)")
        let digest = try Command.succeed("digest", "docker://\(registry.address)/old/app:1").text.trimmed
        for (name, source) in [("api", "docker://\(registry.address)/"), ("disk", "store:\(scratch["registry"])")] {
            let backup = scratch["backup-\(name)"]
            #expect(try Backups.run(source, to: backup).images.map(\.digest) == [digest])
            #expect(try Backups.run(source, to: backup).bytesMoved == 0)
            let verified = try Command.dray("verify", "--deep", backup)
            #expect(verified.status == 0 && !verified.text.contains("remark"), "\(verified.text)\(verified.errors)")
            try Command.succeed("restore", backup, "store:\(scratch["store-\(name)"])")
            let served = try await Registry(serving: scratch["store-\(name)"], scratch: scratch)
            let pull = try Command.shell(
                "skopeo copy -q --src-tls-verify=false docker://\(served.address)/old/app@\(digest) "
                    + "dir:\(scratch["pull-\(name)"])")
            #expect(pull.status == 0, "\(pull.errors)")
            #expect(try served.garbage().isEmpty)
            #expect(try Verification.run("--deep", "store:\(scratch["store-\(name)"])", status: 0).remarks.isEmpty)
        }
        let target = try await Registry(serving: scratch["target"], scratch: scratch)
        try Command.succeed("restore", scratch["backup-api"], "docker://\(target.address)/")
        #expect(try Command.succeed("digest", "docker://\(target.address)/old/app:1").text.trimmed == digest)
    }

    /// The tag list tells which fallback tags there are.
    @Test func withoutAReferrersAPINothingIsAskedFor() throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry(["no-referrers"], scratch: scratch)
        let layout = try CraftedLayout(scratch["layout"])
        let image = try layout.image([layout.layer("a")])
        try layout.add(image, "app:1")
        try layout.add(layout.image([layout.layer("b")], subject: image))
        try Command.succeed("copy", "oci:\(scratch["layout"])", "docker://\(registry.address)/")
        let source = "docker://\(registry.address)/"
        _ = try Backups.run(source, to: scratch["backup"])
        let before = try registry.requests.count
        #expect(try Backups.run(source, to: scratch["backup"]).bytesMoved == 0)
        let requests = try registry.requests.dropFirst(before).filter { $0.path.contains("/app/") }
        #expect(requests.count { $0.method == "HEAD" } == 2)
        #expect(requests.count { $0.path.contains("/referrers/") } == 1)
        #expect(requests.count == 4, "\(requests.map { "\($0.method) \($0.path)" })")
        // The fallback tag comes back as it was.
        let target = try ScriptedRegistry(["no-referrers"], scratch: scratch)
        try Command.succeed("restore", scratch["backup"], "docker://\(target.address)/")
        let tags = try [registry, target].map {
            try Command.succeed("ls", "--output", "json", "docker://\($0.address)/app").rows().map {
                "\($0.tag ?? "") \($0.digest)"
            }
        }
        #expect(tags[0] == tags[1] && tags[0].count == 2)
    }

    @Test func patternsChooseRepositories() throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry([], scratch: scratch)
        let layout = try CraftedLayout(scratch["layout"])
        for name in ["team/app:1", "team/deep/app:1", "team:1", "other/app:1"] {
            try layout.add(layout.image([layout.layer(name)]), name)
        }
        try Command.succeed("copy", "oci:\(scratch["layout"])", "docker://\(registry.address)/")
        try Command.succeed("copy", "oci:\(scratch["layout"])", "store:\(scratch["store"])")
        for source in ["docker://\(registry.address)/team/*", "store:\(scratch["store"]):team/*"] {
            let backup = scratch[UUID().uuidString]
            _ = try Backups.run(source, to: backup)
            #expect(try Backups.snapshots(backup).map(\.repositories) == [["team/app", "team/deep/app"]])
        }
        try Command.succeed(
            "backup", "docker://\(registry.address)/team", "store:\(scratch["store"]):other/app", scratch["two"])
        #expect(try Backups.snapshots(scratch["two"]).map(\.repositories) == [["other/app", "team"]])
        let none = try Command.dray("backup", "docker://\(registry.address)/nobody/*", scratch["none"])
        #expect(none.status == 4 && none.errors.contains("nobody/*"), "\(none.errors)")
    }

    @Test func aDryRunTellsTheRunAndWritesNothing() throws {
        let scratch = try Scratch()
        let store = "store:\(scratch["store"])"
        try Command.succeed("copy", try Samples.archive(scratch, mebibytes: 1), store)
        let dry = try Command.dray("backup", "--dry-run", "--output", "json", store, scratch["backup"])
        let foreseen = try JSONDecoder().decode(Backups.Report.self, from: dry.output)
        #expect(!FileManager.default.fileExists(atPath: scratch["backup"]))
        let done = try Backups.run(store, to: scratch["backup"])
        #expect(foreseen.bytesMoved == done.bytesMoved && done.bytesMoved > 0 && foreseen.snapshot == nil)
        #expect(try #require(foreseen.bytesFree) > 0)
        let files = scratch.files(below: "backup")
        try Command.succeed("backup", "--dry-run", store, scratch["backup"])
        #expect(scratch.files(below: "backup") == files)

        let target = "store:\(scratch["target"])"
        let restore = try Command.succeed("restore", "--dry-run", "--output", "json", scratch["backup"], target)
        let outlook = try JSONDecoder().decode(Backups.Report.self, from: restore.output)
        #expect(!FileManager.default.fileExists(atPath: scratch["target"]))
        #expect(outlook.images.map(\.before) == [nil] && outlook.bytesMoved == done.bytesMoved)
        try Command.succeed("restore", scratch["backup"], target)
        let again = try Command.succeed("restore", "--dry-run", "--output", "json", scratch["backup"], target)
        let unchanged = try JSONDecoder().decode(Backups.Report.self, from: again.output)
        #expect(unchanged.images.map(\.before) == unchanged.images.map(\.digest) && unchanged.bytesMoved == 0)
    }

    /// Repositories whose names are those of a layout's own parts.
    @Test func everyNameFits() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let names = ["a:1", "a/blobs:1", "a/blobs/sha256:1", "a/index.json:1", "a/oci-layout:1", "blobs:1", "latest:1"]
        for name in names { try layout.add(layout.image([layout.layer(name)]), name) }
        try Command.succeed("copy", "oci:\(scratch["layout"])", "store:\(scratch["store"])")
        _ = try Backups.run("store:\(scratch["store"])", to: scratch["backup"])
        try Backups.check(scratch["backup"])
        try Command.succeed("restore", scratch["backup"], "store:\(scratch["back"])")
        let diff = try Command.shell("diff -r \(scratch["store"])/docker \(scratch["back"])/docker")
        #expect(diff.status == 0, "\(diff.text)")
    }
}
