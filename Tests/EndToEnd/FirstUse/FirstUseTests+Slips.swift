import Foundation
import Testing

/// Nothing is lost by a slip.
extension FirstUseTests {
    /// Another image, so that there is something for more than one volume.
    private static let more = "dray copy -q --compression zstd --format oci app.tar store:store:zz/app:9 && "

    static let slips: [Row] = [
        // Archives that exist.
        Row(
            "sha256sum other.tar > sum; dray copy app.tar other.tar; status=$?; sha256sum -c sum; exit $status", 1,
            "other.tar: the file exists", "--on-existing overwrite", "other.tar: OK"),
        Row(
            "echo mine > notes.txt; dray copy app.tar docker-archive:notes.txt; status=$?; cat notes.txt; exit $status",
            1, "notes.txt: the file exists", "--on-existing overwrite", "mine"),
        Row(
            "dray copy --dry-run store:store oci-archive:app.tar; status=$?; dray ls -q docker-archive:app.tar; exit $status",
            1, "app.tar: the file exists", "sample/app:1.0"),
        Row(
            "echo mine > notes.txt; dray copy --on-existing skip app.tar docker-archive:notes.txt && cat notes.txt", 0,
            "notes.txt: the file exists; skipped", "mine"),
        Row("dray copy --on-existing overwrite other.tar docker-archive:app.tar && dray ls app.tar", 0, "other/tool:2"),
        Row("dray copy app.tar docker-archive:/dev/null", 0, "sample/app:1.0", not: ["exists"]),
        Row(
            "mkfifo pipe; cat pipe > piped.tar & dray copy app.tar docker-archive:pipe; wait; dray ls piped.tar", 0,
            "sample/app:1.0", not: ["exists"]),
        Row("dray copy app.tar docker-archive:- > out.tar && dray copy app.tar docker-archive:- > out.tar", 0),
        Row("ln -s other.tar link.tar; dray copy app.tar docker-archive:link.tar", 1, "link.tar: the file exists"),
        Row(
            more + "dray copy --volume-size 400kB store:store oci-archive:set.tar && rm set.001.tar && "
                + "dray copy --volume-size 400kB store:store oci-archive:set.tar", 1, "set.002.tar: the file exists",
            "--on-existing overwrite"),
        Row(
            more + "dray copy --volume-size 400kB store:store oci-archive:set.tar && "
                + "dray copy --on-existing overwrite --volume-size 700kB store:store oci-archive:set.tar && "
                + "dray verify set.001.tar", 0, "sound"),
        Row(
            "touch set.recovery-1.tar; dray copy --volume-size 1M app.tar oci-archive:set.tar", 1, "set.recovery-1.tar"),
        Row(
            "dray backup store:store backup && dray restore backup oci-archive:other.tar", 1,
            "other.tar: the file exists", "--on-existing overwrite"),
        Row("dray backup store:store backup && dray restore --dry-run backup docker-archive:app.tar", 1, "app.tar"),
        Row(
            "dray backup store:store backup && dray restore --on-existing overwrite backup oci-archive:other.tar && "
                + "dray ls other.tar", 0, "sample/app:1.0"),

        // Tags that move.
        Row(
            "old=$(dray digest store:store:sample/app:1.0); dray copy --format oci app.tar store:store | tee said; "
                + "grep \"moved from $old\" said", 0, "tag moved from sha256:"),
        Row(
            "old=$(dray digest oci:layout:sample/app:1.0); "
                + "dray copy --dry-run --output json --format oci app.tar oci:layout | tee said; "
                + "grep \"replacedDigest.*$old\" said", 0),
        Row(
            "dray copy app.tar store:store:sample/app:1.1", 0, "copied, digest changed (was sha256:",
            not: ["moved from", "present"]),

        Row(
            "dray copy --format oci app.tar docker://$REGISTRY/sample/app:1.0 | tee said; "
                + "grep \"tag moved from $(dray digest store:store:sample/app:1.0)\" said", 0, "digest changed",
            registry: .init()),
        Row(
            "old=$(dray digest store:store:sample/app:1.0); "
                + "dray copy --dry-run --format oci store:store:sample/app docker://$REGISTRY/sample/app:1.0 | tee said; "
                + "grep \"tag moves from $old\" said", 0, not: ["present"], registry: .init()),
        Row(
            "dray copy --on-existing skip --format oci app.tar docker://$REGISTRY; "
                + "dray copy --on-existing skip other.tar docker://$REGISTRY", 0, "skipped, the tag is sha256:",
            "other/tool:2", "  present", registry: .init()),
        // An untagged image is none of the repository's tags, and does not stand for them.
        Row(
            "dray copy -q --format oci app.tar store:store && dray ls store:store:sample/app", 0,
            "sample/app:1.0", "sample/app:<none>"),
        Row(
            "dray copy -q --format oci app.tar store:store && dray copy store:store:sample/app oci:new", 0,
            "sample/app:1.0"),

        // Which snapshot.
        Row(
            "dray backup store:store backup && dray restore backup store:new", 0,
            "restoring snapshot 20", "of store:store"),
        Row(
            "dray backup store:store backup && dray backup oci:layout backup && dray restore backup store:new", 1,
            "different sources", "oci:layout; store:store", "--source", "--snapshot"),
        Row(
            "dray backup store:store backup && dray backup oci:layout backup && "
                + "dray restore --source store:store backup store:new", 0, "of store:store"),
        Row(
            "dray backup store:store backup && dray backup oci:layout backup && dray restore backup store", 0,
            "of store:store", not: ["of oci:layout"]),
        Row(
            "dray backup store:store backup && dray backup oci:layout backup && "
                + "dray restore --source oci:nowhere backup store:new", 4, "no snapshot of oci:nowhere",
            "snapshots of oci:layout; store:store"),
        Row(
            "dray backup store:store backup && dray backup oci:layout backup && "
                + "dray restore --snapshot 2100-01-01 backup store:new", 1, "different sources"),
        Row(
            "dray backup store:store backup && dray backup oci:layout backup && "
                + "dray restore --snapshot $(ls backup/snapshots | head -1) backup store:new", 0, "of store:store"),
        Row(
            "for i in 1 2; do for s in sample/app other/tool; do dray backup store:store:$s backup; done; done; "
                + "dray forget --keep-last 1 backup; dray restore --source store:store:sample/app backup store:new", 0,
            "forgotten", "of store:store:sample/app"),

        // What --mirror removes.
        Row(
            "dray backup store:store backup && dray copy app.tar store:store:more/app:9 && "
                + "dray restore --mirror backup store:store; status=$?; dray ls store:store; exit $status", 1,
            "--mirror removes 1 image or tag from store:store:", "more/app:9", "--yes"),
        Row(
            "dray backup store:store backup && dray copy app.tar store:store:more/app:9 && "
                + "dray restore --mirror --yes backup store:store && dray ls store:store > after; ! grep more/app after",
            0, "--mirror removes 1 image or tag", "more/app:9"),
        Row(
            "dray backup store:store backup && dray copy app.tar store:store:more/app:9 && "
                + "(sleep 1; echo y) | TERM=xterm script -qec '\"$DRAY\" restore --mirror backup store:store' /dev/null && "
                + "dray ls store:store > after; ! grep more/app after", 0, "Remove it? [y/N]"),
        Row(
            "dray backup store:store backup && dray copy app.tar store:store:more/app:9 && "
                + "(sleep 1; echo n) | TERM=xterm script -qec '\"$DRAY\" restore --mirror backup store:store' /dev/null; "
                + "dray ls store:store", 0, "nothing was changed", "more/app:9"),
        Row("dray backup store:store backup && dray restore --mirror backup store:store", 0, not: ["--yes"]),
        Row("dray restore --yes backup store:store", 64, "--yes is for --mirror"),

        // What an archive lacks.
        Row(
            more
                + "dray copy --volume-size 800kB --recovery-volumes 1 store:store oci-archive:set.tar && rm set.002.tar && "
                + "dray verify set.001.tar", 3, "volume 2 of", "is missing", "dray recover set.001.tar", "incomplete",
            not: ["damage"]),
        Row(
            more
                + "dray copy --volume-size 400kB store:store oci-archive:set.tar && rm set.002.tar && dray verify --deep oci-archive:set.tar",
            3,
            "volume 2 of", "put volume 2 beside the others", not: ["damage", "dray recover"]),
        Row(
            "dray inventory store:store > have.json && dray copy --have have.json store:store oci-archive:delta.tar && "
                + "dray verify delta.tar", 0, "lacks 3 blobs (the first is sha256:", "dray copy --base PLACE delta.tar",
            "as a delta",
            not: ["damage"]),
    ]

    @Test(arguments: slips) func slip(_ row: Row) throws { try check(row) }

    /// A signal that came between the making and the running of the server was lost.
    @Test func signalsEndTheServerAtAnyMomentOfItsStart() throws {
        let scratch = try Scratch()
        let program = """
            import os, signal, subprocess, time
            for number in range(80):
                server = subprocess.Popen(
                    [os.environ["DRAY"], "serve", "--addr", "127.0.0.1:0", "store:store"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(number % 40 * 0.0025)
                server.send_signal([signal.SIGTERM, signal.SIGINT][number // 40])
                try:
                    server.wait(20)
                except subprocess.TimeoutExpired:
                    server.kill()
                    print("lost after", number % 40 * 2.5, "ms")
            """
        try Command.shell("mkdir store", in: scratch.path)
        try program.write(toFile: scratch["signals.py"], atomically: true, encoding: .utf8)
        let run = try Command.shell("python3 signals.py", in: scratch.path)
        #expect(run.status == 0 && run.text.isEmpty, "\(run.text)\(run.errors)")
    }
}
