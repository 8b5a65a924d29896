import Foundation
import Testing

extension FirstUseTests {
    /// Starts `dray serve` with these arguments: `$A` is its address, `log` and `access` are what it prints.
    private static func serving(_ arguments: String, _ command: String) -> String {
        """
        "$DRAY" serve \(arguments) >access 2>log & server=$!
        for i in $(seq 300); do grep -q 'msg="listening on' log && break; kill -0 $server || break; sleep 0.1; done
        A=$(sed -n 's/.*listening on \\([0-9.:]*\\).*/\\1/p' log | head -1)
        \(command)
        status=$?; kill $server 2>/dev/null; wait $server; cat log access; (exit $status)
        """
    }
    /// A configuration of `$PWD/store`, and the server that it makes.
    private static func configured(
        _ storage: String = "", top: String = "", level: String = "info", root: String = "store", _ command: String
    ) -> String {
        """
        printf '%s\\n' 'version: 0.1' 'log: {level: \(level)}' "storage: {filesystem: {rootdirectory: $PWD/\(root)}\(storage)}" \
            'http: {addr: "127.0.0.1:0"}' "\(top)" > config.yml
        """ + "\n" + serving("config.yml", command)
    }
    /// Runs a script as a user without rights.
    private static func unprivileged(_ script: String) -> String {
        """
        chmod 755 .; as="setpriv --reuid=65534 --regid=65534 --clear-groups"
        $as test -x "$DRAY" || { cp "$DRAY" dray-copy; DRAY=$PWD/dray-copy; }
        $as bash -c '\(script)'
        """
    }
    /// Makes `third.tar`, with other layers than the others.
    private static let third =
        "\(Command.package.appending(path: "samples/tools/make-image").path) third.tar --size 2 --name third/one:3 2>/dev/null;"
    private static let delete = "dray delete docker://$A/sample/app:1.0"
    private static let refusal =
        "jq -e '.errors[0].code == \"UNSUPPORTED\" and (.errors[0].message | contains(\"WORDS\"))'"
    /// A file system of a megabyte at `small`.
    private static func full(_ command: String, size: String = "1m") -> String {
        "mkdir small; unshare -rm sh -c 'mount -t tmpfs -o size=\(size) tmpfs small; \(command)'"
    }

