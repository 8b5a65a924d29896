import Testing

extension FirstUseTests {
    /// Commands as other tools call them.
    static let commands: [Row] = [
        Row("dray cpoy app.tar oci:out", 64, "no command 'cpoy'; did you mean copy?"),
        Row("dray verfy store", 64, "no command 'verfy'; did you mean verify?"),
        Row("dray snap bk", 64, "did you mean snapshots?"),
        Row("dray xyzzy", 64, "no command 'xyzzy'", "dray --help", not: ["did you mean"]),
        Row("dray pull alpine:3.20", 64, "dray copy docker://alpine:3.20 docker-archive:alpine.tar"),
        Row(
            "dray pull quay.io/team/app:1 here.tar", 64, "dray copy docker://quay.io/team/app:1 docker-archive:here.tar"
        ),
        Row(
            "dray push registry.example/app:1", 64,
            "docker save registry.example/app:1 | dray copy docker-archive:- docker://registry.example/app:1"),
        Row("dray push app.tar registry.example/app:1", 64, "dray copy app.tar docker://registry.example/app:1"),
        Row("dray save -o app.tgz team/app:1", 64, "dray copy docker://team/app:1 docker-archive:app.tgz"),
        Row("dray export team/app", 64, "dray copy docker://team/app docker-archive:app.tar"),
        Row("dray load -i app.tar", 64, "dray copy app.tar PLACE"),
        Row("dray images", 64, "dray ls PLACE"),
        Row("dray images store", 64, "dray ls store"),
        Row("dray list registry.example/team/app", 64, "dray ls docker://registry.example/team/app"),
        Row("dray tags registry.example/team/app", 64, "dray ls docker://registry.example/team/app"),
        Row("dray catalog registry.example:5000", 64, "dray ls docker://registry.example:5000/"),
        Row("dray version", 0, "0.1.0"),
        Row("dray rmi team/app:1", 64, "dray delete docker://team/app:1"),
        Row("dray check bk", 64, "dray verify "),
        Row("dray init bk", 64, "dray backup SOURCE... bk"),
        Row("dray config app.tar", 64, "dray inspect --config app.tar"),
        Row("dray image copy app.tar oci:out", 64, "dray copy app.tar oci:out"),
        Row("dray repo ls registry.example", 64, "dray ls registry.example"),
        Row("dray registry serve", 64, "dray serve"),
        // Exact aliases.
        Row("dray cp app.tar oci:out", 0, "sample/app:1.0"),
        Row("dray list-tags store:store:other/tool", 0, "other/tool:2"),
        Row("dray rm store:store:other/tool:2", 0, "deleted other/tool:2"),
        // Words in another order.
        Row("dray tag store:store:sample/app:1.0 sample/app:v2", 0, "sample/app:v2"),
        Row("dray tag docker://$REGISTRY/other/tool:2 $REGISTRY/other/tool:3", 0, "other/tool:3", registry: .init()),
        Row("dray tag store:store:other/tool:2 store:store:other/tool:stable", 0, "other/tool:stable"),
        Row(
            "dray tag store:store:sample/app:1.0 team/app:v2", 1, "a tag stays in its repository; copy to team/app:v2",
            "dray copy store:store:sample/app:1.0 store:store:team/app:v2"),
        Row("dray tag store:store:sample/app:1.0 'a b'", 64, "not a tag; expected"),
        Row("dray blob layout@$(dray digest oci:layout:other/tool:2)", 0, "schemaVersion"),
        Row("dray blob $(dray digest oci:layout:other/tool:2) layout", 0, "schemaVersion"),
        Row("dray blob layout", 64, "Missing digest; expected dray blob REFERENCE sha256:DIGEST"),
        Row("dray blob layout latest", 64, "'latest': not a digest"),
        Row("dray backup -q store:store bk > made && dray forget bk latest", 0, "forgotten"),
        Row("dray backup -q store:store bk > made && dray forget latest bk", 64, "dray forget bk latest"),
        Row("dray --debug digest app.tar", 0, "sha256:"),
        Row("dray --json ls store", 0, "\"digest\""),
    ]

