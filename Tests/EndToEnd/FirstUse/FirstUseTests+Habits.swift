import Testing

/// What users of Windows, docker and skopeo type.
extension FirstUseTests {
    static let windows: [Row] = [
        Row(
            "dray copy app.tar 'docker-archive:D:\\x.tar'; status=$?; ls; exit $status", 64, "a Windows path",
            "/mnt/d/x.tar", not: ["D:\\x.tar\n"]),
        Row("dray copy app.tar 'C:\\images\\app.tar'", 64, "a Windows path", "e.g. /mnt/c/images/app.tar"),
        Row("dray copy app.tar 'oci:.\\out'; status=$?; ls; exit $status", 64, "e.g. oci:./out", not: [".\\out\n"]),
        Row("dray copy app.tar 'store:\\\\server\\share\\reg'", 64, "e.g. store:/mnt/share/reg"),
        Row("dray ls 'C:/images/app.tar'", 64, "e.g. /mnt/c/images/app.tar"),
        Row(
            "dray backup store:store 'D:\\backup'; status=$?; ls; exit $status", 64, "e.g. /mnt/d/backup",
            not: ["D:\\backup\n"]),
        Row("dray backup -q store:store bk; dray restore bk 'oci:C:\\out'", 64, "e.g. oci:/mnt/c/out"),
        Row(
            "dray copy --receipt 'C:\\r.json' app.tar oci:new; status=$?; ls; exit $status", 64, "e.g. /mnt/c/r.json",
            not: ["new\n"]),
        Row("cp app.tar 'a\\b.tar' && dray ls 'a\\b.tar' && dray ls 'docker-archive:a\\b.tar'", 0, "sample/app:1.0"),
        Row("cp -r layout 'C:\\x' && dray copy other.tar 'oci:C:\\x'", 0, "other/tool:2"),
        // Of word processors.
        Row("dray copy app.tar '“store:reg2”'", 64, "typographic quotes; write store:reg2"),
        Row("dray copy app.tar 'oci:‘out’'; status=$?; ls; exit $status", 64, "write oci:out", not: ["‘out’\n"]),
        Row("dray ls —all store", 64, "a long dash instead of two hyphens; write --all"),
        Row("dray ls –q store", 64, "a long dash instead of a hyphen; write -q"),
        Row("cp app.tar —x && dray ls —x", 0, "sample/app:1.0"),
        // Options of PowerShell and cmd.
        Row(
            "dray copy -WhatIf app.tar oci:out", 64, "no option -WhatIf; options have two hyphens: --help lists them",
            not: ["USAGE"]),
        Row("dray ls -Path store", 64, "no option -Path;", not: ["USAGE"]),
        Row("dray copy -dry-run app.tar oci:out", 64, "options have two hyphens: --dry-run"),
        Row("dray login -psecreth registry.example", 64, "--password-stdin", not: ["secret"]),
        Row("dray copy -Help", 64, "no option -Help; write --help"),
        Row("dray /?", 64, "write --help"),
        Row("dray -?", 64, "write --help"),
        Row("dray copy -qv app.tar oci:out", 0, "from docker-archive:app.tar"),
        Row("dray gc -dm -h", 0, "USAGE"),
        Row("dray help Copy", 0, "USAGE: dray copy"),
        Row("dray help cpoy", 64, "no command 'cpoy'; did you mean copy?"),
        Row("dray inspect --platform AMD64 app.tar && dray inspect --platform x64 app.tar", 0, "amd64"),
        Row("dray copy --on-existing Skip --format OCI --compression GZIP app.tar oci:out", 0, "sample/app:1.0"),
        Row("dray ls --output JSON app.tar", 0, "\"digest\""),
    ]

    /// `-` alone.
    static let streams: [Row] = [
        Row(
            "cat app.tar | dray copy - docker://$REGISTRY/x:1 && dray ls docker://$REGISTRY/x", 0, "x:1",
            registry: .init()),
        Row(
            "dray copy -q app.tar oci-archive:o.tar; cat o.tar | dray copy - oci:out", 0, "sample/app:1.0  sha256:",
            "copied"),
        Row("touch ./-; cat app.tar | dray copy - oci:out", 0, "sample/app:1.0"),
        Row("dray ls - < app.tar", 0, "sample/app:1.0"),
        Row("dray copy app.tar -", 64, "write docker-archive:- or oci-archive:-"),
    ]

