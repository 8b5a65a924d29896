import Foundation
import ImageModel
import Testing

/// What comes back is what was asked for, and what else is there stays, or goes, as told.
struct RestoreTests {
    private let scratch: Scratch
    private let backup: String
    private let layout: CraftedLayout

    /// Two snapshots: `app:2` and `tool:1` came, and `app:1` was moved.
    init() throws {
        scratch = try Scratch()
        backup = scratch["backup"]
        layout = try CraftedLayout(scratch["layout"])
        let store = "store:\(scratch["store"])"
        try layout.add(layout.image([layout.layer("old")]), "team/app:1")
        try Command.succeed("copy", "oci:\(scratch["layout"])", store)
        _ = try Backups.run(store, to: backup)
        let second = try CraftedLayout(scratch["second"])
        for name in ["team/app:1", "team/app:2", "tool:1"] { try second.add(second.image([second.layer(name)]), name) }
        try Command.succeed("copy", "oci:\(scratch["second"])", store)
        // What `app:1` meant is a manifest of its own in the store; it is no longer after this.
        let old = try Command.succeed("ls", "--output", "json", "\(store):team/app").rows().first { $0.tag == nil }
        try Command.succeed("delete", "\(store):team/app@\(try #require(old).digest)")
        _ = try Backups.run(store, to: backup)
    }

    private func names(_ place: String) throws -> Set<String> {
        Set(try Command.succeed("ls", "--output", "json", place).rows().map(\.name))
    }

    @Test func oneRepositoryOrTag() throws {
        for (image, expected) in [
            ("team/app", ["team/app:1", "team/app:2"]), ("team/app:2", ["team/app:2"]),
            ("t*", ["team/app:1", "team/app:2", "tool:1"]), ("tool", ["tool:1"]),
        ] as [(String, Set<String>)] {
            let target = "store:\(scratch[UUID().uuidString])"
            try Command.succeed("restore", "--image", image, backup, target)
            #expect(try names(target) == expected, "\(image)")
        }
        let none = try Command.dray("restore", "--image", "nobody", backup, "store:\(scratch["none"])")
        #expect(none.status == 4 && none.errors.contains("nobody"), "\(none.errors)")
        let archive = "docker-archive:\(scratch["one.tar"])"
        try Command.succeed("restore", "--image", "tool:1", backup, archive)
        #expect(try names(archive) == ["tool:1"])
    }

    @Test func asOfADate() throws {
        let snapshots = try Backups.snapshots(backup)
        try #require(snapshots.count == 2)
        let today = snapshots[0].id.prefix(8)
        let dashed = "\(today.prefix(4))-\(today.dropFirst(4).prefix(2))-\(today.suffix(2))"
        for (text, expected) in [(snapshots[0].id, 1), (snapshots[1].id, 3), ("latest", 3), (dashed, 3), ("2999", 3)] {
            let target = "store:\(scratch[UUID().uuidString])"
            try Command.succeed("restore", "--snapshot", text, backup, target)
            #expect(try names(target).count == expected, "\(text)")
        }
        for (text, status, word) in [
            ("2001-01-01", 4, "oldest"), ("yesterday", 64, "date"), ("20010101T000000.000Z", 4, "no snapshot"),
        ] {
            let result = try Command.dray("restore", "--snapshot", text, backup, "store:\(scratch["none"])")
            #expect(result.status == status && result.errors.contains(word), "\(text): \(result.errors)")
        }
    }

