import Foundation
import ImageModel
import Testing

/// `dray verify` of a backup, which is more than its layouts.
struct BackupVerifyTests {
    private let scratch: Scratch
    private let backup: String
    private let store: String

    /// Two snapshots; the first has one repository, the second two.
    init() throws {
        scratch = try Scratch()
        backup = scratch["backup"]
        store = "store:\(scratch["store"])"
        try Command.succeed("copy", try Samples.archive(scratch), store)
        _ = try Backups.run(store, to: backup)
        let other = try Samples.archive(scratch, name: "other.tar", image: "other/tool:2", mebibytes: 1)
        try Command.succeed("copy", other, store)
        _ = try Backups.run(store, to: backup)
    }

    private func damage(_ script: String) throws {
        let done = try Command.shell("set -e; cd \(backup); \(script)")
        try #require(done.status == 0, "\(done.errors)")
    }

    @Test func aBackupIsVerifiedAndMended() throws {
        let ids = try Backups.snapshots(backup).map(\.id)
        try Command.shell("cp -a \(backup) \(scratch["pristine"])")
        let sound = try Verification.run("--deep", backup, status: 0)
        #expect(sound.sound && sound.remarks.isEmpty && sound.blobs >= 8)
        try damage(
            """
            large=$(find blobs -size +200k | sort | head -1)
            printf x | dd of=$large bs=1 seek=1000 conv=notrunc status=none
            > backup.json
            rm snapshots/\(ids[0])/sample/app/blobs snapshots/\(ids[0])/_snapshot.json
            ln -sfn \(ids[0]) snapshots/latest
            rm snapshots/\(ids[1])/other/tool/oci-layout
            printf '[' > snapshots/\(ids[1])/sample/app/index.json
            """)
        let found = try Verification.run(backup, status: 3)
        #expect(found.names("blob-damaged").contains { $0.hasPrefix("\(ids[0])/sample/app:1.0") })
        #expect(
            Set(found.damage.map(\.subject)).isSuperset(
                of: [
                    "backup.json", "snapshots/\(ids[0])/_snapshot.json", "snapshots/\(ids[0])/sample/app/blobs",
                    "snapshots/latest", "snapshots/\(ids[1])/other/tool/oci-layout",
                    "snapshots/\(ids[1])/sample/app/index.json",
                ]), "\(found.damage)")
        // The store has the blobs, and nothing says what was in the snapshots but a copy of the backup.
        let partly = try Verification.run("--repair-from", store, "--quarantine", backup, status: 3)
        #expect(
            Set(partly.damage.map(\.subject)) == [
                "snapshots/\(ids[0])/_snapshot.json", "snapshots/\(ids[1])/sample/app/index.json",
            ], "\(partly.damage)")
        let kept = "\(backup)/.dray/quarantine/\(try #require(partly.quarantine))"
        #expect(try Command.shell("find \(kept)/blobs -type f | wc -l").text.trimmed == "1")
        let mended = try Verification.run("--repair-from", scratch["pristine"], backup, status: 0)
        #expect(mended.sound && mended.mended.count == 2 && mended.failures.isEmpty)
        let same = try Command.shell("diff -r --no-dereference --exclude .dray \(scratch["pristine"]) \(backup)")
        #expect(same.status == 0, "\(same.text)")
        #expect(try Backups.check(backup) == 2)
    }

    /// A store is mended from a backup of it, names and all.
    @Test func aStoreIsMendedFromItsBackup() throws {
        try Command.shell(
            """
            cd \(scratch["store"])/docker/registry/v2
            > repositories/other/tool/_manifests/tags/2/current/link
            rm $(find blobs -name data -size +200k | sort | head -1)
            """)
        #expect(try Verification.run(store, status: 3).names("tag-damaged") == ["other/tool:2"])
        #expect(try Verification.run("--repair-from", backup, store, status: 0).mended.count >= 2)
        #expect(try Verification.run("--deep", store, status: 0).sound)
    }

    @Test func whatHasNoBusinessThereIsNoDamage() throws {
        let id = try Backups.snapshots(backup)[1].id
        try damage(
            """
            head -c 99 /dev/zero > blobs/sha256/\(Digest(of: [UInt8](repeating: 0, count: 99)).hex)
            touch notes.txt blobs/notes.txt snapshots/notes.txt snapshots/\(id)/notes.txt
            mkdir -p snapshots/\(id)/stray/deep
            cp -a snapshots/\(id)/sample/app snapshots/\(id)/unlisted
            mkdir -p .dray/staging/half.part
            """)
        let found = try Verification.run(backup, status: 0)
        let remarks = Dictionary(grouping: found.remarks, by: \.kind).mapValues { Set($0.map(\.subject)) }
        #expect(
            remarks["foreign"]?.isSuperset(
                of: [
                    "notes.txt", "blobs/notes.txt", "snapshots/notes.txt", "snapshots/\(id)/notes.txt",
                    "snapshots/\(id)/stray", "snapshots/\(id)/unlisted",
                ]) == true, "\(remarks)")
        #expect(remarks["orphan"]?.count == 1 && remarks["leftover"] == [".dray/staging"])
    }

    /// What is being looked at stays, and a version that is not known is not guessed at.
    @Test func itKeepsBlobsAndKnowsItsVersion() throws {
        let locked = try Command.shell("flock \(backup)/.dray/lock/blobs $DRAY verify \(backup)")
        #expect(locked.status == 1 && locked.errors.contains("in use"), "\(locked.errors)")
        #expect(try Command.shell("flock -s \(backup)/.dray/lock/blobs $DRAY verify \(backup)").status == 0)
        let itself = try Command.dray("verify", "--repair-from", "\(backup)/.", backup)
        #expect(itself.status == 64 && itself.errors.contains("itself"), "\(itself.errors)")
        try damage("rm backup.json")
        #expect(try Verification.run(backup, status: 3).damage.map(\.subject) == ["backup.json"])
        try damage("echo '{\"version\": 2}' > backup.json")
        let later = try Command.dray("verify", backup)
        #expect(later.status == 1 && later.errors.contains("version 2"), "\(later.errors)")
    }
}
