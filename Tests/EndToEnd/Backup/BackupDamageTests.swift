import Foundation
import ImageModel
import Testing

/// Killed, locked out, lied to: what is listed is whole, and nothing else is touched.
struct BackupDamageTests {
    private static let kills = Samples.isLong ? 50 : 5

    /// Kills `command` at a random moment of the time that it takes.
    private func kill(_ command: String, within seconds: Double) throws {
        let moment = Double.random(in: 0.001...max(0.002, seconds))
        _ = try Command.shell("timeout -s KILL \(String(format: "%.3f", moment)) \(command)")
    }

    private func time(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }

    @Test func whatIsKilledIsCarriedOn() async throws {
        let scratch = try Scratch()
        let registry = try await Registry(serving: scratch["registry"], scratch: scratch)
        try Backups.fill(registry.address, repositories: 5)
        let state = try Backups.content(ofRegistry: registry.address)
        let source = "docker://\(registry.address)/"
        let whole = try time { _ = try Backups.run(source, to: scratch["measure"]) }
        for round in 0..<Self.kills {
            let backup = scratch["backup"]
            // Now and then from the start.
            if round % 5 == 4 { try? FileManager.default.removeItem(atPath: backup) }
            try kill("$DRAY backup -q --progress none \(source) \(backup)", within: whole)
            if FileManager.default.fileExists(atPath: "\(backup)/snapshots") { try Backups.check(backup) }
        }
        let snapshot = try #require(try Backups.run(source, to: scratch["backup"]).snapshot)
        #expect(try Backups.content(of: snapshot, in: scratch["backup"]) == state)
        #expect(try Command.shell("ls \(scratch["backup"])/.dray/staging").lines.isEmpty)

        let back = try time { try Command.succeed("restore", scratch["backup"], "store:\(scratch["measured"])") }
        for _ in 0..<Self.kills {
            try kill("$DRAY restore -q --progress none \(scratch["backup"]) store:\(scratch["target"])", within: back)
            guard FileManager.default.fileExists(atPath: "\(scratch["target"])/docker") else { continue }
            let served = try await Registry(serving: scratch["target"], scratch: scratch)
            let checked = try Command.script("Tests/check-registry", [served.address])
            #expect(checked.status == 0, "\(checked.errors)")
        }
        try Command.succeed("restore", scratch["backup"], "store:\(scratch["target"])")
        let served = try await Registry(serving: scratch["target"], scratch: scratch)
        #expect(try Backups.content(ofRegistry: served.address) == state)
    }

    /// The network breaks at random places, and nothing is asked again within a run.
    @Test func whatIsCutOffIsCarriedOn() async throws {
        let scratch = try Scratch()
        let registry = try await Registry(serving: scratch["registry"], scratch: scratch)
        try Backups.fill(registry.address, repositories: 5)
        let state = try Backups.content(ofRegistry: registry.address)
        var failed = 0
        func run(_ round: Int, _ address: String, _ command: (String) -> [String]) throws -> Int32 {
            let cutter = try Helper(
                "cutting-proxy",
                [String(address.split(separator: ":")[1]), "--cuts", "1", "--most", "100000", "--seed", "\(round)"])
            let result = try Command.dray(command("docker://127.0.0.1:\(cutter.port)/") + ["--retry-times", "0"])
            failed += result.status == 0 ? 0 : 1
            return result.status
        }
        let backup = scratch["backup"]
        var isWhole = false
        for round in 0..<Self.kills {
            // With nothing to fetch there is hardly anything to be cut off.
            if isWhole { try? FileManager.default.removeItem(atPath: backup) }
            let status = try run(round, registry.address) { ["backup", $0, backup] }
            isWhole = status == 0
            if FileManager.default.fileExists(atPath: "\(backup)/snapshots") {
                #expect(try Backups.check(backup) > 0 || status != 0)
            }
        }
        // Not each: a run with little to fetch may be over before.
        #expect(failed > 0)
        // A snapshot of the last proxy would be a second source to choose from.
        if isWhole { try FileManager.default.removeItem(atPath: backup) }
        let snapshot = try #require(try Backups.run("docker://\(registry.address)/", to: backup).snapshot)
        #expect(try Backups.content(of: snapshot, in: backup) == state)

        let target = try await Registry(serving: scratch["target"], scratch: scratch)
        for round in 0..<Self.kills {
            _ = try run(round, target.address) { ["restore", backup, $0] }
            let checked = try Command.script("Tests/check-registry", [target.address])
            #expect(checked.status == 0, "\(checked.errors)")
        }
        try Command.succeed("restore", backup, "docker://\(target.address)/")
        #expect(try Backups.content(ofRegistry: target.address) == state)
    }

