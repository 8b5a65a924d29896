import Testing

extension FirstUseTests {
    /// Starts `dray serve` with TLS and the certificate of `make`, or with accounts; `$HOST` is its address then.
    private static let helpers = """
        authority() { openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 9 -subj "/O=Example/CN=$1" 2>&1; }
        certificate() {
          openssl req -new -newkey rsa:2048 -nodes -keyout s.key -out s.csr -subj /CN=server 2>&1
          echo "subjectAltName=$1" > s.ext
          openssl x509 -req -in s.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out s.crt -extfile s.ext -days ${2:-9} 2>&1
        }
        serve() {
          printf '%s\\n' 'version: 0.1' "storage: {filesystem: {rootdirectory: $PWD/store}}" 'http:' '  addr: 127.0.0.1:0' "$@" > c.yml
          "$DRAY" serve c.yml > access 2> log & server=$!; trap 'kill $server' EXIT
          for i in $(seq 400); do grep -q 'listening on' log && break; sleep 0.05; done
          HOST=$(grep -o 'listening on [0-9.:]*' log | head -1 | cut -d ' ' -f 3); PORT=${HOST#*:}
        }
        tls() { serve "  tls: {certificate: $PWD/s.crt, key: $PWD/s.key}"; }
        accounts() { htpasswd -Bbn -C 4 ann "$1" > users 2>/dev/null; serve "auth: {htpasswd: {realm: r, path: $PWD/users}}"; }

        """

    private static func connection(_ command: String, _ status: Int32, _ says: String..., not saysNot: [String] = [])
        -> Row
    {
        var row = Row(helpers + "{ " + command, status, not: saysNot)
        row.says = says
        return row
    }

    /// Why a connection or an account is refused.
    static let connections: [Row] = [
        connection(
            "authority Root && certificate DNS:localhost -1 && tls; } > made; dray ls --ca-file ca.crt docker://localhost:$PORT/",
            1, "the server's certificate expired on 20", not: ["issuer", "another host"]),
        connection(
            "authority 'Our Root' && certificate DNS:localhost && tls; } > made; dray ls docker://localhost:$PORT/", 1,
            "the issuer of the server's certificate is not trusted", "CN=Our Root", "--ca-file", not: ["expired"]),
        connection(
            "authority Self && cp ca.crt s.crt && cp ca.key s.key && tls; } > made; dray ls docker://localhost:$PORT/",
            1,
            "self-signed and not trusted", "CN=Self"),
        connection(
            "authority Root && certificate DNS:a.example,DNS:b.example,IP:10.1.2.3 && tls; } > made; dray ls --ca-file ca.crt docker://localhost:$PORT/",
            1, "for another host: a.example, b.example, 10.1.2.3", "use a name that the certificate is for"),
        connection(
            "authority Root && certificate DNS:localhost && tls; } > made; dray ls --plain-http docker://localhost:$PORT/",
            1,
            "the server speaks TLS, not plain HTTP", "leave out --plain-http"),
        connection("serve; } > made; dray ls docker://0.0.0.0:$PORT/", 1, "speaks plain HTTP, not TLS", "--plain-http"),
        connection(
            "authority Root && certificate DNS:localhost && tls; } > made; mkdir certs && cp ca.crt certs/ && dray ls --cert-dir certs docker://localhost:$PORT/",
            0, "sample/app:1.0"),
        connection(
            "authority Root && certificate DNS:localhost && tls; } > made; mkdir certs && cp ca.crt certs/ && "
                + "dray copy --src-cert-dir certs docker://localhost:$PORT/other/tool oci:out", 0, "other/tool:2"),
        connection(
            "authority Root && certificate DNS:localhost && tls; } > made; mkdir certs && cp ca.crt certs/ && "
                + "dray copy -q --dest-cert-dir certs app.tar docker://localhost:$PORT/new:1 && dray ls --ca-file ca.crt docker://localhost:$PORT/new",
            0, "new:1"),
        connection(
            "accounts sesame; } > made; dray ls docker://$HOST/", 5, "401", "'dray login 127.0.0.1:", "--creds",
            not: ["wrong"]),
        connection(
            "accounts sesame; } > made; echo ann:guess > c; dray ls --creds c docker://$HOST/", 5, "password is wrong",
            not: ["list their repositories", "catalog"]),
        connection(
            "accounts sesame; } > made; echo ann:guess > c; dray copy --creds c app.tar docker://$HOST/new:1", 5,
            "password is wrong", "'dray login 127.0.0.1:"),
        // The password is a word of dray's own.
        connection(
            "accounts password; } > made; echo bob:password > c; dray ls --creds c docker://$HOST/", 5,
            "the user name or password is wrong", not: ["***"]),
        connection(
            "accounts registry; } > made; echo bob:registry > c; dray copy --creds c app.tar docker://$HOST/new:1", 5,
            "the user name or password is wrong", not: ["***"]),
        connection(
            "accounts sesame; } > made; echo sesame | dray login --authfile mine.json -u ann --password-stdin $HOST && "
                + "dray ls --authfile mine.json docker://$HOST/", 0, "sample/app:1.0", "mine.json"),
        connection(
            "accounts sesame; } > made; echo guess | dray login -u ann --password-stdin $HOST", 5,
            "the user name or password is wrong", not: ["'dray login"]),
        connection(
            "accounts sesame; } > made; echo sesame | dray login -q --authfile a.json -u ann --password-stdin $HOST; "
                + "dray copy -q --dest-authfile a.json app.tar docker://$HOST/new:2 && dray copy --src-authfile a.json docker://$HOST/new oci:out",
            0, "new:2"),
    ]

    @Test(arguments: connections) func connectionRows(_ row: Row) throws { try check(row) }
}