    /// Options as other tools call them.
    static let options: [Row] = [
        Row("dray copy --all app.tar oci:out", 0, "sample/app:1.0"),
        Row("dray copy -a other.tar oci:out", 0, "other/tool:2"),
        Row("dray copy --multi-arch all app.tar oci:out", 0, "sample/app:1.0"),
        Row("dray copy --multi-arch system app.tar oci:out", 64, "use: --platform linux/"),
        Row("dray copy --multi-arch index-only app.tar oci:out", 64, "expected all"),
        Row("dray copy --platform all app.tar oci:out", 0, "sample/app:1.0"),
        Row("dray copy --all --platform amd64 app.tar oci:out", 64, "leave out --platform"),
        Row("dray copy --platform linux/amd64,linux/arm64 app.tar oci:out", 0, "sample/app:1.0"),
        Row("dray backup --all -q store:store bk", 0),
        Row("dray copy --format v2s2 app.tar oci:out", 0, "sample/app:1.0"),
        Row("dray copy --format v2s1 app.tar oci:out", 64, "v2s1", "docker"),
        Row("dray ls --json store", 0, "\"digest\""),
        Row("dray copy --debug app.tar oci:out", 0, "from docker-archive:app.tar"),
        Row("dray copy --digestfile d app.tar oci:out > out.txt && grep -c $(cat d) out.txt", 0, "1"),
        Row("dray copy --digestfile /dev/stdout -q other.tar oci:out", 0, "sha256:"),
        Row(
            "echo '{}' > none; for o in --authfile --src-authfile --dest-authfile; do dray copy $o none app.tar oci:out; done",
            0, "sample/app:1.0"),
        Row("dray ls --authfile missing.json docker://$REGISTRY/", 0, "sample/app:1.0", registry: .init()),
        Row("dray logout --authfile none registry.example", 0, "nobody is logged in to registry.example"),
        // Others lead to what is meant.
        Row(
            "dray ls --insecure docker://registry.example/", 64, "no option --insecure", "--tls-verify=false",
            "--plain-http"),
        Row("dray copy --override-arch arm64 app.tar oci:out", 64, "--platform linux/ARCHITECTURE"),
        Row("dray copy --override-os linux app.tar oci:out", 64, "--platform OS/ARCHITECTURE"),
        Row("dray copy --preserve-digests app.tar oci:out", 64, "digests are kept", "--strict"),
        Row("dray copy --force app.tar oci:out", 64, "--on-existing overwrite"),
        Row("dray delete --force store:store:sample/app:1.0", 64, "leave it out"),
        Row("dray signin ann hunter2", 64, "use: dray login HOST", not: ["hunter2"]),
        Row("dray signin registry.example ann hunter2", 64, "use: dray login registry.example", not: ["hunter2"]),
        Row("dray signout ann localhost:5000", 64, "use: dray logout localhost:5000"),
        Row("dray login -p secret registry.example", 64, "--password-stdin", not: ["secret"]),
        Row("dray login --password=hunter2 registry.example", 64, "--password-stdin", not: ["hunter2"]),
        Row("dray copy --dest-username me app.tar docker://registry.example/a", 64, "--dest-creds FILE"),
        Row("dray copy --dest-compress-format zstd app.tar dir:out", 64, "--compression zstd"),
        Row("dray copy --insecure-policy app.tar oci:out", 64, "leave it out"),
        Row("dray copy -j 4 app.tar oci:out", 64, "--jobs NUMBER"),
        Row("dray copy --cacert ca.pem app.tar docker://registry.example/a", 64, "--ca-file FILE"),
        Row("dray inspect --format '{{.Digest}}' app.tar", 64, "--output json"),
        Row("dray copy --remove-signatures app.tar oci:out", 64, "no option --remove-signatures"),
        Row("dray backup --repo bk store:store", 64, "name the backup's directory"),
        Row("dray copy --no-clobber app.tar oci:out", 64, "--on-existing skip"),
    ]

    /// Values as people write them.
    static let values: [Row] = [
        Row("dray ls --timeout 5m docker://$REGISTRY/", 0, "sample/app:1.0", registry: .init()),
        Row("dray ls --timeout 1h30m docker://$REGISTRY/", 0, "sample/app:1.0", registry: .init()),
        Row("dray ls --timeout 45 docker://$REGISTRY/", 0, "sample/app:1.0", registry: .init()),
        Row("dray ls --timeout soon store", 64, "'soon'", "expected a time, such as 90s, 5m or 1h30m"),
        Row("dray ls --timeout 3d store", 64, "--timeout goes from 1s to 24h"),
        Row("dray gc --dry-run --grace 90min store", 0),
        Row("dray gc --dry-run --grace later store", 64, "expected a time, such as"),
        Row(
            "dray copy --limit-rate 10MB docker://$REGISTRY/sample/app oci:out", 0, "sample/app:1.0", registry: .init()),
        Row("dray copy --limit-rate 10MB/s app.tar oci:out", 0),
        Row("dray copy --limit-rate fast app.tar oci:out", 64, "write a number and a unit"),
        Row("dray copy --volume-size 4.7GB app.tar oci-archive:v.tar", 0),
        Row("dray copy --volume-size 4,7GB app.tar oci-archive:v.tar", 64, "such as 4.7GB"),
        Row("dray inspect --platform amd64 app.tar", 0, "amd64"),
        Row("dray inspect --platform x86_64,arm64 app.tar", 0, "amd64"),
        Row("dray copy --platform aarch64 app.tar oci:out", 4, "linux/arm64"),
        Row("dray copy --platform pdp11 app.tar oci:out", 64, "expected OS/ARCH[/VARIANT]"),
        Row("dray inspect --platform linux app.tar", 64, "expected OS/ARCH[/VARIANT]"),
        Row("dray ls --tls-verify no docker://$REGISTRY/", 0, "sample/app:1.0", registry: .init()),
        Row(
            "dray copy --src-tls-verify=off docker://$REGISTRY/other/tool oci:out", 0, "other/tool:2", registry: .init()
        ),
        Row("dray copy --dest-tls-verify 0 app.tar docker://$REGISTRY/a", 0, registry: .init()),
        Row("dray ls --tls-verify docker://registry.example/ x", 64, "expected true or false"),
        Row(
            "printf 'rules:\\n- source: oci:layout\\n  destination: oci:out\\n  platforms: [amd64]\\n' > s.yml; dray sync s.yml",
            0, "sample/app:1.0"),
    ]

    @Test(arguments: commands) func commandRows(_ row: Row) throws { try check(row) }
    @Test(arguments: options) func optionRows(_ row: Row) throws { try check(row) }
    @Test(arguments: values) func valueRows(_ row: Row) throws { try check(row) }
}