    private func store(_ scratch: Scratch) throws -> String {
        try Command.succeed("copy", try Samples.archive(scratch, mebibytes: 1), "store:\(scratch["store"])")
        return "store:\(scratch["store"])"
    }

    @Test func oneRunAtATime() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        let backup = scratch["backup"]
        _ = try Backups.run(store, to: backup)
        let id = try Backups.snapshots(backup)[0].id
        // As a backup holds them, and as a restore does.
        let refused = [
            (
                "flock \(backup)/.dray/lock/snapshots",
                ["backup \(store) \(backup)", "forget \(backup) \(id)", "prune \(backup)"]
            ),
            ("flock -s \(backup)/.dray/lock/blobs", ["prune \(backup)"]),
            (
                "flock \(backup)/.dray/lock/blobs",
                ["backup \(store) \(backup)", "restore \(backup) store:\(scratch["x"])"]
            ),
        ]
        for (lock, commands) in refused {
            for command in commands {
                let result = try Command.shell("\(lock) $DRAY \(command)")
                #expect(result.status == 1 && result.errors.contains("in use"), "\(command): \(result.errors)")
            }
        }
        for command in ["backup \(store) \(backup)", "restore \(backup) store:\(scratch["y"])"] {
            let result = try Command.shell("flock -s \(backup)/.dray/lock/blobs $DRAY \(command)")
            #expect(result.status == 0, "\(command): \(result.errors)")
        }
        #expect(try Backups.snapshots(backup).count == 2)
    }

    @Test func pruneFreesWhatNoSnapshotNeeds() throws {
        let scratch = try Scratch()
        let backup = scratch["backup"]
        var ids: [String] = []
        for name in ["one", "two", "three"] {
            try? FileManager.default.removeItem(atPath: scratch["source"])
            let layout = try CraftedLayout(scratch["source"])
            let image = try layout.image([layout.layer("base"), layout.layer(name)])
            try layout.add(layout.index([image.on("amd64")]), "app:1")
            ids.append(try #require(try Backups.run("oci:\(scratch["source"])", to: backup).snapshot))
        }
        func blobs() -> Set<String> { Set(scratch.files(below: "backup/blobs/sha256")) }
        func needed(_ ids: [String]) throws -> Set<String> {
            Set(try ids.flatMap { try Backups.content(of: $0, in: backup) }.map { String($0.suffix(64)) })
        }
        let expected = try needed([ids[0], ids[2]])
        let sizes = try Backups.snapshots(backup)
        try Command.succeed("forget", "--dry-run", backup, ids[1])
        #expect(try Backups.snapshots(backup).map(\.id) == ids)
        try Command.succeed("forget", backup, ids[1])
        // A blob that a killed run has left.
        try scratch.write("left", to: "backup/blobs/sha256/\(String(repeating: "0", count: 64))")
        try scratch.write("no blob", to: "backup/blobs/sha256/notes.txt")
        let all = blobs()
        let dry = try Command.succeed("prune", "--dry-run", "--output", "json", backup)
        #expect(blobs() == all)
        let pruned = try Command.succeed("prune", "--output", "json", backup)
        #expect(blobs() == expected.union(["notes.txt"]) && expected.count < all.count - 2)
        struct Pruned: Decodable { var blobs: [String]; var bytes: Int64 }
        let reports = try [dry, pruned].map { try JSONDecoder().decode(Pruned.self, from: $0.output) }
        #expect(reports[0].blobs == reports[1].blobs && reports[0].bytes == reports[1].bytes)
        #expect(reports[1].bytes == sizes[1].uniqueBytes + 4)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(backup)/snapshots/latest") == ids[2])
        try Backups.check(backup)
        try Command.succeed("forget", "--keep-last", "1", backup)
        #expect(try Backups.snapshots(backup).map(\.id) == [ids[2]])
        try Command.succeed("forget", backup, ids[2])
        try Command.succeed("prune", backup)
        #expect(blobs() == ["notes.txt"])
        #expect(try Command.dray("restore", backup, "store:\(scratch["none"])").status == 4)
    }

    @Test func pruneRefusesWhatItCannotRead() throws {
        let scratch = try Scratch()
        let backup = scratch["backup"]
        _ = try Backups.run(try store(scratch), to: backup)
        let digest = try Command.succeed("digest", "oci:\(backup)/snapshots/latest/sample/app:1.0").text.trimmed
        let manifest = "backup/blobs/sha256/\(digest.dropFirst(7))"
        try scratch.write("{}", to: manifest)
        let files = scratch.files(below: "backup")
        let result = try Command.dray("prune", backup)
        #expect(result.status == 3 && result.errors.contains(digest), "\(result.errors)")
        #expect(scratch.files(below: "backup") == files)
    }

    /// What was lost, or is damaged where that shows, is read from the source once more.
    @Test func aBackupHeals() throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry([], scratch: scratch)
        let backup = scratch["backup"]
        let source = "docker://\(registry.address)/"
        try Command.succeed("copy", try store(scratch), source)
        _ = try Backups.run(source, to: backup)
        let blobs = scratch.files(below: "backup/blobs/sha256")
        for blob in blobs {
            try FileManager.default.removeItem(atPath: "\(backup)/blobs/sha256/\(blob)")
            #expect(try Backups.run(source, to: backup).bytesMoved > 0)
            try Backups.check(backup)
        }
    }

    @Test func aDirectoryOfSomebodyElseIsLeftAlone() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        try Command.succeed("copy", store, "oci:\(scratch["layout"])")
        try scratch.write("mine", to: "other/notes.txt")
        for place in ["layout", "other", "store"] {
            let files = scratch.files(below: place)
            for arguments in [
                ["backup", store, scratch[place]], ["backup", "--dry-run", store, scratch[place]],
                ["prune", scratch[place]], ["forget", "--keep-last", "1", scratch[place]],
            ] {
                let result = try Command.dray(arguments)
                #expect(
                    result.status != 0 && result.errors.contains(/no(t a)? backup/), "\(arguments): \(result.errors)")
            }
            #expect(scratch.files(below: place) == files)
        }
        #expect(try Command.dray("snapshots", scratch["nowhere"]).status == 4)
    }

    @Test func hostileSnapshotsLeadNowhere() throws {
        let scratch = try Scratch()
        let backup = scratch["backup"]
        let snapshot = try #require(try Backups.run(try store(scratch), to: backup).snapshot)
        let document = "backup/snapshots/\(snapshot)/_snapshot.json"
        let good = try String(contentsOfFile: scratch[document], encoding: .utf8)
        for bad in ["../../x", "/etc", "a//b", ".", "Ä"] {
            try scratch.write(#"{"sources": [], "repositories": ["\#(bad)"]}"#, to: document)
            for arguments in [
                ["snapshots", backup], ["restore", backup, "store:\(scratch["x"])"], ["prune", backup],
            ] {
                let result = try Command.dray(arguments)
                #expect(result.status == 3 && result.errors.contains("repository"), "\(arguments): \(result.errors)")
            }
        }
        try scratch.write(good, to: document)
        // An index that lies elsewhere, and a document that is none.
        let index = "backup/snapshots/\(snapshot)/sample/app/index.json"
        try FileManager.default.moveItem(atPath: scratch[index], toPath: scratch["out.json"])
        try FileManager.default.createSymbolicLink(atPath: scratch[index], withDestinationPath: scratch["out.json"])
        let led = try Command.dray("restore", backup, "store:\(scratch["x"])")
        #expect(led.status == 3 && led.errors.contains("leads out"), "\(led.errors)")
        try scratch.write("[", to: document)
        #expect(try Command.dray("snapshots", backup).status == 3)
    }

    @Test func whatCannotBeReadIsNoted() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let bad = try layout.image([layout.layer("bad")])
        try layout.add(bad, "bad:1")
        try layout.add(layout.image([layout.layer("good")]), "good:1")
        try layout.damage(bad)
        let source = "oci:\(scratch["layout"])"
        let stopped = try Command.dray("backup", source, scratch["backup"])
        #expect(stopped.status == 3, "\(stopped.errors)")
        #expect(try Backups.snapshots(scratch["backup"]).isEmpty)
        let partial = try Command.dray(
            "backup", "--keep-going", source, "docker://127.0.0.1:1/", "--retry-times", "0", scratch["backup"])
        #expect(partial.status == 2, "\(partial.errors)")
        let snapshots = try Backups.snapshots(scratch["backup"])
        #expect(snapshots.map(\.repositories) == [["good"]] && snapshots[0].missing.count == 2)
        #expect(snapshots[0].missing.contains { $0.name?.contains("bad:1") == true })
    }
}
