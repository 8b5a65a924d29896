import Testing

extension FirstUseTests {
    private static let swap = "swap source and destination: dray copy"

    /// References as people type them.
    static let references: [Row] = [
        // Understood, since they can mean one thing only.
        Row("dray ls $REGISTRY", 0, "sample/app:1.0", "other/tool:2", registry: .init()),
        Row("dray ls localhost:${REGISTRY#*:}/other/tool", 0, "other/tool:2", registry: .init()),
        Row("dray digest localhost:${REGISTRY#*:}/sample/app:1.0", 0, "sha256:", registry: .init()),
        Row(
            "dray copy -q app.tar $REGISTRY/new/app:7 && dray ls $REGISTRY/new/app", 0, "new/app:7", registry: .init()),
        Row("dray ls \"$REGISTRY/o*\"", 0, "other/tool:2", not: ["sample"], registry: .init()),
        Row("dray ls ocidir://layout", 0, "sample/app:1.0"),
        Row("dray digest oci-layout://layout:other/tool:2", 0, "sha256:"),
        Row("dray ls oci://$PWD/layout", 0, "other/tool:2"),
        Row("dray ls oci://./layout", 0, "other/tool:2"),
        Row("dray copy -q other.tar ocidir://new:3 && dray ls oci:new", 0, "3"),
        Row("dray ls file://$PWD/app.tar", 0, "sample/app:1.0"),
        Row("dray ls docker-archive://$PWD/app.tar", 0, "sample/app:1.0"),
        Row("dray ls store://store", 0, "sample/app:1.0"),
        Row("mkdir localhost:5000 && cp app.tar localhost:5000/a && dray ls localhost:5000/a", 0, "sample/app:1.0"),
        // Refused, with what was probably meant.
        Row("dray ls docker:busybox:1", 64, "did you mean docker://busybox:1?"),
        Row("dray ls docker:/registry.example/team", 64, "did you mean docker://registry.example/team?"),
        Row("dray ls docker:///busybox", 64, "did you mean docker://busybox?"),
        Row(
            "dray ls registry.example/team/app", 64, "no such file", "did you mean docker://registry.example/team/app?"),
        Row("dray inspect registry.example", 64, "did you mean docker://registry.example?"),
        Row("dray copy alpine:3.20 oci:out", 64, "no such file", "did you mean docker://alpine:3.20?"),
        Row(
            "dray copy app.tar quay.io/team/app:1", 64, "missing transport", "did you mean docker://quay.io/team/app:1?"
        ),
        Row(
            "dray ls https://registry.example:8443/team/app:2", 64,
            "did you mean docker://registry.example:8443/team/app:2?"),
        Row("dray inspect http://10.1.2.3:5000/app", 64, "docker://10.1.2.3:5000/app with --plain-http?"),
        Row("dray copy https://files.example/app.tar.gz oci:out", 64, "download the archive first", not: ["docker://"]),
        Row("dray ls docker-archiv:app.tar", 64, "did you mean docker-archive:app.tar?"),
        Row("dray ls OCI:layout", 64, "did you mean oci:layout?"),
        Row("dray copy other.tar oci-archive://new.tar", 64, "did you mean oci-archive:new.tar?"),
        Row("dray copy docker-daemon:app:2 oci:out", 64, "docker save app:2 | dray copy docker-archive:- DESTINATION"),
        Row("dray copy app.tar docker-daemon:app:2", 64, "dray copy SOURCE docker-archive:- | docker load"),
        Row("dray copy containers-storage:app:3 oci:out", 64, "podman save app:3 | dray copy docker-archive:-"),
        Row("dray ls oci://chart", 64, "oci://HOST"),
        // A read does not say how to make a place.
        Row("dray ls missing.tar", 64, "'missing.tar': no such file or directory", not: ["make", "oci:", "docker:"]),
        Row("dray verify /missing/dir", 64, "'/missing/dir': no such file or directory", not: ["make", "store:"]),
        Row("dray inspect docker-archive:missing.tar", 4, "missing.tar: no such file or directory"),
        Row("dray ls file:///missing.tar", 64, "no such file or directory"),
        Row("dray copy app.tar new.tar", 64, "write docker-archive:new.tar or oci-archive:new.tar", not: ["store:"]),
        Row("dray restore store new", 64, "missing transport; write store:new, oci:new"),
        // Swapped.
        Row(
            "dray copy docker-archive:gone.tar other.tar", 4, "\(swap) docker-archive:other.tar docker-archive:gone.tar"
        ),
        Row("dray copy oci:gone store:store", 4, "gone: no such file or directory", "\(swap) store:store oci:gone"),
        Row("dray copy oci:gone store:new", 4, "gone: no such file or directory", not: ["swap"]),
        Row("dray backup bk docker://registry.example/", 64, "dray backup docker://registry.example/ bk"),
        Row(
            "dray backup -q store:store bk > made && dray restore store:new bk", 64,
            "swap the arguments: dray restore bk store:new"),
        Row("dray tag good store:store:sample/app:1.0", 64, "dray tag store:store:sample/app:1.0 good"),
        // All below a path.
        Row("dray ls docker://$REGISTRY/other", 0, "other/tool:2", not: ["sample"], registry: .init()),
        Row(
            "dray copy docker://$REGISTRY/sample docker://$REGISTRY/mirror && dray ls docker://$REGISTRY/mirror", 0,
            "mirror/app:1.0", registry: .init()),
        Row("dray verify docker://$REGISTRY/other", 0, registry: .init()),
        Row(
            "echo \"rules: [{source: 'docker://$REGISTRY/sample', destination: 'oci:out'}]\" > s.yml; dray sync s.yml",
            0,
            "sample/app:1.0", registry: .init()),
        Row("dray ls docker://$REGISTRY/samp", 4, "samp", registry: .init()),
        Row("dray copy --help", 0, "/team/*'"),
    ]

    @Test(arguments: references) func referenceRows(_ row: Row) throws { try check(row) }
}