    /// Lines that lead to the right one.
    static let lines: [Row] = [
        Row("dray serve -d c.yml", 64, "leave it out", "systemd", not: ["--verbose"]),
        Row("dray serve -p 5000 store:store", 64, "use: --addr :5000", not: ["--creds"]),
        Row("dray serve -p 23411:5000 store:store", 64, "use: --addr :23411"),
        Row("dray serve --port=5001 store:store", 64, "use: --addr :5001"),
        Row("dray serve --listen 0.0.0.0:5000 store:store", 64, "use: --addr 0.0.0.0:5000"),
        Row("dray serve docker://registry.example/team", 64, "proxy.remoteurl: https://registry.example"),
        Row("dray run alpine", 64, "dray runs no containers", not: ["serve"]),
        Row("dray push app.tar store:reg", 64, "use: dray copy app.tar store:reg", not: ["docker://"]),
        Row(
            "dray push team/app:1 registry.example/x", 64,
            "docker save team/app:1 | dray copy docker-archive:- docker://registry.example/x"),
        Row("dray image ls", 64, "use: dray ls PLACE"),
        Row("dray history store:sample/app:1.0", 64, "dray inspect store:sample/app:1.0", not: ["docker://"]),
        Row("dray search foo", 64, "dray ls docker://HOST/", not: ["docker://foo"]),
        Row("dray ps", 64, "no containers", not: ["did you mean"]),
        Row("dray system prune", 64, "dray gc STORE"),
        Row("dray manifest inspect app.tar", 64, "use: dray inspect app.tar"),
        Row("dray diff app.tar", 64, "dray digest app.tar"),
        Row("dray undelete app", 64, "dray tag REPOSITORY@DIGEST TAG", not: ["did you mean"]),
        Row("dray cls", 64, "no command 'cls'", not: ["did you mean"]),
        Row("dray restart", 64, "no command 'restart'", not: ["did you mean"]),
        Row("dray forget --keep 2 bk", 64, "use: --keep-last 2", not: ["--key"]),
        Row("dray verify --repair store", 64, "use: --repair-from"),
        Row("dray copy -f oci app.tar oci:out", 64, "use: --format oci", not: ["overwrite"]),
        Row("dray backup --tag x store:store bk", 64, "leave it out", not: ["dray tag"]),
        Row("dray sync --all x.yml", 64, "no option --all", not: ["did you mean", "Did you mean"]),
        Row("dray ls --sort store", 64, "no option --sort", not: ["--cert"]),
        Row("dray copy --dri-run app.tar oci:out", 64, "did you mean --dry-run?"),
        Row("dray gc docker://registry.example", 64, "on its machine"),
        Row("dray prune store", 64, "not a backup; use: dray gc store"),
        Row("dray ls store/sample/app", 64, "did you mean store:sample/app?"),
        Row("dray inspect store/sample/app:1.0", 64, "did you mean store:sample/app:1.0?"),
        Row("dray copy alpine:3.10 oci:out", 64, "docker save alpine:3.10 | dray copy docker-archive:-"),
        Row("dray copy alpine oci:out", 64, "did you mean docker://alpine:latest?"),
        Row("dray copy docker://alpine oci:out", 64, "no tag", "write docker://alpine:latest, or add --all-tags"),
        Row("dray copy --volume-size 20 MB app.tar oci-archive:v.tar", 64, "without a space, such as 20MB"),
        Row("dray recover nothing.tar", 4, "nothing.tar: no such file or directory"),
        Row("dray recover oci-archive:nothing.tar", 4, "nothing.tar: no such file or directory"),
        Row(
            "mkdir reg; dray copy app.tar reg", 64,
            "an empty directory; write store:reg (a registry's storage) or oci:reg"),
        Row(
            "mkdir reg; dray ls store:reg", 3, "an empty directory", "dray copy SOURCE store:reg", not: ["docker save"]),
        // Files that options name.
        Row(
            "dray ls --creds ann:secret docker://registry.example/", 64,
            "--creds takes a file with USER:PASSWORD in it, or env:NAME", not: ["secret"]),
        Row(
            "dray copy --receipt none/r.json app.tar oci:new; status=$?; ls; exit $status", 1, "--receipt none/r.json",
            "does not exist", not: ["new\n"]),
    ]

    /// Sources of backups, and what is kept of them.
    static let snapshots: [Row] = [
        Row(
            "dray backup -q docker://$REGISTRY bk; dray backup -q docker://$REGISTRY/ bk; dray backup -q docker://$REGISTRY bk; "
                + "dray forget --keep-last 2 bk; dray snapshots -q bk | wc -l", 0, "forgotten  docker://", "2\n",
            registry: .init()),
        Row(
            "dray backup -q store:store bk && dray snapshots bk", 0, "ID", "MADE", "REPOSITORIES", "SOURCES",
            "store:store"),
        Row(
            "dray backup -q store:store bk && dray snapshots -q bk | grep -Exc '[0-9T.]+Z'", 0, "1",
            not: ["store:store"]),
        Row(
            "dray backup -q store:store bk; dray backup -q store:store bk; for s in oldest first; do dray restore --snapshot $s bk store:new; done; ls bk/snapshots | head -1 > id; dray restore --snapshot $s bk store:new 2>&1 | grep -c $(cat id)",
            0, "1\n"),
        Row(
            "dray backup -q store:store bk; dray restore --snapshot '2100-12-01 04:32:59' bk store:new", 0, "restoring"),
        Row(
            "dray backup -q store:store bk; id=$(dray snapshots -q bk); dray restore --snapshot ${id%?Z} bk store:new",
            0, "restoring"),
        Row(
            "dray backup -q store:store bk; dray restore --snapshot soon bk store:new", 64, "'dray snapshots bk' lists"),
        Row("dray backup -q store:store bk; dray forget bk", 64, "e.g. --keep-last 2"),
    ]