    @Test(arguments: ["store", "oci", "docker"])
    func onlyAMirrorTakesAway(_ transport: String) async throws {
        let registry = transport == "docker" ? try await Registry(serving: scratch["target"], scratch: scratch) : nil
        let target = registry.map { "docker://\($0.address)/" } ?? "\(transport):\(scratch["target"])"
        let first = try Backups.snapshots(backup)[0].id
        try layout.add(layout.image([layout.layer("other")]), "other/app:1")
        try Command.succeed("copy", "oci:\(scratch["layout"])", target)
        try Command.succeed("restore", backup, target)
        let host = registry.map { "\($0.address)/" } ?? ""
        let all = Set(["other/app:1", "team/app:1", "team/app:2", "tool:1"].map { host + $0 })
        #expect(try names(target).filter { !$0.contains("@") } == all)

        let dry = try Command.succeed(
            "restore", "--dry-run", "--mirror", "--output", "json", "--snapshot", first, backup, target)
        let report = try JSONDecoder().decode(Backups.Report.self, from: dry.output)
        #expect(try names(target).isSuperset(of: all))
        #expect(try #require(report.removed).count >= 4)
        #expect(report.images.contains { $0.tag == "1" && $0.before != nil && $0.before != $0.digest })

        // In the repository that is named alone; then everywhere.
        try Command.succeed("restore", "--mirror", "--yes", "--image", "tool", backup, target)
        #expect(try names(target).isSuperset(of: all))
        try Command.succeed("restore", "--mirror", "--yes", "--snapshot", first, backup, target)
        #expect(try names(target) == ["\(host)team/app:1"])
    }

    /// What could not be read when the snapshot was made may be at the target alone.
    @Test func anIncompleteSnapshotIsNotMirrored() throws {
        let store = scratch["target"]
        try Command.succeed("restore", backup, "store:\(store)")
        let manifests = "\(store)/docker/registry/v2/repositories/tool/_manifests/revisions/sha256"
        try Command.shell("for link in \(manifests)/*/link; do mv $link $link.away; echo > $link; done")
        let incomplete = scratch["incomplete"]
        let made = try Command.dray("backup", "--keep-going", "store:\(store)", incomplete)
        #expect(made.status == 2, "\(made.errors)")
        try Command.shell("for link in \(manifests)/*/link; do mv $link.away $link; done")
        let before = try names("store:\(store)")
        let refused = try Command.dray("restore", "--mirror", incomplete, "store:\(store)")
        #expect(refused.status == 1 && refused.errors.contains("is incomplete"), "\(refused.errors)")
        #expect(try names("store:\(store)") == before)
        try Command.succeed("restore", incomplete, "store:\(store)")
    }

    /// What could not be restored is not replaced by anything: what the target has in its place stays.
    @Test func aMirrorThatFailsRemovesNothing() throws {
        let store = scratch["target"]
        try Command.succeed("restore", "--snapshot", Backups.snapshots(backup)[0].id, backup, "store:\(store)")
        try layout.add(layout.image([layout.layer("other")]), "other/app:1")
        try Command.succeed("copy", "oci:\(scratch["layout"])", "store:\(store)")
        let before = try names("store:\(store)")
        let damaged = scratch["damaged"]
        try Command.shell(
            "cp -a \(backup) \(damaged); for blob in \(damaged)/blobs/sha256/*; do head -c 4 $blob | grep -q '^{' || printf x >> $blob; done"
        )
        let run = try Command.dray("restore", "--mirror", "--keep-going", damaged, "store:\(scratch["new"])")
        #expect(run.status != 0, "\(run.errors)")
        let mirrored = try Command.dray("restore", "--mirror", "--yes", "--keep-going", damaged, "store:\(store)")
        #expect(try names("store:\(store)").isSuperset(of: before), "\(mirrored.errors)")
        #expect(mirrored.status == 0 || mirrored.errors.contains("nothing is removed"), "\(mirrored.errors)")
    }

    @Test func aMirrorIsOfAllOfAPlace() throws {
        for arguments in [
            ["--mirror", backup, "oci-archive:\(scratch["a.tar"])"], ["--mirror", backup, "store:\(scratch["t"]):x"],
            ["--mirror", "--image", "team/app:1", backup, "store:\(scratch["t"])"],
        ] {
            let result = try Command.dray(["restore"] + arguments)
            #expect(result.status == 64 && result.errors.contains("--mirror"), "\(result.errors)")
        }
    }
}
