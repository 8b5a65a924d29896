import Foundation
import Testing

/// One pass, nothing beside the destination, and nothing written twice.
struct StreamTests {
    @Test func importFromAPipeWritesOnlyTheDestinationAndOnlyOnce() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        let result = try Command.shell(
            "gzip -1 < \(archive) | strace -f -y -e trace=openat,creat,write,pwrite64,copy_file_range -o \(scratch["trace"]) "
                + "$DRAY copy --progress none docker-archive:- store:\(scratch["store"])")
        #expect(result.status == 0, "\(result.errors)")
        let trace = try String(contentsOfFile: scratch["trace"], encoding: .utf8).split(separator: "\n")
        var written: Int64 = 0
        for line in trace {
            if line.contains("O_WRONLY") || line.contains("O_RDWR") || line.contains("creat(") {
                #expect(line.contains("<\(scratch["store"])"), "\(line)")
            }
            let isData = line.contains(" write(") || line.contains("pwrite64(")
            if isData, !line.contains("write(1<"), !line.contains("write(2<"),
                let count = line.split(separator: " ").last
            {
                written += Int64(count) ?? 0
            }
        }
        let size = scratch.files(below: "store").reduce(Int64(0)) { sum, file in
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(scratch["store"])/\(file)")
            return sum + ((attributes?[.size] as? Int64) ?? 0)
        }
        #expect(size > 0 && Double(written) <= 1.02 * Double(size), "\(written) bytes for \(size)")
    }

    @Test func exportToAPipeIsWhatAFileWouldBe() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.succeed("copy", archive, "store:\(scratch["store"])")
        for (transport, extra) in [
            ("docker-archive", ""), ("oci-archive", ""), ("docker-archive", "--compression none"),
        ] {
            try Command.shell("$DRAY copy \(extra) store:\(scratch["store"]) \(transport):- > \(scratch["pipe.tar"])")
            let index = try Command.succeed("ls", "--output", "json", "\(transport):\(scratch["pipe.tar"])").rows()
            #expect(index.count == 1)
            try Command.succeed("copy", "\(transport):\(scratch["pipe.tar"])", "store:\(scratch["again"])")
        }
        #expect(
            try Command.shell(
                "diff -r \(scratch["store"])/docker/registry/v2/blobs \(scratch["again"])/docker/registry/v2/blobs"
            ).status == 0)
    }

    @Test func anyNumberOfJobsGivesTheSame() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        for jobs in ["1", "8"] {
            try Command.succeed("copy", "--jobs", jobs, archive, "store:\(scratch["jobs\(jobs)"])")
            try Command.succeed("copy", "--jobs", jobs, archive, "oci-archive:\(scratch["jobs\(jobs).tar"])")
        }
        #expect(try Command.shell("diff -r \(scratch["jobs1"])/docker \(scratch["jobs8"])/docker").status == 0)
        #expect(try Command.shell("cmp \(scratch["jobs1.tar"]) \(scratch["jobs8.tar"])").status == 0)
    }

    @Test func secondRunMovesNothing() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        try Command.succeed("copy", archive, "store:\(scratch["store"])")
        let again = try Command.shell(
            "strace -f -e trace=openat -o \(scratch["trace"]) "
                + "$DRAY copy --output json --progress none docker-archive:\(archive) store:\(scratch["store"])")
        #expect(try again.rows().map(\.bytesMoved) == [0])
        let writes = try Command.shell("grep -E 'O_WRONLY|O_RDWR|O_CREAT' \(scratch["trace"])")
        #expect(writes.text.isEmpty)
    }

    /// From a pipe to a registry and from a registry to a pipe: nothing on disk, little in memory.
    @Test func registriesNeedNoTemporaryFiles() throws {
        let scratch = try Scratch()
        let registry = try ScriptedRegistry([], scratch: scratch)
        let archive = try Samples.archive(scratch, mebibytes: Samples.isLong ? 1000 : 100)
        for command in [
            "$DRAY copy --progress none docker-archive:- docker://\(registry.address)/app:1 < \(archive)",
            "$DRAY copy --progress none docker://\(registry.address)/app:1 docker-archive:- | cat > /dev/null",
        ] {
            let result = try Command.shell(
                "strace -f -y --seccomp-bpf -e trace=openat,creat -o \(scratch["trace"]) "
                    + "/usr/bin/env time -o \(scratch["memory"]) -f %M \(command)")
            #expect(result.status == 0, "\(result.errors)")
            let writes = try Command.shell(
                "grep -E 'O_WRONLY|O_RDWR|O_CREAT|creat\\(' \(scratch["trace"]) | grep -v -e /dev/ -e \(scratch["memory"]) "
                    + "-e \(Command.cache)"
            )
            #expect(writes.text.isEmpty, "\(writes.text)")
            let kibibytes = try String(contentsOfFile: scratch["memory"], encoding: .utf8).trimmed
            #expect(try #require(Int(kibibytes)) < 64 << 10)
        }
    }

    /// As on a full disk: a write fails in the middle of a layer.
    @Test(arguments: ["store:place", "oci:place", "dir:place", "oci-archive:place"])
    func aWriteThatFailsLeavesNothing(_ destination: String) throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch)
        let result = try Command.shell(
            "trap '' XFSZ; ulimit -f 200; cd \(scratch.path); $DRAY copy --progress none \(archive) \(destination)")
        #expect(result.status == 1 && result.errors.contains("cannot write"), "\(result.errors)")
        let left = scratch.files(below: ".").filter { $0.contains("place") }
        #expect(left.allSatisfy { ["place/oci-layout", "place/index.json", "place/version"].contains($0) }, "\(left)")
    }

    /// A kill at any moment leaves a store without one broken image; the next run completes it.
    @Test func killedImportsLeaveNoBrokenImage() async throws {
        let scratch = try Scratch()
        let first = try Samples.archive(scratch, name: "a.tar", image: "first/app:1", mebibytes: 12)
        let second = try Samples.archive(scratch, name: "b.tar", image: "second/app:1", mebibytes: 24)
        let registry = try await Registry(serving: scratch["store"], scratch: scratch)
        var generator = SeededGenerator(7)
        for _ in 0..<(Samples.isLong ? 50 : 5) {
            _ = try Command.shell("rm -rf \(scratch["store"])/docker")
            let delay = Double(generator.next(upTo: 250)) / 1000
            let killed = try Command.shell(
                "timeout -s KILL \(delay) $DRAY copy --progress none \(first) \(second) store:\(scratch["store"])")
            if killed.status != 0,
                FileManager.default.fileExists(atPath: "\(scratch["store"])/docker/registry/v2/repositories")
            {
                try registry.check(
                    Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows(), scratch: scratch)
            }
            try Command.succeed("copy", first, second, "store:\(scratch["store"])")
            let rows = try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows()
            #expect(rows.map(\.name) == ["first/app:1", "second/app:1"])
            try registry.check(rows, scratch: scratch)
            #expect(!scratch.files(below: "store").contains { $0.hasSuffix(".part") })
        }
    }
}

/// The same numbers every time.
struct SeededGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next(upTo bound: UInt64) -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) % bound
    }
}
