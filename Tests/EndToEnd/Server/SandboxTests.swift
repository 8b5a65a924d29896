import Foundation
import Testing

/// A server needs no rights but to its store: what `samples/registry/dray.service` allows is enough.
struct SandboxTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch["root"], withIntermediateDirectories: true)
        // As systemd does for ProtectSystem=strict, DynamicUser=, NoNewPrivileges= and CapabilityBoundingSet=.
        try scratch.write(
            """
            #!/bin/bash
            set -e
            if [ -z "$IS_ALONE" ]; then exec env IS_ALONE=1 unshare -m "$0" "$@"; fi
            mount --make-rprivate /
            mount --bind \(scratch["root"]) \(scratch["root"])
            findmnt -rno TARGET | while read -r place; do
                case "$place" in
                \(scratch["root"]) | /proc | /proc/* | /sys | /sys/*) ;;
                *) mount -o remount,bind,ro "$place" ;;
                esac
            done
            cd /
            if touch \(scratch["outside"]) /tmp/outside-$$ /var/tmp/outside-$$ 2>/dev/null; then exit 99; fi
            exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
            """, to: "alone")
        try Command.shell("chmod +x \(scratch["alone"]); chown 65534:65534 \(scratch["root"])")
    }

    /// Mounts need privileges that not every machine gives.
    private static let isPossible =
        (try? Command.shell("unshare -m mount --make-rprivate / && command -v setpriv findmnt").status) == 0
        && !Server.Program.isOriginal

    @Test(.enabled(if: isPossible)) func anUnprivilegedServerWritesNowhereElse() throws {
        let server = try Server(.init(launcher: scratch["alone"]), in: scratch)
        let owner = try Command.shell("ps -o uid= -C dray -o args= | grep -F '\(server.config)'")
        #expect(owner.text.trimmed.hasPrefix("65534 "))
        try server.push(.hello, to: "a/b", as: "1")
        #expect(try server.get("/v2/a/b/manifests/1").digest == TinyImage.hello.digest)
        #expect(try server.get("/v2/a/b/blobs/\(TinyImage.hello.layerDigest)").digest == TinyImage.hello.layerDigest)
        #expect(try server.delete("/v2/a/b/manifests/\(TinyImage.hello.digest)").status == 202)
        try server.push(.hello, to: "a/b", as: "2")
        #expect(server.stop() == 0)
        #expect(!server.log.contains("level=error") && !server.log.contains("level=warn"), "\(server.log)")
        let strangers = try Command.shell("find \(scratch["root"]) ! -user 65534")
        #expect(strangers.lines == [])
        // What it wrote, the next one reads.
        try server.start()
        #expect(try server.get("/v2/a/b/tags/list").strings("tags") == ["2"])
    }
}
