import Testing

extension FirstUseTests {
    /// A whole digest.
    private static let digest = "sha256:[0-9a-f]{64}"
    /// `ls` on a terminal of some columns; then the longest line's length.
    private static func terminal(_ columns: Int, _ command: String) -> String {
        "script -qec 'stty cols \(columns); \"$DRAY\" \(command)' /dev/null | tr -d '\\r' | tee shown; "
            + "echo longest $(LC_ALL=C.UTF-8 awk '{ if (length > most) most = length } END { print most }' shown)"
    }
    /// An untagged image beside the tagged ones of `layout`.
    private static let untag = "jq '.manifests[0] |= del(.annotations)' layout/index.json > i && mv i layout/index.json"
    /// `app.tar` as a layout in which two platforms' images have one index, and a place to count requests.
    private static let index = """
        jq '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: \
        [.manifests[] | .platform = {os: "linux", architecture: (if .size % 2 == 0 then "arm64" else "amd64" end)} \
        | del(.annotations)]}' layout/index.json > index.bin
        hex=$(sha256sum index.bin | cut -d' ' -f1); cp index.bin layout/blobs/sha256/$hex
        printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"multi"}}]}' \
            $hex $(stat -c %s index.bin) > layout/index.json

        """

    static let listing: [Row] = [
        // The table.
        Row(
            "dray ls app.tar | tee t; grep -Eq '^NAME +PLATFORMS +SIZE +CREATED +DIGEST$' t && "
                + "grep -Eq '^sample/app:1.0 +linux/amd64 +[0-9.]+ MB +2024-01-01 +\(digest)$' t"),
        Row("dray ls store:store", 0, "NAME", "other/tool:2", "sample/app:1.0", "2024-01-01"),
        Row("dray ls oci:layout | head -1", 0, "NAME", "PLATFORMS", "SIZE", "CREATED", "DIGEST"),
        Row("dray copy store:store oci-archive:x.tar && dray ls x.tar", 0, "linux/amd64", "2024-01-01"),
        Row("dray copy app.tar dir:d && dray ls dir:d", 0, "linux/amd64", "CREATED"),
        Row("dray ls docker-archive:- < app.tar", 0, "linux/amd64", "2024-01-01", "sample/app:1.0"),
        Row("gzip app.tar && dray ls app.tar.gz", 0, "linux/amd64", "2024-01-01"),
        Row("dray ls store:store:sample/app", 0, "sample/app:1.0", not: ["other/tool"]),
        Row("mkdir -p none/docker/registry/v2/repositories; dray ls store:none", 0, "NAME", "holds no images"),
        // Several platforms: one image, its blobs counted once.
        Row(index + "dray ls oci:layout", 0, "multi", "linux/a"),
        Row(
            index
                + "dray ls --output json oci:layout | jq -e '.[0] | (.platforms | length) >= 1 and .contentSize > .size'",
            0, "true"),
        // Names only.
        Row("dray ls -q store:store | tr '\\n' ,", 0, "other/tool:2,sample/app:1.0,", not: ["NAME", "sha256"]),
        Row(
            "for image in $(dray ls -q store:store); do dray copy store:store:$image dir:d-${image//[:\\/]/-}; done; ls",
            0, "d-other-tool-2", "d-sample-app-1.0"),
        Row(
            "\(untag); dray ls -q oci:layout | grep -Eq '^\(digest)$' && dray copy oci:layout@$(dray ls -q oci:layout | grep ^sha256) dir:d"
        ),
        // Several references.
        Row("dray ls app.tar other.tar", 0, "app.tar:", "sample/app:1.0", "other.tar:", "other/tool:2"),
        Row("dray ls -q other.tar layout | sort | uniq -c", 0, "2 other/tool:2", "1 sample/app:1.0"),
        Row(
            "dray ls --output json app.tar store:store | jq -r '.[].reference' | uniq | tr '\\n' ' '", 0,
            "app.tar store:store"),
        Row("dray ls app.tar oci:nothing other.tar", 4, "nothing", "sample/app:1.0", "other/tool:2"),
        Row("dray ls", 64, "reference"),
        // Untagged images are shown.
        Row("\(untag); dray ls oci:layout", 0, "<none>", "linux/amd64", "other/tool"),
        Row("\(untag); tar -C layout -cf x.tar . && dray ls oci-archive:x.tar", 0, "<none>"),
        Row(
            "mkdir d && tar -C d -xf app.tar && jq '.[].RepoTags = null' d/manifest.json > m && mv m d/manifest.json && "
                + "rm -f d/repositories && tar -C d -cf u.tar . && dray ls u.tar", 0, "<none>", "linux/amd64"),
        // Digests are whole in pipes, short on a terminal, and whole there with --digests.
        Row("dray ls store:store | grep -Ec ' \(digest)$'", 0, "2"),
        Row(terminal(100, "ls store:store") + "; grep -Ec ' [0-9a-f]{12}$' shown", 0, "2", not: ["sha256:"]),
        Row(terminal(100, "ls --digests store:store") + "; grep -Ec '\(digest)$' shown", 0, "2"),
        // No line is longer than the terminal is wide.
        Row(
            terminal(60, "ls store:store")
                + "; test $(awk '/longest/ { print $2 }' <<<\"$(awk '{ if (length > m) m = length } END { print \"longest\", m }' shown)\") -le 60",
            0, "sample/app:1.0", "amd64", "2024-01-01"),
        Row(
            "dray copy -q app.tar store:long:team/with/a/very/long/name/of/a/repository/in/it:v1.2.3-rc.4 && "
                + terminal(60, "ls store:long") + "; test $(wc -L < shown) -le 60", 0, "…", "v1.2.3-rc.4"),
        // A registry: lists and HEADs give names and digests.
        Row(
            "dray ls docker://$REGISTRY/", 0, "NAME", "DIGEST", "sample/app:1.0", not: ["PLATFORMS"], registry: .init()),
        Row("dray ls --long docker://$REGISTRY/", 0, "PLATFORMS", "linux/amd64", "2024-01-01", registry: .init()),
        Row(
            "dray ls -l docker://$REGISTRY/other/tool:2", 0, "SIZE", "other/tool:2", not: ["sample/app"],
            registry: .init()),
        Row(
            "dray tag -q docker://$REGISTRY/sample/app:1.0 again; dray ls --output json docker://$REGISTRY/sample/app "
                + "| jq -e 'length == 2 and (.[0] | has(\"platforms\") | not)'", 0, "true", registry: .init()),
        Row(
            "dray ls --long --output json docker://$REGISTRY/ | jq -e '.[0] | .platforms == [\"linux/amd64\"] and .contentSize > 100000'",
            0, "true", registry: .init()),
        // JSON has all of it.
        Row(
            "dray ls --output json store:store | jq -c '.[0] | keys'", 0,
            #"["contentSize","created","digest","mediaType","platforms","repository","size","tag"]"#),
        Row("dray ls -q --output json app.tar | jq -r '.[0].created'", 0, "2024-01-01T00:00:00Z"),
    ]

    @Test(arguments: listing) func listingRows(_ row: Row) throws { try check(row) }

    /// Each distinct manifest and config is asked for once, whatever number of tags it has.
    @Test func aLongListAsksOnceForEachDigest() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 1)
        let server = try Server()
        for tag in ["1", "2", "3"] {
            try Command.succeed("copy", archive, "docker://\(server.address)/team/app:\(tag)")
        }
        func requests(_ arguments: String...) throws -> [Substring] {
            let before = server.accessLog.split(separator: "\n").count
            try Command.succeed("ls", arguments[0], arguments[1])
            return Array(server.accessLog.split(separator: "\n").dropFirst(before)).filter { $0.contains(" 200 ") }
        }
        let short = try requests("--digests", "docker://\(server.address)/")
        #expect(
            short.filter {
                $0.contains("\"GET ") && !$0.contains("_catalog") && !$0.contains("tags/list") && !$0.contains("/v2/ ")
            }.isEmpty, "\(short)")
        let long = try requests("--long", "docker://\(server.address)/")
        #expect(long.count { $0.contains("\"GET ") && $0.contains("/manifests/") } == 1, "\(long)")
        #expect(long.count { $0.contains("\"GET ") && $0.contains("/blobs/") } == 1, "\(long)")
    }
}
