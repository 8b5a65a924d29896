import Foundation
import Testing

/// What archives are written to: files, links, pipes, devices, and what is none of these.
struct ArchiveTargetTests {
    private func ready() throws -> Scratch {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, name: "x.tar", mebibytes: 1)
        try Command.succeed("copy", archive, "oci-archive:\(scratch["expected.tar"])")
        return scratch
    }

    @Test(arguments: [
        "mkfifo pipe; cat pipe > out.tar & $DRAY copy x.tar oci-archive:pipe && wait && test -p pipe",
        "$DRAY copy x.tar oci-archive:/dev/stdout | cat > out.tar",
        "$DRAY copy x.tar oci-archive:>(cat > out.tar); wait $!",
    ])
    func streamsUnderAnyName(_ command: String) throws {
        let scratch = try ready()
        let result = try Command.shell(command, in: scratch.path)
        #expect(result.status == 0, "\(result.errors)")
        let back = try Command.shell(
            "for f in out expected; do $DRAY copy oci-archive:$f.tar oci:$f || exit; done; diff -r out expected",
            in: scratch.path)
        #expect(back.status == 0, "\(back.errors)")
    }

    @Test func devicesStayDevices() throws {
        let scratch = try ready()
        let result = try Command.shell(
            "mknod null c 1 3 || exit 0; $DRAY copy --progress none x.tar oci-archive:null && test -c null",
            in: scratch.path)
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test func linksStayLinks() throws {
        let scratch = try ready()
        let result = try Command.shell(
            """
            mkdir a b; ln -s ../b/new.tar a/dangling.tar; echo old > b/old.tar; ln -s ../b/old.tar a/link.tar
            for name in dangling link; do
                $DRAY copy --progress none --on-existing overwrite x.tar oci-archive:a/$name.tar || exit 1
            done
            test -L a/link.tar && test -L a/dangling.tar && cmp b/old.tar expected.tar && cmp b/new.tar expected.tar
            """, in: scratch.path)
        #expect(result.status == 0, "\(result.errors)")
        #expect(scratch.files(below: ".").allSatisfy { !$0.hasSuffix(".part") })
    }

    @Test(arguments: [
        "x.tar docker-archive:.", "x.tar oci-archive:.", "x.tar oci:-", "x.tar dir:-", "x.tar store:-",
        "x.tar oci:x.tar",
        "dir:- store:s", "docker-archive::x store:s", "x.tar@sha256:zz store:s", "x.tar oci:new:UPPER/x",
        "x.tar oci:new:.x",
        "x.tar store:s:UPPER", "x.tar docker-archive:new.tar:a:b:c", "--prefix Not/This x.tar store:s",
        "--name UPPER:1 x.tar store:s", "docker-archive:x.tar oci:pipe", "pipe store:s",
    ])
    func mistakesAreToldBeforeAnyWork(_ arguments: String) throws {
        let scratch = try ready()
        _ = try Command.shell("mkfifo pipe", in: scratch.path)
        let before = scratch.files(below: ".")
        let result = try Command.shell("timeout 20 $DRAY copy \(arguments) < x.tar", in: scratch.path)
        #expect(result.status == 64, "\(result.errors)")
        #expect(scratch.files(below: ".") == before)
        #expect(try Command.shell("ls -A", in: scratch.path).lines.count == before.count)
    }

    @Test func pipesInPlaceOfFilesAreRefused() throws {
        let scratch = try ready()
        try Command.succeed("copy", scratch["x.tar"], "oci:\(scratch["layout"])")
        let result = try Command.shell(
            "rm layout/index.json; mkfifo layout/index.json; timeout 20 $DRAY ls oci:layout", in: scratch.path)
        #expect(result.status == 3 && result.errors.contains("is a pipe"), "\(result.errors)")
    }

    /// What a killed run left is taken away by the next one; what another is writing is not.
    @Test func leftoversAreCleared() throws {
        let scratch = try ready()
        let result = try Command.shell(
            """
            left=.out.tar.00000000-0000-4000-8000-000000000000.part
            held=.out.tar.00000000-0000-4000-8000-000000000001.part
            touch $left $held .out.tar.mine.part .other.tar.00000000-0000-4000-8000-000000000002.part
            flock $held $DRAY copy --progress none x.tar oci-archive:out.tar; ls -A | grep part
            """, in: scratch.path)
        #expect(
            result.lines.filter { $0.hasSuffix(".part") } == [
                ".other.tar.00000000-0000-4000-8000-000000000002.part",
                ".out.tar.00000000-0000-4000-8000-000000000001.part", ".out.tar.mine.part",
            ])
    }

    @Test(arguments: ["docker-archive", "oci-archive"], ["error", "skip"])
    func filesThatAppearDuringTheCopyAreKept(_ kind: String, _ choice: String) throws {
        let scratch = try ready()
        let result = try Command.shell(
            """
            half=$(($(stat -c %s x.tar) / 2))
            {
                head -c $half x.tar
                timeout 60 sh -c 'until ls .out.tar.*.part 2> /dev/null; do sleep 0.01; done' > /dev/null
                echo mine > out.tar
                tail -c +$((half + 1)) x.tar
            } | $DRAY copy --progress none --on-existing \(choice) docker-archive:- \(kind):out.tar
            """, in: scratch.path)
        #expect(
            result.status == 1 && result.errors.contains("a file of this name appeared"), "\(result.errors)")
        let left = try Command.shell("cat out.tar; ls -A", in: scratch.path).lines
        #expect(left == ["mine", "expected.tar", "out.tar", "x.tar"])
    }

    /// One of two images is damaged: the other one arrives, in an archive that lists no more than it holds.
    @Test func keepGoingIntoAnArchive() throws {
        let scratch = try ready()
        _ = try Samples.archive(scratch, name: "y.tar", image: "other/app:1", mebibytes: 2)
        let broken = try Command.shell(
            """
            $DRAY copy --progress none --output json y.tar x.tar oci:layout > rows
            largest=$(ls -S layout/blobs/sha256/* | head -1)
            printf X | dd of=$largest bs=1 seek=100000 conv=notrunc status=none
            $DRAY copy --progress none --keep-going oci:layout oci-archive:out.tar; echo $?
            $DRAY copy --progress none --keep-going oci:layout oci-archive:- > pipe.tar; echo $?
            """, in: scratch.path)
        #expect(broken.lines.contains("2") && broken.lines.last == "3", "\(broken.text) \(broken.errors)")
        let rows = try Command.succeed("ls", "--output", "json", "oci-archive:\(scratch["out.tar"])").rows()
        #expect(rows.map(\.name) == ["sample/app:1.0"])
        try Command.succeed("copy", "oci-archive:\(scratch["out.tar"])", "store:\(scratch["store"])")
        #expect(try Command.dray("ls", "oci-archive:\(scratch["pipe.tar"])").status == 3)
    }
}
