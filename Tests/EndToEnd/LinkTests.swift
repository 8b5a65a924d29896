import Foundation
import ImageModel
import Testing

/// Links in a place that lead out of it, or nowhere.
struct LinkTests {
    /// What lies elsewhere is not read, and told once.
    @Test(arguments: ["blobs", "repositories", "blobs/sha256"])
    func aLinkOutOfTheStoreIsOneFinding(_ directory: String) throws {
        let scratch = try Scratch()
        let (store, layout) = try Samples.places(scratch)
        let place = "\(store)/docker/registry/v2/\(directory)"
        try Command.shell("mv \(place) elsewhere; ln -s \(scratch["elsewhere"]) \(place)", in: scratch.path)
        let found = try Verification.run("store:\(store)", status: 3)
        #expect(found.damage.map(\.subject) == ["docker/registry/v2/\(directory)"], "\(found.damage)")
        #expect(found.damage[0].problem.contains("leads out of") && found.remarks.isEmpty)
        try scratch.write(
            "{version: 0.1, storage: {filesystem: {rootdirectory: '\(store)'}}, http: {addr: '127.0.0.1:0'}}",
            to: "c.yml")
        for refused in [
            ["copy", "oci:\(layout)", "store:\(store)"], ["gc", "store:\(store)"], ["serve", scratch["c.yml"]],
        ] {
            let run = try Command.dray(refused)
            #expect(run.status == 3 && run.errors.contains("leads out of"), "\(refused): \(run.errors)")
        }
        try Command.shell("rm -r elsewhere", in: scratch.path)
        #expect(
            try Verification.run("store:\(store)", status: 3).damage.map(\.problem) == ["is a link that leads nowhere"])
    }

    /// Likewise deeper: the rest is read, and a repair goes round it or stays away.
    @Test(arguments: [
        ("blobs/sha256/??", false), ("blobs/sha256/??/*", false), ("blobs/sha256/??/*/data", true),
        ("repositories/other", false), ("repositories/other/tool", false),
        ("repositories/other/tool/_manifests", false),
        ("repositories/other/tool/_manifests/tags/2", false), ("repositories/other/tool/_layers/sha256", false),
        ("repositories/other/tool/_layers/sha256/*/link", true),
    ])
    func nothingIsWrittenThroughALinkOutOfTheStore(_ pattern: String, isMended: Bool) throws {
        let scratch = try Scratch()
        let (store, layout) = try Samples.places(scratch)
        try Command.shell(
            """
            place=$(ls -d \(store)/docker/registry/v2/\(pattern) | head -n 1)
            mv $place elsewhere
            ln -s $PWD/elsewhere $place
            find elsewhere -name data -o -name link | xargs -n 1 -I {} sh -c 'printf damage > {}'
            cp -a elsewhere before
            """, in: scratch.path)
        let found = try Verification.run("store:\(store)", status: 3)
        let status: Int32 = isMended ? 0 : 3
        #expect(isMended || found.damage.contains { $0.problem.contains("leads out of") }, "\(found.damage)")
        let repaired = try Verification.run("--repair-from", "oci:\(layout)", "store:\(store)", status: status)
        #expect(isMended == repaired.failures.isEmpty || !pattern.hasPrefix("blobs"), "\(repaired.failures)")
        _ = try Command.dray("copy", "oci:\(layout)", "store:\(store)")
        #expect(try Command.shell("diff -r elsewhere before", in: scratch.path).status == 0)
        if isMended { #expect(try Verification.run("store:\(store)", status: 0).sound) }
        for options in [["--delete-untagged"], ["--quarantine"]] {
            try Command.shell(
                """
                tag=\(store)/docker/registry/v2/repositories/other/tool/_manifests/tags/2
                case $(realpath -m $tag) in $(realpath \(store))/*) rm -rf $tag ;; esac
                """)
            _ = try Command.dray(["gc", "--grace", "0"] + options + ["store:\(store)"])
        }
        #expect(try Command.shell("diff -r elsewhere before", in: scratch.path).status == 0)
    }

    /// A blob that is elsewhere is none: it is sent again.
    @Test func aLinkedBlobIsSentAgain() throws {
        let scratch = try Scratch()
        let (store, layout) = try Samples.places(scratch)
        try Command.shell(
            """
            for data in $(find \(store)/docker -name data); do
                cp $data out-$(basename $(dirname $data))
                ln -sf $PWD/out-$(basename $(dirname $data)) $data
            done
            """, in: scratch.path)
        try Command.succeed("copy", "oci:\(layout)", "store:\(store)")
        #expect(try Verification.run("--deep", "store:\(store)", status: 0).sound)
        try Command.succeed("copy", "store:\(store)", "oci:\(scratch["copy"])")
    }

    @Test(arguments: ["nothing", "itself", "a file"]) func aLinkThatIsNoRepositoryIsTold(_ target: String) throws {
        let scratch = try Scratch()
        let (store, _) = try Samples.places(scratch)
        let path = ["nothing": "/nowhere/at/all", "itself": "link", "a file": "/etc/passwd"][target] ?? ""
        try Command.shell("ln -s \(path) \(store)/docker/registry/v2/repositories/link")
        let found = try Verification.run("store:\(store)", status: target == "a file" ? 0 : 3)
        #expect(found.damage.map(\.problem) == (target == "a file" ? [] : ["is a link that leads nowhere"]))
    }

    /// What is on a disk that is not mounted may need any blob.
    @Test(arguments: [
        "repositories/other", "repositories/other/tool", "repositories/other/tool/_manifests",
        "repositories/other/tool/_manifests/revisions", "repositories/other/tool/_manifests/revisions/sha256",
        "repositories/other/tool/_manifests/tags", "repositories/other/tool/_manifests/tags/2",
        "repositories/other/tool/_manifests/tags/2/current", "repositories/other/tool/_manifests/tags/2/current/link",
    ])
    func nothingIsCollectedBehindALinkThatLeadsNowhere(_ path: String) throws {
        let scratch = try Scratch()
        let (store, _) = try Samples.places(scratch)
        let place = "\(store)/docker/registry/v2/\(path)"
        try Command.shell("mv \(place) away; ln -s \(scratch["unmounted"]) \(place)", in: scratch.path)
        for options in [[], ["--delete-untagged"]] {
            let refused = try Command.dray(["gc", "--grace", "0"] + options + ["store:\(store)"])
            #expect(refused.status == 3 && refused.errors.contains("leads nowhere"), "\(options): \(refused.errors)")
        }
        try Command.shell("rm \(place); mv away \(place)", in: scratch.path)
        #expect(try Verification.run("--deep", "store:\(store)", status: 0).sound)
    }

    @Test func aBackupIsPrunedWithinItself() throws {
        let scratch = try Scratch()
        let (store, _) = try Samples.places(scratch)
        _ = try Backups.run("store:\(store)", to: scratch["backup"])
        try Command.shell(
            "mkdir out; echo > out/$(printf %0128d 0); ln -s $PWD/out backup/blobs/sha512", in: scratch.path)
        let pruned = try Command.dray("prune", scratch["backup"])
        #expect(pruned.status == 3 && pruned.errors.contains("leads out of"), "\(pruned.errors)")
        #expect(try Command.shell("ls out", in: scratch.path).lines.count == 1)
    }

    /// What cannot be taken away whole stays whole.
    @Test(.enabled(if: !Server.Program.isOriginal)) func aManifestThatIsElsewhereKeepsItsTags() throws {
        let server = try Server.withHello()
        let manifests = "\(server.root)/docker/registry/v2/repositories/library/hello/_manifests"
        try Command.shell(
            "mv \(manifests)/revisions \(server.root)/../out; ln -s \(server.root)/../out \(manifests)/revisions")
        let digest = try #require(try server.head("/v2/library/hello/manifests/latest")["docker-content-digest"])
        #expect(try server.delete("/v2/library/hello/manifests/\(digest)").status == 500)
        #expect(try server.get("/v2/library/hello/manifests/latest").status == 200)
    }

    @Test(.enabled(if: !Server.Program.isOriginal)) func aServerOutlivesItsStore() throws {
        let server = try Server.withHello()
        try FileManager.default.removeItem(atPath: server.root)
        for _ in 0..<2 { #expect(try server.request("POST", "/v2/library/hello/blobs/uploads/").status == 500) }
        #expect(try server.get("/v2/").status == 200)
    }

    /// A directory has a name of bytes, and need not be text.
    @Test func aDirectoryMayBeCalledAnything() throws {
        let scratch = try Scratch()
        let (_, layout) = try Samples.places(scratch)
        let done = try Command.shell(
            """
            mkdir $'b\\xff' && cd $'b\\xff' && $DRAY copy oci:\(layout) store:st && $DRAY copy store:st oci:lay/ &&
                $DRAY verify --deep store:st && $DRAY verify --deep oci:lay
            """, in: scratch.path)
        #expect(done.status == 0, "\(done.errors)")
    }
}
