import Foundation
import Testing

/// Garbage collection that is killed, and garbage collection beside copies into the same store.
struct GarbageRaceTests {
    /// Everything that docker-registry lists, it also has.
    private func count(_ registry: Registry) throws -> Int {
        let result = try Command.script("Tests/check-registry", [registry.address])
        #expect(result.status == 0, "\(result.errors.prefix(2000))")
        return try #require(Int(result.text.trimmed))
    }

    @Test(arguments: [false, true])
    func aKillLeavesAStoreThatTheRegistryServes(_ quarantine: Bool) async throws {
        let scratch = try Scratch()
        let made = try Command.script(
            "samples/tools/make-store",
            [scratch["made"], "--repositories", "10", "--manifests", "10", "--garbage", "0.4"])
        try #require(made.status == 0, "\(made.errors)")
        // Untagged manifests go as well.
        try Command.shell("rm -r \(scratch["made"])/docker/registry/v2/repositories/*/app*/_manifests/tags/v[3-6]")
        let options = quarantine ? "--quarantine" : ""
        var generator = SeededGenerator(quarantine ? 3 : 2)
        var killed = 0
        for _ in 0..<(Samples.isLong ? 50 : 4) {
            try Command.shell("rm -rf \(scratch["root"]); cp -a \(scratch["made"]) \(scratch["root"])")
            let changes = "unlink,unlinkat,rmdir,rename,renameat,renameat2"
            let run = try Command.shell(
                """
                strace -f -qq -o /dev/null -e trace=\(changes) -e inject=\(changes):signal=KILL:when=\(1 + generator.next(upTo: 60)) \
                    $DRAY gc -m --grace 0 \(options) \(scratch["root"]) > /dev/null
                """)
            if run.status != 0 { killed += 1 }
            let registry = try await Registry(serving: scratch["root"], scratch: scratch)
            let images = try count(registry)
            #expect(images > 20)
            if quarantine, FileManager.default.fileExists(atPath: scratch["root/.dray/quarantine"]),
                try !Command.succeed("gc", "--list-quarantine", scratch["root"]).lines.isEmpty
            {
                try Command.succeed("gc", "--undo", "latest", scratch["root"])
                let difference = try Command.shell(
                    "diff -r \(scratch["made"])/docker \(scratch["root"])/docker | grep -v ': sha256$' || true")
                // Empty directories of dead revisions and history are all that does not come back.
                let files = try Command.shell(
                    "diff <(cd \(scratch["made"])/docker; find . -type f | sort) <(cd \(scratch["root"])/docker; find . -type f | sort)"
                )
                #expect(files.status == 0, "\(files.text.prefix(1000)) \(difference.text.prefix(1000))")
            }
            let finished = try Command.dray(["gc", "-m", "--grace", "0", scratch["root"]])
            #expect(finished.status == 0, "\(finished.errors)")
            #expect(try count(registry) == images)
        }
        #expect(killed > 0)
    }

    /// Blobs become garbage and are wanted again all the time, under a collector that never stops. What `copy` says it
    /// has written is there; without a grace time it may have to say that something went before it was referred to.
    @Test(arguments: ["0", "1h"])
    func nothingIsLostBesideCopies(_ grace: String) async throws {
        let scratch = try Scratch()
        for number in 1...2 {
            _ = try Samples.archive(scratch, name: "\(number).tar", image: "sample/\(number):1", mebibytes: number)
        }
        let rounds = Samples.isLong ? 100 : 10
        let script = """
            cd \(scratch.path)
            root=\(scratch["root"])
            fail() { cat "$1"; touch failed; }
            mkdir -p $root/docker/registry/v2/repositories
            ( while [ ! -e stop ]; do
                $DRAY gc -m --grace \(grace) $root > collected 2> errors || fail errors
                grep -o '[0-9]* blobs and 1 manifests' collected >> collections
            done ) &
            collector=$!
            worker() {
                for round in $(seq \(rounds)); do
                    until $DRAY copy -q $1.tar store:$root:w$1/app:$round > /dev/null 2> copy.$1; do
                        echo >> refusals
                        grep -q -e 'lacks the blob' -e 'in the meantime' -e 'has no manifest' copy.$1 || { fail copy.$1; break; }
                    done
                    $DRAY copy -q --on-existing overwrite store:$root:w$1/app:$round oci-archive:whole.$1 > /dev/null 2> read.$1 || fail read.$1
                    [ $round = \(rounds) ] || $DRAY delete -q store:$root:w$1/app:$round > /dev/null 2> gone.$1 || fail gone.$1
                done
            }
            worker 1 & first=$!
            worker 2 & second=$!
            wait $first $second
            touch stop
            wait $collector
            [ ! -e failed ]
            """
        try scratch.write(script, to: "race")
        let result = try Command.shell("bash \(scratch["race"])")
        #expect(result.status == 0, "\(result.text.prefix(2000)) \(result.errors.prefix(2000))")
        if grace == "0" {
            #expect(try !Data(contentsOf: URL(filePath: scratch["collections"])).isEmpty)
        } else {
            #expect(!FileManager.default.fileExists(atPath: scratch["refusals"]))
        }
        let registry = try await Registry(serving: scratch["root"], scratch: scratch)
        #expect(try count(registry) == 2)
        let rows = try Command.succeed("ls", "--output", "json", "store:\(scratch["root"])").rows()
        #expect(Set(rows.map(\.name)) == Set((1...2).map { "w\($0)/app:\(rounds)" }))
    }
}
