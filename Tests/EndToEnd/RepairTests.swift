import Foundation
import ImageModel
import Testing

/// `dray verify --repair-from`: what it mends, and what it leaves alone.
struct RepairTests {
    @Test(
        arguments: zip(
            [
                "> tags/2/current/link", "rm tags/2/current/link", "printf '\\n' >> tags/2/current/link",
                "rm -r tags/2/index/sha256/*", "rm revisions/sha256/*/link", "> revisions/sha256/*/link",
                "rm ../_layers/sha256/*/link",
            ],
            [
                ":other/tool:2", ":other/tool", ":other/tool", ":other/tool:2", ":other/tool:2", ":other/*",
                ":other/tool",
            ]))
    func aPartOfAStoreIsVerifiedAndMended(_ damage: String, _ part: String) throws {
        let scratch = try Scratch()
        let (store, layout) = try Samples.places(scratch)
        let manifests = "\(store)/docker/registry/v2/repositories/other/tool/_manifests"
        try Command.shell("cd \(manifests); \(damage)")
        // What is wrong elsewhere is no part of it.
        try Command.shell("> \(store)/docker/registry/v2/repositories/sample/app/_manifests/tags/1.0/current/link")
        let found = try Verification.run("store:\(store)\(part)", status: 3)
        #expect(!found.damage.isEmpty && found.remarks.isEmpty)
        #expect(found.damage.flatMap(\.affected).allSatisfy { $0.image.hasPrefix("other/tool") }, "\(found.damage)")
        let mended = try Verification.run("--repair-from", "oci:\(layout)", "store:\(store)\(part)", status: 0)
        #expect(mended.mended.count == found.damage.count && mended.failures.isEmpty, "\(mended.failures)")
        try Command.succeed("copy", "store:\(store):other/tool:2", "oci:\(scratch["copy"])")
        #expect(try Verification.run("store:\(store)", status: 3).names("tag-damaged") == ["sample/app:1.0"])
        let nothing = try Command.dray("verify", "store:\(store):other/tool:3")
        #expect(nothing.status == 4 && nothing.errors.contains("other/tool:2"), "\(nothing.errors)")
    }

    /// A list says which images there are: another place's would be a lie.
    @Test(arguments: ["oci", "dir"]) func theListOfAnotherPlaceIsNotTaken(_ transport: String) throws {
        let scratch = try Scratch()
        let (_, layout) = try Samples.places(scratch)
        let list = transport == "oci" ? "index.json" : "manifest.json"
        for (name, image) in [("own", "sample/app:1.0"), ("other", "other/tool:2")] {
            try Command.succeed("copy", "oci:\(layout):\(image)", "\(transport):\(scratch[name])")
        }
        try Command.shell("cp -a own pristine; printf '{' > own/\(list)", in: scratch.path)
        let own = "\(transport):\(scratch["own"])"
        let refused = try Verification.run("--repair-from", "\(transport):\(scratch["other"])", own, status: 3)
        #expect(refused.failures.contains { $0.contains("nothing in common") }, "\(refused.failures)")
        #expect(try String(contentsOfFile: "\(scratch["own"])/\(list)", encoding: .utf8) == "{")
        let mended = try Verification.run(
            "--repair-from", "\(transport):\(scratch["other"])", "--repair-from", "\(transport):\(scratch["pristine"])",
            own, status: 0)
        #expect(mended.sound && mended.mended.count == 1)
        #expect(try Command.shell("diff -r --exclude .dray own pristine", in: scratch.path).status == 0)
    }

    @Test func aSnapshotOfAnotherBackupIsNotTaken() throws {
        let scratch = try Scratch()
        let (store, layout) = try Samples.places(scratch)
        _ = try Backups.run("store:\(store):sample/app", to: scratch["own"])
        _ = try Backups.run("oci:\(layout):other/tool:2", to: scratch["other"])
        let id = try Backups.snapshots(scratch["own"])[0].id
        try Command.shell(
            """
            cd other/snapshots; mv 2* \(id); ln -sfn \(id) latest; cp -a \(id)/other \(id)/sample
            mv \(id)/sample/tool \(id)/sample/app; cd ../../own/snapshots/\(id); rm _snapshot.json sample/app/index.json
            """, in: scratch.path)
        let refused = try Verification.run("--repair-from", scratch["other"], scratch["own"], status: 3)
        #expect(refused.failures.count == 2 && refused.mended.isEmpty, "\(refused.failures) \(refused.mended)")
        #expect(refused.failures.allSatisfy { $0.contains("nothing in common") }, "\(refused.failures)")
    }