    static let server: [Row] = [
        // gc says what keeps what.
        Row(
            "\(third) dray copy -q third.tar store:store:sample/app:1.0 && dray gc --dry-run store:store", 0,
            "1 untagged manifest keeps", "pass --delete-untagged to delete it"),
        Row(
            "\(third) for place in sample/app:1.0 other/tool:2; do dray copy -q third.tar store:store:$place; done; "
                + "dray gc store:store", 0, "2 untagged manifests keep 431 kB; pass --delete-untagged to delete them",
            "0 bytes (0 B) freed", not: ["nothing to free"]),
        Row(
            "dray gc store:store", 0, "nothing to free: the images that are there need every blob",
            not: ["--delete-untagged"]),
        Row(
            "\(third) dray copy -q third.tar store:store:sample/app:1.0 && dray gc --output json store:store | jq -e '.untagged | .manifests == 1 and .bytes == 0'",
            0, "true"),
        Row(
            "\(third) dray copy -q third.tar store:store:sample/app:1.0 && dray gc --delete-untagged --grace 0 store:store",
            0,
            "freed",
            not: ["pass --delete-untagged"]),
        Row(
            "mkdir -p store/docker/registry/v2/blobs/sha256/aa/$(printf 'a%.0s' $(seq 64)) && "
                + "echo x > store/docker/registry/v2/blobs/sha256/aa/$(printf 'a%.0s' $(seq 64))/data && dray gc store:store",
            0, "1 blob (2 B) kept by the grace time until 20", "--grace 0"),

        // Deletion that is off.
        Row(
            configured("", delete), 1, "405", "UNSUPPORTED: The operation is unsupported.",
            "storage.delete.enabled: true",
            not: ["--all-tags", "invalid character"]),
        Row(
            "dray tag -q store:store:sample/app:1.0 second; " + configured("", delete), 1, "UNSUPPORTED",
            not: ["--all-tags deletes"]),
        Row(
            "dray tag -q store:store:sample/app:1.0 second; " + configured(", delete: {enabled: true}", delete), 0,
            "deleted"),
        Row(
            serving("--addr 127.0.0.1:0 app.tar", delete), 1, "serves archives and layouts as they are",
            not: ["turns it on", "--all-tags"]),
        Row(
            configured(", maintenance: {readonly: {enabled: true}}", delete), 1, "the registry is read-only",
            not: ["turns it on", "Method not allowed"]),
        Row(
            configured(
                ", maintenance: {readonly: {enabled: true}}",
                "curl -s -X POST http://$A/v2/x/blobs/uploads/ | " + refusal.replacing("WORDS", with: "read-only")), 0,
            "true"),
        Row(
            serving(
                "--addr 127.0.0.1:0 oci:layout",
                "curl -s -X DELETE http://$A/v2/x/manifests/latest | " + refusal.replacing("WORDS", with: "archives")),
            0, "true"),
        Row(
            serving(
                "--addr 127.0.0.1:0 store:store",
                "curl -s -X PUT --data x http://$A/v2/x/manifests/latest | "
                    + refusal.replacing("WORDS", with: "pushed")), 0, "true"),
        Row(
            configured(
                "", top: "proxy: {remoteurl: http://127.0.0.1:1}",
                "curl -s -X POST http://$A/v2/x/blobs/uploads/ | " + refusal.replacing("WORDS", with: "cache")), 0,
            "true"),
        Row(
            serving("--addr 127.0.0.1:0 other.tar", "dray copy app.tar docker://$A/x:1"), 1,
            "as they are; nothing can be pushed", "for a writable registry, start it with a config.yml"),
        Row(
            serving("--addr 127.0.0.1:0 app.tar", "skopeo delete --tls-verify=false docker://$A/sample/app:1.0"), 1,
            "nothing can be pushed or deleted", not: ["invalid character"]),

        // Full disks.
        Row(
            full("\"$DRAY\" copy store:store:sample/app oci:small/layout", size: "300k"), 1,
            "not enough room: 430 kB needed", "free; make room"),
        Row(
            full("\"$DRAY\" copy --dry-run store:store:other/tool store:small/store", size: "300k"), 1,
            "not enough room"),
        Row("dray copy --dry-run app.tar store:new", 0, "needs", "MB", not: ["not enough room"]),
        Row(
            full("cat app.tar | \"$DRAY\" copy docker-archive:- oci:small/layout", size: "300k"), 1,
            "No space left on device", "the file system of the directory", "has only", "free; make room"),
        Row(
            "mkdir small; unshare -rm bash -c 'mount -t tmpfs -o size=300k tmpfs small; "
                + configured(
                    "", root: "small/store",
                    "head -c 1000000 /dev/urandom > blob; curl -s -w \"code %{http_code}\" -X POST --data-binary @blob \"http://$A/v2/x/blobs/uploads/?digest=sha256:$(sha256sum blob | head -c 64)\""
                )
                .replacing("'", with: "'\\''") + "'", 0, "code 507", "the registry's disk is full", "\"detail\":"),
        // Directories of others.
        Row(
            "mkdir own; " + unprivileged("\"$DRAY\" copy app.tar oci:own/layout"), 1, "Permission denied",
            "the directory", "own belongs to root (mode 755), and dray runs as nobody"),
        Row(
            "mkdir own; " + unprivileged("\"$DRAY\" copy --dry-run app.tar docker-archive:own/out.tar"), 1,
            "own belongs to root (mode 755), and dray runs as nobody"),
        Row(
            "\(third) chmod -R a+rX store; " + unprivileged("\"$DRAY\" copy third.tar store:store"), 1,
            "belongs to root"),
        Row(
            "chmod 600 app.tar; " + unprivileged("\"$DRAY\" copy app.tar oci:/tmp/nowhere"), 1,
            "app.tar belongs to root (mode 600)"),
        Row(
            "chmod -R a+rX store; printf '%s\\n' 'version: 0.1' \"storage: {filesystem: {rootdirectory: $PWD/store}}\" 'http: {addr: \"127.0.0.1:0\"}' > config.yml; mkdir -m 777 w; "
                + unprivileged(
                    "cd w; "
                        + serving(
                            "../config.yml", "curl -s -w \"code %{http_code}\" -X POST http://$A/v2/x/blobs/uploads/"
                        ).replacing("'", with: "'\\''")),
            0, "code 503", "the registry may not write to its storage", "not writable", "pushes will fail",
            "belongs to root"),

        // What the start says.
        Row(
            configured("", "true"), 0, "dray 0.1.0: storage", "store, writable", "deletion off", "no authentication",
            "no TLS",
            not: ["created"]),
        Row(
            configured(", delete: {enabled: true}", root: "fresh", "true"), 0, "created the storage directory", "fresh",
            "deletion on"),
        Row(
            configured(", maintenance: {readonly: {enabled: true}}", "true"), 0, "store, read-only"),
        Row(
            serving("--addr 127.0.0.1:0 app.tar", "true"), 0,
            "dray 0.1.0: serving archives and layouts as they are, read-only",
            "for a writable registry, start it with a config.yml (README, 'Being the registry')"),
        Row(
            "htpasswd -Bbc users me pw 2>/dev/null; "
                + configured(
                    "", top: "auth: {htpasswd: {realm: r, path: $PWD/users}}", "curl -s -u me:pw http://$A/v2/"), 0,
            "authentication by", "users", "127.0.0.1 - me ["),
        Row(
            "htpasswd -Bbc users me pw 2>/dev/null; "
                + configured(
                    "", top: "auth: {htpasswd: {realm: r, path: $PWD/users}}", "curl -s -o /dev/null http://$A/v2/"), 0,
            "127.0.0.1 - - ["),
        Row(
            configured("", top: "proxy: {remoteurl: http://127.0.0.1:1}", "true"), 0, "dray 0.1.0: cache /",
            "store of http://127.0.0.1:1, pull only", not: ["writable", "deletion"]),
        Row(
            "mkdir -p store; printf '%s\\n' 'version: 0.1' 'storage: {filesystem: {rootdirectory: ./store}}' 'http: {addr: \"127.0.0.1:0\"}' > config.yml; "
                + serving("config.yml", "echo expected \"$PWD/store, writable\""), 0, "storage /", not: ["./store"]),
        Row(
            "printf '%s\\n' 'version: 0.1' 'storage: {filesystem: {rootdirectory: \"~/registry\"}}' 'http: {addr: \"127.0.0.1:0\"}' > config.yml; dray serve config.yml",
            64, "'~' is not expanded here", "write the path from the root"),
        Row(
            "printf '%s\\n' 'Version: 0.1' 'Storage: {filesystem: {rootdirectory: /srv}}' 'http: {addr: \"127.0.0.1:0\"}' > config.yml; dray serve config.yml",
            64, "Version: keys are written in lower case: version", "lower case: storage", not: ["is missing"]),
        // A debug log has no dumps of values.
        Row(
            configured("", level: "debug", "curl -s http://$A/v2/ && curl -s http://$A/v2/_catalog"), 0,
            "level=debug msg=\"GET /v2/_catalog: 200", not: ["ServiceGroup", "Optional(", "NIO", "Hummingbird", "hb."]),

        // No internal names.
        Row(
            "echo no > a.crt; echo no > a.key; printf '%s\\n' 'version: 0.1' \"storage: {filesystem: {rootdirectory: $PWD/store}}\" "
                + "\"http: {addr: '127.0.0.1:0', tls: {certificate: $PWD/a.crt, key: $PWD/a.key}}\" > c.yml; dray serve c.yml",
            1,
            "a.crt: invalid; expected a certificate (PEM)", not: ["failedToLoad", "NIOSSL"]),
        Row(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout a.key -out a.crt -days 2 -subj /CN=x 2>/dev/null; echo no > a.key; printf '%s\\n' 'version: 0.1' \"storage: {filesystem: {rootdirectory: $PWD/store}}\" "
                + "\"http: {addr: '127.0.0.1:0', tls: {certificate: $PWD/a.crt, key: $PWD/a.key}}\" > c.yml; dray serve c.yml",
            1,
            "a.key: invalid; expected a private key without a password (PEM)", not: ["failedToLoad", "NIOSSL"]),
        Row(
            "for n in a b; do openssl req -x509 -newkey rsa:2048 -nodes -keyout $n.key -out $n.crt -days 2 -subj /CN=x 2>/dev/null; done; printf '%s\\n' 'version: 0.1' \"storage: {filesystem: {rootdirectory: $PWD/store}}\" "
                + "\"http: {addr: '127.0.0.1:0', tls: {certificate: $PWD/a.crt, key: $PWD/b.key}}\" > c.yml; dray serve c.yml",
            1,
            "do not fit together; replace both", not: ["sslError", "OPENSSL", "NIOSSL"]),
        // Certificates in a binary form: saved as text, they would be lost.
        Row(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout a.key -out a.pem -days 2 -subj /CN=x 2>/dev/null; openssl x509 -in a.pem -outform der -out a.crt; printf '%s\\n' 'version: 0.1' \"storage: {filesystem: {rootdirectory: $PWD/store}}\" "
                + "\"http: {addr: '127.0.0.1:0', tls: {certificate: $PWD/a.crt, key: $PWD/a.key}}\" > c.yml; dray serve c.yml",
            1, "a.crt: not PEM (a DER file); convert it: openssl x509 -inform der -in /", not: ["UTF-8"]),
        Row(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout a.key -out a.crt -days 2 -subj /CN=x 2>/dev/null; openssl pkcs12 -export -in a.crt -inkey a.key -out a.p12 -passout pass:; dray ls --ca-file a.p12 docker://127.0.0.1:1/app",
            1, "a.p12: not PEM (a PKCS#12 file); convert it: openssl pkcs12 -nodes -in a.p12 -out a.p12.pem",
            not: ["UTF-8"]),
        Row(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout a.pem -out a.crt -days 2 -subj /CN=x 2>/dev/null; openssl pkey -in a.pem -outform der -out a.key; printf '%s\\n' 'version: 0.1' \"storage: {filesystem: {rootdirectory: $PWD/store}}\" "
                + "\"http: {addr: '127.0.0.1:0', tls: {certificate: $PWD/a.crt, key: $PWD/a.key}}\" > c.yml; dray serve c.yml",
            1, "a.key: not PEM (a DER file); convert it: openssl pkey -inform der -in /", not: ["UTF-8"]),
        Row(
            "echo no > ca.pem; dray ls --ca-file ca.pem docker://127.0.0.1:1/app", 1, "a certificate file is invalid",
            "ca.pem",
            not: ["failedToLoad"]),
        Row(
            "xz app.tar && head -c 3000 app.tar.xz > t.xz && dray ls t.xz", 3, "is damaged or truncated",
            not: ["Unrecognized"]),
        Row(
            "bzip2 other.tar && head -c 4000 other.tar.bz2 > t.bz2 && dray copy t.bz2 oci:out", 3,
            "is damaged or truncated", not: ["Unrecognized"]),
        Row(
            "head -c 700 app.tar > t.tar && dray ls t.tar", 3, "is damaged after 1 member,", "ends too early",
            not: ["Truncated tar archive"]),

        // Debian's configuration.
        Row(
            "test -f /etc/docker/registry/config.yml || exit 77; sed \"s|:5000|127.0.0.1:0|; s|/var/lib/docker-registry|$PWD/store|\" /etc/docker/registry/config.yml > config.yml\n"
                + serving(
                    "config.yml",
                    "curl -s -o /dev/null -w 'without %{http_code} ' http://$A/v2/; curl -s -o /dev/null -w 'with %{http_code} ' -u a:b http://$A/v2/"
                ),
            0, "without 401 with 401", "expected a password file, found a directory; nobody can log in"),
        Row(
            "mkdir users; "
                + configured(
                    "", top: "auth: {htpasswd: {realm: r, path: $PWD/users}}",
                    "rmdir users; htpasswd -Bbc users me pw 2>/dev/null; curl -s -o /dev/null -w 'code %{http_code}' -u me:pw http://$A/v2/"
                ), 0,
            "code 200"),
    ]

    @Test(arguments: server) func serverRows(_ row: Row) throws { try check(row) }
}
