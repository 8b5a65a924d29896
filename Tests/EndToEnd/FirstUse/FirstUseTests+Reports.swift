import Foundation
import Testing

/// What happened is said.
extension FirstUseTests {
    /// For standard error on a terminal: `script` with a command line in `$line`.
    private static func terminal(_ line: String) -> String {
        "TERM=xterm COLUMNS=200 script -qec '\(line.replacing("dray ", with: "\"$DRAY\" "))' /dev/null"
    }

    private static let receipt = "python3 -c 'import json; r = json.load(open(\"r.json\")); print(%)'"
    private static func receipt(_ what: String) -> String { receipt.replacing("%", with: what) }

    static let reports: [Row] = [
        // Retries.
        Row(
            "time -p dray copy docker://127.0.0.1:1/team/app:1 store:new", 1, "connection refused",
            not: ["trying again"]),
        Row("dray copy app.tar docker://localhost:1/team/app:1", 1, "connection refused", not: ["trying again"]),
        Row("dray ls 'docker://[::1]:1/team/app'", 1, not: ["trying again"]),
        Row(
            """
            python3 - <<'E' &
            import http.server
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_HEAD(self): self.do_GET()
                def do_GET(self):
                    self.send_response(503); self.send_header("Content-Length", "0"); self.end_headers()
                def log_message(self, *_): pass
            server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
            open("port", "w").write(str(server.server_address[1]))
            server.serve_forever()
            E
            until [ -s port ]; do sleep 0.1; done
            dray digest --retry-times 2 --plain-http docker://127.0.0.1:$(cat port)/team/app:1
            status=$?; kill %1; exit $status
            """, 1, "HTTP status 503; trying again in 0.", "(1 of 2)", "(2 of 2)"),

        // Many images.
        Row(
            "dray copy --progress plain store:store oci:new", 0, "sample/app:1.0  sha256:", "2 of 2 images, ",
            not: ["2 images:"]),
        Row(
            "dray copy --progress plain --output json store:store oci:new > json", 0, "dray: 1 of 2 images:",
            "dray: 2 of 2 images:"),
        Row(terminal("dray copy store:store oci:new"), 0, "sample/app:1.0  sha256:", "dray: 2 of 2 images, "),
        Row(terminal("dray backup oci:layout backup"), 0, "other/tool:2  sha256:", "dray: 2 of 2 images, ", "snapshot"),
        Row("dray copy --progress json store:store oci:new", 0, "\"imagesPlanned\":2"),
        Row("dray copy -q store:store oci:new", 0, "other/tool:2", not: ["of 2 images"]),
        Row(
            "dray copy -q --compression zstd --format oci app.tar docker://$REGISTRY/zz/app:9; timeout -s INT 4 \"$DRAY\" copy --limit-rate 150k --jobs 1 docker://$REGISTRY store:new",
            124,
            "interrupted; 2 of 3 images are done; run the same command again", registry: .init()),

        // Layers that have arrived stay, those of an image that is not whole as well.
        Row(
            "dray copy -q --compression zstd --format oci app.tar docker://$REGISTRY/zz/app:9; "
                + "timeout -s INT 4 \"$DRAY\" copy --limit-rate 60k --jobs 1 --receipt r.json docker://$REGISTRY/zz/app "
                + "store:new; find new/docker -name data | grep . && "
                + "dray copy --output json docker://$REGISTRY/zz/app store:new | grep bytesSkipped", 0,
            "whole layers that have arrived are not copied again", not: ["\"bytesSkipped\" : 0,"],
            registry: .init()),

        // A repeat.
        Row(
            "dray copy app.tar store:new; echo again; dray copy app.tar store:new", 0, "  present",
            "digest changed (was"),
        Row(
            "dray copy -q app.tar store:new; echo again; dray copy -q app.tar store:new", 0, "copied", not: ["present"]),
        Row("dray copy app.tar store:store", 0, "  present", not: ["changed", "was sha256"]),
        Row("dray copy other.tar oci:layout", 0, "  present", not: ["changed"]),
        Row(
            "dray copy store:store docker://$REGISTRY", 0, "sample/app:1.0", "  present", not: ["kept"],
            registry: .init()),
        Row("dray backup store:store backup && dray restore backup store:store", 0, "  present", not: ["restored"]),
        Row(
            "dray backup store:store backup > first 2>&1; dray backup store:store backup", 0, "sample/app:1.0",
            "other/tool:2", "  present", not: ["kept"]),

        // Receipts.
        Row(
            "dray copy --receipt r.json store:store oci:new && "
                + receipt(
                    "r[\"outcome\"], r[\"sources\"], r[\"destination\"], sorted(i[\"source\"] for i in r[\"images\"])"),
            0, "done ['store:store'] oci:new ['store:store:other/tool:2', 'store:store:sample/app:1.0']"),
        Row(
            "dray copy --receipt r.json docker://$REGISTRY/other/tool:2 store:new:mine:3 && "
                + receipt(
                    "r[\"images\"][0][\"source\"].startswith(\"docker://127\"), r[\"images\"][0][\"destination\"]"), 0,
            "True store:new:mine:3", registry: .init()),
        Row(
            "dray copy --receipt r.json --volume-size 800kB --recovery-volumes 1 store:store oci-archive:set.tar && "
                + receipt("r[\"volumes\"][0], r[\"volumes\"][-1]"), 0, "set.001.tar set.recovery-1.tar"),
        Row(
            "dray backup --receipt r.json store:store backup && "
                + receipt("r[\"snapshot\"], r[\"destination\"]") + " && ls backup/snapshots | grep -v latest > id && "
                + receipt("r[\"snapshot\"] == open(\"id\").read().strip()"), 0, "True", "Z backup"),
        Row(
            "dray backup store:store backup && dray restore --receipt r.json backup oci:new && "
                + receipt("r[\"sources\"], r[\"snapshot\"]"), 0, "['backup'] 20"),
        Row(
            "dray restore --receipt r.json nowhere oci:new; " + receipt("r[\"outcome\"], r[\"failures\"]"), 0, "failed"),
        Row(
            "dray copy --receipt r.json store:store docker-archive:app.tar; " + receipt("r[\"outcome\"]"), 0, "failed",
            "the file exists"),
        Row(
            "printf nonsense > bad.tar; dray copy --keep-going --receipt r.json docker-archive:bad.tar app.tar oci:new; "
                + receipt("r[\"outcome\"], len(r[\"images\"])"), 0, "partial 1"),
        Row(
            "dray copy -q --compression zstd --format oci app.tar docker://$REGISTRY/zz/app:9; timeout -s TERM 4 \"$DRAY\" copy --receipt r.json --limit-rate 150k --jobs 1 docker://$REGISTRY store:new; "
                + receipt("r[\"outcome\"], len(r[\"images\"])"), 0, "interrupted 2", registry: .init()),
    ]

    @Test(arguments: reports) func report(_ row: Row) throws { try check(row) }

    @Test func receiptsNameTheKey() throws {
        let scratch = try Scratch()
        _ = try Samples.archive(scratch, mebibytes: 1)
        let run = try Command.shell(
            """
            minisign -G -W -p key.pub -s key > /dev/null
            "$DRAY" copy --receipt signed.json --sign key app.tar oci-archive:x.tar
            "$DRAY" copy --receipt read.json --verify-key key.pub x.tar store:store
            grep -o 'public key .*' key.pub; grep -o '"signedWith" : .*' signed.json; grep -o '"verifiedWith" : .*' read.json
            """, in: scratch.path)
        let lines = run.text.split(separator: "\n").suffix(3)
        let key = lines.first?.split(separator: " ").last.map(String.init) ?? "none"
        #expect(lines.count == 3 && lines.allSatisfy { $0.contains(key) }, "\(run.text)\(run.errors)")
    }
}
