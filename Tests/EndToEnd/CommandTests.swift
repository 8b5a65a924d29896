import Foundation
import Testing

/// The commands as a user meets them.
struct CommandTests {
    private func store(_ scratch: Scratch) throws -> String {
        let archive = try Samples.archive(scratch, mebibytes: 1)
        try Command.succeed("copy", archive, "store:\(scratch["store"])")
        return "store:\(scratch["store"])"
    }

    @Test func listsInspectsAndPrints() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        let rows = try Command.succeed("ls", "--output", "json", store).rows()
        #expect(rows.map(\.name) == ["sample/app:1.0"])
        #expect(try Command.succeed("digest", store).lines == [rows[0].digest])
        let manifest = try Command.shell("$DRAY manifest \(store):sample/app:1.0 | sha256sum")
        #expect("sha256:\(manifest.text.prefix(64))" == rows[0].digest)
        let layer = try Command.shell("$DRAY manifest \(store) | jq -r '.layers[0].digest'").lines[0]
        let blob = try Command.shell("$DRAY blob \(store):sample/app:1.0 \(layer) | sha256sum")
        #expect("sha256:\(blob.text.prefix(64))" == layer)
        #expect(try Command.succeed("inspect", store).text.contains("linux/amd64"))
        #expect(try Command.succeed("inspect", "--raw", store).output == Command.succeed("manifest", store).output)
    }

    @Test(arguments: ["store", "oci"])
    func tagsAndDeletes(_ transport: String) throws {
        let scratch = try Scratch()
        let place = "\(transport):\(scratch["place"])"
        try Command.succeed("copy", try Samples.archive(scratch, mebibytes: 1), place)
        let digest = try Command.succeed("digest", place).lines[0]
        try Command.succeed("tag", "\(place):sample/app:1.0", "2.0")
        #expect(try Command.succeed("digest", "\(place):sample/app:2.0").lines == [digest])
        #expect(try Command.dray("delete", "\(place):sample/app").status == 1)
        try Command.succeed("delete", "\(place):sample/app:1.0")
        #expect(try Command.succeed("ls", "--output", "json", place).rows().map(\.tag) == ["2.0"])
        try Command.succeed("delete", "\(place):sample/app@\(digest)")
        #expect(try Command.succeed("ls", "--output", "json", place).rows().isEmpty)
    }

    @Test func exitCodesSayWhatHappened() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        #expect(try Command.dray("copy", store).status == 64)
        #expect(try Command.dray("copy", "--jobs", "0", store, "oci:\(scratch["x"])").status == 64)
        #expect(try Command.dray("nonsense").status == 64)
        #expect(try Command.dray("ls", "oci:\(scratch["absent"])").status == 4)
        #expect(try Command.dray("digest", "\(store):no/such:tag").status == 4)
        #expect(try Command.dray("tag", "\(scratch["app.tar"])", "x").status == 1)
        #expect(try Command.dray("copy", scratch["app.tar"], scratch["new"]).status == 64)
        for (arguments, word) in [
            ([], "docker://HOST"), (["--help"], "docker://HOST"), (["help"], "docker://HOST"),
            (["copy", "--help"], "--on-existing"),
            (["help", "login"], "--password-stdin"), (["--version"], "0."),
        ] {
            let help = try Command.dray(arguments)
            #expect(help.status == 0 && help.text.contains(word), "\(arguments): \(help.text)")
        }
    }

    @Test func dryRunWritesNothingAndCountsExactly() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        let plan = try Command.succeed("copy", "--dry-run", "--output", "json", store, "oci:\(scratch["layout"])")
            .rows()
        #expect(!FileManager.default.fileExists(atPath: scratch["layout"]))
        let done = try Command.succeed("copy", "--output", "json", store, "oci:\(scratch["layout"])").rows()
        #expect(plan[0].bytesMoved == done[0].bytesMoved && plan[0].kept == true && plan[0].estimate == nil)
    }

    @Test func existingNamesAreTreatedAsAsked() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        let other = try Samples.archive(scratch, name: "other.tar", mebibytes: 2)
        let before = try Command.succeed("digest", "\(store):sample/app:1.0").lines
        #expect(try Command.dray("copy", "--on-existing", "error", other, store).status == 1)
        try Command.succeed("copy", "--on-existing", "skip", other, store)
        #expect(try Command.succeed("digest", "\(store):sample/app:1.0").lines == before)
        try Command.succeed("copy", other, store)
        #expect(try Command.succeed("digest", "\(store):sample/app:1.0").lines != before)
    }

    @Test func keepGoingCopiesTheRest() throws {
        let scratch = try Scratch()
        let good = try Samples.archive(scratch, mebibytes: 1)
        try CraftedArchive.image(diffIDs: [BadInputTests.wrong]).write(to: scratch["bad.tar"])
        let result = try Command.dray(
            "copy", "--keep-going", "--output", "json", scratch["bad.tar"], good, "store:\(scratch["store"])")
        #expect(result.status == 2, "\(result.errors)")
        #expect(try result.rows().map { $0.error == nil } == [false, true])
        #expect(
            try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows().map(\.name) == [
                "sample/app:1.0"
            ])
    }

    @Test func namesComeFromTheDestinationAndThePrefix() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        try Command.succeed("copy", archive, "store:\(scratch["store"]):team/other:9")
        try Command.succeed("copy", "--prefix", "mirror", archive, "store:\(scratch["store"])")
        try Command.succeed("copy", "--name", "given:3", archive, "store:\(scratch["store"])")
        let names = try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows().map(\.name)
        #expect(names == ["given:3", "mirror/sample/app:1.0", "team/other:9"])
    }

    @Test func twoImagesForOneNameAreRefusedBeforeAnythingIsWritten() throws {
        let scratch = try Scratch()
        let one = try Samples.archive(scratch, name: "one.tar", mebibytes: 1)
        let two = try Samples.archive(scratch, name: "two.tar", mebibytes: 2)
        let result = try Command.dray("copy", one, two, "store:\(scratch["store"])")
        #expect(result.status == 1 && result.errors.contains("two different images"))
        #expect(scratch.files(below: "store").isEmpty)
    }

    @Test(arguments: ["store", "oci"])
    func severalProcessesWriteIntoOnePlace(_ transport: String) throws {
        let scratch = try Scratch()
        for number in 1...4 {
            _ = try Samples.archive(scratch, name: "\(number).tar", image: "app\(number):1", mebibytes: number)
        }
        let result = try Command.shell(
            "for n in 1 2 3 4; do "
                + "$DRAY copy --progress none \(scratch.path)/$n.tar \(transport):\(scratch["place"]) & all=\"$all $!\"; "
                + "done; for one in $all; do wait $one || exit 1; done")
        #expect(result.status == 0, "\(result.errors)")
        let names = try Command.succeed("ls", "--output", "json", "\(transport):\(scratch["place"])").rows().map(\.name)
        #expect(names.sorted() == ["app1:1", "app2:1", "app3:1", "app4:1"])
        try Command.succeed(
            "copy", "\(transport):\(scratch["place"])", "dir:\(scratch["dir"])".replacing("dir:", with: "store:"))
    }

    @Test func interruptLeavesNothingHalfMade() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 64)
        // The pipe stays open: dray is in the middle of reading when it is told to stop.
        let result = try Command.shell(
            "mkfifo \(scratch["fifo"]); (head -c 30000000 \(archive); exec sleep 20) > \(scratch["fifo"]) & feeder=$!; "
                + "$DRAY copy --progress none docker-archive:- store:\(scratch["store"]) < \(scratch["fifo"]) & dray=$!; "
                + "until ls \(scratch["store"])/.dray/staging/*.part >/dev/null 2>&1; do :; done; "
                + "kill -TERM $dray; wait $dray; status=$?; kill $feeder; exit $status")
        #expect(result.status == 143)
        #expect(scratch.files(below: "store").isEmpty)
    }
}