    @Test func roomIsLookedForFirst() throws {
        let scratch = try Scratch()
        let (_, layout) = try Samples.places(scratch)
        let result = try Command.shell(
            """
            mkdir small; unshare -rm sh -c 'mount -t tmpfs -o size=5m tmpfs small && cp -a layout small/own &&
            find small/own/blobs -size +200k -delete && rm small/own/oci-layout && head -c 4400k /dev/zero > small/filler &&
            $DRAY verify --repair-from oci:layout oci:small/own; echo $?; find small -name "*.part"'
            """, in: scratch.path)
        #expect(
            result.errors.contains("not enough room: ") && result.errors.contains("make room first"), "\(result.errors)"
        )
        // What needs no room is mended all the same.
        #expect(result.text.contains("mended: oci-layout"), "\(result.text)")
        #expect(result.text.contains("blob that is not there") && result.lines.last == "3", "\(result.text)")
        #expect(FileManager.default.fileExists(atPath: layout))
    }

    @Test func anInterruptedRunSaysHowToGoOn() throws {
        let scratch = try Scratch()
        _ = try Samples.archive(scratch, mebibytes: 8)
        try scratch.write(
            """
            command=$1; input=$2
            mkfifo pipe
            $DRAY $command < pipe 2> errors > output & dray=$!
            exec 3> pipe
            # It has to have read the most of this, and waits for more.
            head -c 4000000 $input >&3
            kill -INT $dray; wait $dray; echo $?; exec 3>&-; rm pipe; cat errors
            """, to: "interrupt")
        func stop(_ command: String) throws -> String {
            try Command.shell("bash interrupt '\(command)' app.tar", in: scratch.path).text
        }
        let verify = "verify --deep docker-archive:-"
        #expect(try stop(verify).hasPrefix("130\ndray: note: interrupted; with --resume FILE"))
        let resumed = try stop("verify --resume progress docker-archive:-")
        #expect(resumed.hasPrefix("130\n") && resumed.contains("nothing of it can be gone on with"), "\(resumed)")
        let copied = try stop("copy docker-archive:- store:root")
        #expect(copied.hasPrefix("130\n") && copied.contains("run the same command again"), "\(copied)")
        let packed = try stop("copy docker-archive:- oci-archive:new.tar")
        #expect(packed.hasPrefix("130\n") && packed.contains("nothing is half-made"), "\(packed)")
        #expect(!scratch.files(below: ".").contains { $0.hasSuffix("new.tar") || $0.contains(".part") })
        #expect(try stop("verify -q docker-archive:-") == "130\n")
    }

    /// Nobody reads what it says, and it ends all the same.
    @Test func aRunEndsThoughNobodyListens() throws {
        let scratch = try Scratch()
        _ = try Samples.archive(scratch, mebibytes: 8)
        let result = try Command.shell(
            """
            mkfifo input errors; exec 4<> errors
            dd if=/dev/zero of=errors bs=4096 count=16 oflag=nonblock status=none
            $DRAY copy docker-archive:- oci-archive:new.tar < input 2> errors > /dev/null & dray=$!
            exec 3> input; head -c 4000000 app.tar >&3
            kill -TERM $dray; wait $dray; echo $?; ls
            """, in: scratch.path)
        #expect(result.lines == ["143", "app.tar", "errors", "input"], "\(result.text) \(result.errors)")
    }

    @Test func whatARunLeftIsTold() throws {
        let scratch = try Scratch()
        let (store, layout) = try Samples.places(scratch)
        try Command.succeed("copy", "oci:\(layout):other/tool:2", "dir:\(scratch["dir"])")
        for target in ["store:\(store)", "oci:\(layout)", "dir:\(scratch["dir"])"] {
            let path = target.split(separator: ":")[1]
            try Command.shell("mkdir -p \(path)/.dray/staging; touch \(path)/.dray/staging/half.part")
            let found = try Verification.run(target, status: 0)
            #expect(found.remarks.map(\.kind) == ["leftover"], "\(found.remarks)")
        }
    }

    /// Names have as many bytes as they have, whatever they look like.
    @Test func aQuarantineIsWhereItBelongsWhateverThePlaceIsCalled() throws {
        let scratch = try Scratch()
        let (store, layout) = try Samples.places(scratch)
        let root = scratch["La\u{308}ger-\u{1F4E6}"]
        try Command.shell("mv \(store) \(root)")
        let blob = try Command.shell("cd \(root); find . -name data -size +200k | sort | head -1").text.trimmed
        try Command.shell(
            "printf x | dd of=\(root)/\(blob) bs=1 seek=1000 conv=notrunc status=none; cp \(root)/\(blob) damaged",
            in: scratch.path)
        let mended = try Verification.run("--quarantine", "--repair-from", "oci:\(layout)", "store:\(root)", status: 0)
        #expect(mended.mended.count == 1)
        #expect(
            try Command.shell("cmp damaged \(root)/.dray/quarantine/*/\(blob)", in: scratch.path).status == 0)
    }

    /// A repair that mends nothing has nothing to be undone.
    @Test func anEmptyQuarantineIsNoQuarantine() throws {
        let scratch = try Scratch()
        let (store, _) = try Samples.places(scratch)
        let blob = try Command.shell("find \(store) -name data -size +200k | sort | head -1").text.trimmed
        try Command.shell("printf x | dd of=\(blob) bs=1 seek=1000 conv=notrunc status=none")
        _ = try Command.dray(
            "verify", "--quarantine", "--repair-from", "oci:\(scratch["nowhere"])", "store:\(store)")
        _ = try Verification.run(
            "--quarantine", "--repair-from", scratch["other.tar"], "store:\(store)", status: 3)
        #expect(try Command.shell("ls \(store)/.dray/quarantine").text.isEmpty)
        try Command.shell("mkdir -p \(store)/.dray/quarantine/20991231T000000Z")
        let undone = try Command.dray("gc", "--undo", "latest", "store:\(store)")
        #expect(undone.status == 4, "\(undone.text)\(undone.errors)")
    }
}