    /// Nothing goes that was not named.
    static let deletions: [Row] = [
        Row(
            "dray delete --all store:store; status=$?; dray ls store:store; exit $status", 1, "--all takes one",
            "store:store:*", "other/tool:2"),
        Row(
            "dray delete --all docker://$REGISTRY/; status=$?; dray ls docker://$REGISTRY/; exit $status", 1,
            "not a repository", "sample/app:1.0", registry: .init()),
        Row(
            "dray delete --all docker://$REGISTRY/sample; status=$?; dray ls docker://$REGISTRY/; exit $status", 1,
            "sample/*", "sample/app:1.0", registry: .init()),
        Row(
            "dray delete --all 'store:store:*'; status=$?; dray ls store:store; exit $status", 1, "nothing was changed",
            "--yes", "other/tool:2"),
        Row(
            "dray delete --all --yes 'store:store:other/*' && dray ls store:store", 0, "deleted other/tool:2",
            "sample/app:1.0"),
        Row(
            "dray delete --all store:store:other/tool && dray ls store:store", 0, "deleted other/tool:2",
            "sample/app:1.0"),
        Row(
            "dray delete --dry-run store:store:other/tool:2 && dray ls store:store", 0, "to delete other/tool:2",
            not: ["deleted"]),
        Row(
            "dray delete --dry-run --all 'store:store:*' && dray ls -q store:store | wc -l", 0,
            "to delete other/tool:2", "2\n"),
        Row(
            "dray delete store:store:other/tool:2 store:store:sample/app:1.0", 0, "deleted other/tool:2",
            "deleted sample/app:1.0"),
        Row(
            "dray delete store:store:other/tool:2 store:store:none:1; status=$?; dray ls store:store; exit $status", 4,
            "none", "other/tool:2  "),
        Row(
            "dray delete store:store:other/tool@$(dray digest store:store:other/tool:2)", 0, "deleted other/tool:2",
            "'dray gc store'", not: ["<none>"]),
        Row(
            "dray tag -q docker://$REGISTRY/other/tool:2 3; dray delete docker://$REGISTRY/other/tool@$(dray digest docker://$REGISTRY/other/tool:2)",
            0, "/other/tool:2  sha256:", "/other/tool:3  sha256:", not: ["<none>"], registry: .init()),
        Row(
            "dray delete store:store:other/tool:2 2> note; grep -o 'dray tag [^ ]* [^ ]*2' note > again; . ./again; dray ls store:store",
            0, "other/tool:2  "),
        Row("dray delete -q store:store:other/tool:2", 0, not: ["dray gc"]),
        Row("dray delete docker://$REGISTRY/other/tool", 1, "names no tag", not: ["whatever"], registry: .init()),
    ]

    /// What commands say of what they have found.
    static let sentences: [Row] = [
        Row(
            "dray copy -q --compression zstd --format oci app.tar store:store:zz/app:9; dray digest store", 4,
            "store holds 3 images; name one of", not: ["latest"]),
        Row(
            "rm $(find store -name data -size +100k | head -1); dray verify store", 3,
            "to do: dray verify --repair-from PLACE store:store, where PLACE has it"),
        Row(
            "dray delete -q --all store:store:other/tool; dray verify store", 0,
            "has 1 empty directory left from deletions (dray gc removes it)"),
        Row(
            "dray delete -q --all docker://$REGISTRY/other/tool; dray ls docker://$REGISTRY/other/tool", 0,
            "other/tool has no tags", registry: .init()),
        Row("dray digest docker://127.0.0.1:1/team/app:2", 1, "cannot look up the tag 2: "),
    ]

    @Test(arguments: sentences) func sentenceRows(_ row: Row) throws { try check(row) }
    @Test(arguments: windows) func windowsRows(_ row: Row) throws { try check(row) }
    @Test(arguments: streams) func streamRows(_ row: Row) throws { try check(row) }
    @Test(arguments: lines) func lineRows(_ row: Row) throws { try check(row) }
    @Test(arguments: snapshots) func snapshotRows(_ row: Row) throws { try check(row) }
    @Test(arguments: deletions) func deletionRows(_ row: Row) throws { try check(row) }
}
