import Foundation
import Testing

/// Verification beside those who change the place all the time.
struct VerifyRaceTests {
    /// Pushes and deletions over the API and on the disk, a collector without a time of grace, and backups that are
    /// forgotten again: whatever a verification sees of that, it is no damage.
    @Test func whatIsBeingChangedIsNotDamaged() throws {
        let scratch = try Scratch()
        for number in 1...3 {
            _ = try Samples.archive(scratch, name: "\(number).tar", image: "sample/\(number):1", mebibytes: 1)
        }
        let store = "store:\(scratch["root"])"
        try Command.succeed("copy", scratch["3.tar"], store)
        let server = try Server(in: scratch, root: scratch["root"], program: .dray)
        _ = try Backups.run(store, to: scratch["backup"])
        let script = """
            cd \(scratch.path)
            fail() { cat "$1"; touch failed; }
            again() { until [ -e stop ]; do "$@"; done; }
            pushed=0
            push() {
                pushed=$((pushed + 1))
                $DRAY copy -q 1.tar docker://\(server.address)/api/app:$pushed > /dev/null 2> push.errors || return
                $DRAY delete -q docker://\(server.address)/api/app:$pushed > /dev/null 2> /dev/null
                echo >> pushes
            }
            written=0
            write() {
                written=$((written + 1))
                $DRAY copy -q 2.tar \(store):disk/app:$written > /dev/null 2> write.errors || return
                $DRAY delete -q \(store):disk/app:$written > /dev/null 2> /dev/null
                echo >> writes
            }
            collect() { $DRAY gc -m --grace 0 \(store) > /dev/null 2> gc.errors && echo >> collections; }
            keep() {
                $DRAY backup -q --keep-going \(store) backup > /dev/null 2> backup.errors && echo >> backups
                $DRAY forget -q --keep-last 2 backup > /dev/null 2> /dev/null
                $DRAY prune -q backup > /dev/null 2> /dev/null && echo >> prunes
            }
            again push & again write & again collect & again keep &
            # So often, and until each of them came to its end once.
            round=0
            happened() { [ -e pushes ] && [ -e writes ] && [ -e collections ] && [ -e backups ] && [ -e prunes ]; }
            until [ $round -ge 1000 ] || { [ $round -ge \(Samples.isLong ? 150 : 12) ] && happened; }; do
                round=$((round + 1))
                $DRAY verify --output json \(store) > verified 2> errors || { fail verified; fail errors; break; }
                until $DRAY verify --output json backup > verified 2> errors; do
                    # Blobs are just being removed.
                    grep -q 'in use' errors || { fail verified; fail errors; break 2; }
                done
            done
            touch stop
            wait
            [ ! -e failed ]
            """
        try scratch.write(script, to: "race")
        let result = try Command.shell("bash \(scratch["race"])")
        #expect(result.status == 0, "\(result.text.prefix(4000)) \(result.errors.prefix(2000))")
        for what in ["pushes", "writes", "collections", "backups", "prunes"] {
            #expect(FileManager.default.fileExists(atPath: scratch[what]), "there were no \(what)")
        }
        #expect(try Backups.check(scratch["backup"]) > 0)
    }
}
