"""Attacks by requests to `dray serve`, and the answers that they have to get."""
import base64
import contextlib
import hashlib
import json
import os
import re
import resource
import socket
import subprocess
import time
import urllib.parse
import urllib.request

KIBIBYTES = 128 << 10
DIGEST = "sha256:" + hashlib.sha256(b"x").hexdigest()
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CLOSED = 0  # a connection that is closed without an answer
requests = []


def request(name, made, expected):
    """Adds an attack: a function of a server that returns statuses, each of which has to be among the expected."""
    def add(attack):
        requests.append((f"request, {name}", made, expected if isinstance(expected, (tuple, list)) else (expected,), attack))
        return attack
    return add


class Connection:
    def __init__(self, address, patience=20):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=patience)
        self.received = b""

    def send(self, data):
        # Refused before the end: the answer may well be there.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def line(self):
        while b"\n" not in self.received:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return b""
            self.received += data
        line, self.received = self.received.split(b"\n", 1)
        return line.rstrip(b"\r")

    def status(self):
        """The next answer's, its body read as far as its length tells; 0 at the end."""
        while True:
            start = self.line()
            if not start.startswith(b"HTTP/1."):
                return CLOSED
            status, length = int(start.split()[1]), 0
            while line := self.line():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if status >= 200:
                break
        while len(self.received) < length:
            data = self.socket.recv(65536)
            if not data:
                break
            self.received += data
        self.received = self.received[length:]
        return status

    def statuses(self):
        """Of all answers until the server closes the connection, or has no more to say."""
        self.socket.settimeout(1)
        found = []
        with contextlib.suppress(TimeoutError):
            while status := self.status():
                found.append(status)
        return found


class Served:
    """`dray serve` with a store of its own; with `token-server`, it asks who comes."""

    def __init__(self, dray, directory, tokens=None):
        os.makedirs(directory)
        self.root = f"{directory}/root"
        self.tokens = tokens
        with open(f"{directory}/config.yml", "w") as file:
            file.write(f"""version: 0.1
storage: {{filesystem: {{rootdirectory: {self.root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:0"}}
""")
            if tokens:
                file.write(f"auth: {{token: {{realm: '{tokens.url}', service: s, issuer: dray-tests, rootcertbundle: {tokens.certificate}}}}}\n")
        self.log = f"{directory}/log"
        with open(self.log, "w") as log, open(f"{directory}/access", "w") as access:
            self.process = subprocess.Popen([dray, "serve", f"{directory}/config.yml"], stdout=access, stderr=log, stdin=subprocess.DEVNULL)
        while not (found := re.search("listening on ([0-9.:]+)", open(self.log).read())):
            if self.process.poll() is not None:
                raise OSError(open(self.log).read())
            time.sleep(0.01)
        self.address = found[1]

    def connect(self, **more):
        return Connection(self.address, **more)

    def say(self, data):
        return self.connect().send(data).status()

    def ask(self, method, path, headers=(), body=b""):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.address}", f"Content-Length: {len(body)}", *headers]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body

    def status(self, *arguments, **more):
        return self.say(self.ask(*arguments, **more))

    def upload(self, repository="a", headers=()):
        """The path of a new upload."""
        connection = self.connect().send(self.ask("POST", f"/v2/{repository}/blobs/uploads/", headers))
        head = b""
        while line := connection.line():
            head += line + b"\n"
        return urllib.parse.urlsplit(re.search(rb"(?i)location: (\S+)", head)[1].decode())._replace(scheme="", netloc="").geturl()

    def push(self, data, repository="a", headers=()):
        path = self.upload(repository, headers)
        name = "sha256:" + hashlib.sha256(data).hexdigest()
        assert self.status("PUT", f"{path}&digest={name}", headers, data) == 201
        return name

    def peak(self):
        """KiB."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1])

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        return self.process.wait()


class Tokens:
    def __init__(self, program, directory):
        os.makedirs(directory)
        key, self.certificate = f"{directory}/key", f"{directory}/crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", self.certificate, "-days", "2", "-subj", "/CN=x"],
            check=True, capture_output=True)
        self.process = subprocess.Popen([program, key, self.certificate], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/token"

    def header(self, *scopes):
        query = urllib.parse.urlencode([("service", "s"), *(("scope", scope) for scope in scopes)])
        asked = urllib.request.Request(f"{self.url}?{query}", headers={"Authorization": "Basic " + base64.b64encode(b"user:s3cr3t-pass").decode()})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked) as answer:
            return [f"Authorization: Bearer {json.load(answer)['token']}"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


# Smuggling: each has to be one request, or none.

SMUGGLED = "GET /v2/smuggled/tags/list HTTP/1.1\r\nHost: x\r\n\r\n"
for title, head in [
    ("CL and TE", f"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(SMUGGLED) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("TE and CL", f"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    ("two CL", "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 60\r\n\r\n"),
    ("CL in a list", "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 60\r\n\r\n"),
    ("CL signed", "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n"),
    ("CL in hex", "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0x0\r\n\r\n"),
    ("TE unknown", "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n"),
    ("TE twice", "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    ("space before the colon", "GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length : 60\r\n\r\n"),
    ("obs-fold", "GET /v2/ HTTP/1.1\r\nHost: x\r\nX: a\r\n Content-Length: 60\r\n\r\n"),
    ("chunk extension with a line break", "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0;a=\nb\r\n\r\n"),
    ("chunk size of 2^64", "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"),
    ("chunk size negative", "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n"),
    ("bare CR", "GET /v2/ HTTP/1.1\r\nHost: x\rX: y\r\n\r\n"), ("NUL in a header", "GET /v2/ HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n"),
]:
    @request(f"smuggling by {title}", f"another request behind {head[:30]!r}..., which is not one", (400, 200, 202, CLOSED))
    def _(server, head=head):
        statuses = server.connect().send(head + SMUGGLED).statuses()
        # 404 is the answer to what was smuggled: right only where both sides must see two requests.
        if 404 in statuses and not (title_is_two(head)):
            return [404]
        return statuses or [CLOSED]


def title_is_two(head):
    """A chunked request that ended, and an untroubled one after it."""
    return head.endswith("0\r\n\r\n") and "xchunked" not in head and "Content-Length" not in head


for title, line in [
    ("nothing", "\r\n\r\n"), ("no version", "GET /v2/\r\n\r\n"), ("HTTP/9", "GET /v2/ HTTP/9.9\r\nHost: x\r\n\r\n"), ("method of 100 kB", "G" * 100_000 + " / HTTP/1.1\r\n\r\n"),
    ("TLS to plain", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "x" * 100), ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ("zeros", "\0" * 1000),
    ("CONNECT", "CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("absolute URL", "GET http://169.254.169.254/v2/a/tags/list HTTP/1.1\r\nHost: x\r\n\r\n"),
]:
    @request(f"line, {title}", f"a request line: {title}", (400, 404, 405, 501, 505, CLOSED))
    def _(server, line=line):
        return server.connect().send(line).statuses() or [CLOSED]

# Headers

@request("header of 10 MB", "one header of 10 MB", (400, 431, CLOSED))
def _(server):
    return [server.say("GET /v2/ HTTP/1.1\r\nHost: x\r\nX: " + "a" * 10_000_000 + "\r\n\r\n")]


@request("10^6 headers", "a million headers", (400, 431, CLOSED))
def _(server):
    return [server.say("GET /v2/ HTTP/1.1\r\nHost: x\r\n" + "X: y\r\n" * 1_000_000 + "\r\n")]


@request("Host with a path", "a Host that would lead an upload's Location elsewhere", (202, 400))
def _(server):
    return [server.say("POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: evil.example/x?\r\nContent-Length: 0\r\n\r\n")]


@request("header injection", "line breaks, encoded, in a query and a path", (400, 404, 202))
def _(server):
    return [
        server.status("POST", "/v2/a/blobs/uploads/?mount=%0d%0aX-Evil:1&from=%0d%0aX:1"), server.status("GET", "/v2/%0d%0aX-Evil:1/tags/list"),
        server.status("GET", "/v2/_catalog?last=%0d%0aX-Evil:1&n=1") // 200 * 202]

# Paths

for path in [
    "/v2/../../etc/passwd", "/v2/%2e%2e/%2e%2e/etc/passwd", "/v2/..%2f..%2fetc/manifests/passwd", "/v2/a/blobs/../../../etc/passwd", "/v2/a/manifests/..", "/v2/a/manifests/%2e%2e",
    "/v2/a/blobs/sha256:../../../../etc/passwd", "/v2/a/blobs/sha256:%2e%2e%2f%2e%2e", "/v2/%252e%252e/tags/list", "/v2/a%00b/tags/list", "/v2/a/blobs/uploads/..%2f..%2f..%2fx",
    "/v2/a/blobs/uploads/%2e%2e", "/v2/_uploads/tags/list", "/v2/a/_manifests/tags/list", "/v2/A/tags/list", "/v2/a//b/tags/list", "/v2/./a/tags/list", "/v2/" + "a/" * 200 + "tags/list",
    "/v2/%ff%fe/tags/list", "/v2/a/manifests/sha256:" + "0" * 10_000, "/v2/a/tags/list?n=-1", "/v2/_catalog?n=99999999999999999999", "/v2/a/referrers/sha256:..", "/v2/\u0430/tags/list".encode().decode("latin-1"),
]:
    @request(f"path {path[:50]}", "a path that walks", (400, 404))
    def _(server, path=path):
        return [server.status("GET", path)]


@request("paths of uploads", "uploads with other IDs than were given out, by every method", (400, 404, 416))
def _(server):
    ids = ["..", "%2e%2e", "../../../../../etc/passwd", "..%2f..%2f..", "x" * 300, "11111111-1111-1111-1111-111111111111", "%00", "11111111-1111-1111-1111-111111111111%2f..%2fx"]
    return [server.status(method, f"/v2/a/blobs/uploads/{id}" + ("?digest=" + DIGEST if method == "PUT" else ""), (), b"x" if method in ("PUT", "PATCH") else b"")
            for id in ids for method in ("GET", "PATCH", "PUT", "DELETE")]


@request("another repository's upload", "an upload of the repository a, gone on with in b", 404)
def _(server):
    other = server.upload("a").replace("/v2/a/", "/v2/b/")
    return [server.status("GET", other), server.status("PATCH", other, (), b"x"), server.status("PUT", f"{other}&digest={DIGEST}", (), b"x"), server.status("DELETE", other)]

# Ranges and lengths

@request("ranges", "ranges that overflow, overlap, or are many", (200, 206, 400, 416))
def _(server):
    name = server.push(b"x" * 1000)
    return [server.status("GET", f"/v2/a/blobs/{name}", [f"Range: bytes={value}"]) for value in [
        "0-9223372036854775807", "0-18446744073709551616", "9223372036854775807-", "-9223372036854775808", "-99999999999999999999", "5-1", "-0", "a-b", "0-0," * 10_000 + "1-1",
        ",".join(f"{n}-999" for n in range(31)), "--1", "0--1", "0x0-0xff"]]


@request("Content-Range lies", "ranges of an upload that are not what comes", (400, 416))
def _(server):
    return [server.status("PATCH", server.upload(), [f"Content-Range: {value}"], b"xyz") for value in [
        "5-7", "0-9223372036854775807", "-1-1", "0-1", "2-0", "a-b", "0-", "9223372036854775806-9223372036854775808", "0-2-4"]]


@request("lying length", "a body that ends early", (400, CLOSED))
def _(server):
    connection = server.connect().send(f"PUT {server.upload()}&digest={DIGEST} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")
    connection.socket.shutdown(socket.SHUT_WR)
    return [connection.status()]


@request("length of 2^63", "a body that says it has 2^63 bytes", (400, 413, CLOSED))
def _(server):
    return [server.say(f"PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n") for length in (1 << 63, (1 << 63) - 1, 1 << 64, -1, "")]


@request("wrong digest", "a blob that is not what its digest says", 400)
def _(server):
    return [server.status("PUT", f"{server.upload()}&digest={value}", (), b"y") for value in [
        DIGEST, "sha256:../../x", "sha256:", "md5:" + "0" * 32, "", "%00", "sha256:" + "A" * 64]]

# Manifests

@request("huge manifest", "a manifest of 100 MB", (413, CLOSED))
def _(server):
    return [server.status("PUT", "/v2/a/manifests/1", [f"Content-Type: {MANIFEST}"], b" " * 100_000_000)]


@request("huge manifest in chunks", "a manifest that does not end", (413, CLOSED))
def _(server):
    connection = server.connect().send(f"PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Type: {MANIFEST}\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(100):
        connection.send(b"100000\r\n" + b" " * (1 << 20) + b"\r\n")
    return [connection.status()]


@request("manifests", "manifests that are none", 400)
def _(server):
    documents = [
        b"", b"null", b"[]", b"1", b"{}", b'{"schemaVersion":2}', b"[" * 100_000, b'{"a":' * 100_000, b'{"layers":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b"\xff\xfe{\0}\0",
        json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": "x", "digest": "sha256:../../x", "size": 1}, "layers": []}).encode(),
        json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": "x", "digest": DIGEST, "size": -1}, "layers": []}).encode(),
        b'{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"x","digest":"%s","size":1},"layers":[],"layers":[]}' % (MANIFEST.encode(), DIGEST.encode()),
        json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": "x", "digest": DIGEST, "size": 1}, "layers": [
            {"mediaType": "x", "digest": f"sha256:{n:064}", "size": 1} for n in range(30_000)]}).encode(),
    ]
    server.push(b"x")
    return [server.status("PUT", "/v2/a/manifests/1", [f"Content-Type: {MANIFEST}"], document) for document in documents]


@request("manifest under another digest", "a manifest put under a digest that it has not", 400)
def _(server):
    return [server.status("PUT", f"/v2/a/manifests/{DIGEST}", [f"Content-Type: {MANIFEST}"], b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}')]

# Connections

@request("slow loris", "500 connections that say a byte each, and then nothing", 200)
def _(server):
    connections = [server.connect().send("G") for _ in range(500)]
    status = server.status("GET", "/v2/")
    del connections
    return [status]


@request("slow bodies", "200 uploads of which a byte comes", 200)
def _(server):
    path = server.upload()
    connections = [server.connect().send(f"PATCH {server.upload()} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx") for _ in range(200)]
    connections.append(server.connect().send(f"PATCH {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx"))
    return [server.status("GET", "/v2/")]


@request("flood of connections", "3,000 connections that are closed at once", 200)
def _(server):
    for _ in range(3000):
        server.connect().socket.close()
    return [server.status("GET", "/v2/")]


@request("flood of requests", "10,000 requests in one breath, whose answers are not read", (200, CLOSED))
def _(server):
    connection = server.connect(patience=5)
    with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
        connection.socket.sendall(server.ask("GET", "/v2/") * 10_000)
    connection.socket.close()
    return [server.status("GET", "/v2/")]


@request("answers that nobody reads", "20 pulls of a large blob of which nothing is read", 200)
def _(server):
    name = server.push(bytes(32 << 20))
    connections = [server.connect().send(server.ask("GET", f"/v2/a/blobs/{name}")) for _ in range(20)]
    status = server.status("GET", "/v2/")
    del connections
    return [status]

# Access

@request("mount of what may not be read", "a mount from a repository without the right to pull it", 401)
def _(server):
    tokens, full = server.guarded.tokens, server.guarded.tokens.header("repository:secret:pull,push")
    name = server.guarded.push(b"secret", "secret", full)
    mine = tokens.header("repository:mine:pull,push")
    mounted = server.guarded.status("POST", f"/v2/mine/blobs/uploads/?mount={name}&from=secret", mine)
    read = server.guarded.status("GET", f"/v2/secret/blobs/{name}", mine)
    assert server.guarded.status("GET", f"/v2/mine/blobs/{name}", mine) == 404
    assert server.guarded.status("GET", f"/v2/secret/blobs/{name}", full) == 200
    return [mounted, read]


@request("no access", "everything, without credentials", 401)
def _(server):
    return [server.guarded.status(method, path, (), b"x" if method in ("PUT", "PATCH") else b"") for method, path in [
        ("GET", "/v2/"), ("GET", "/v2/_catalog"), ("GET", "/v2/secret/tags/list"), ("POST", "/v2/a/blobs/uploads/"), ("PUT", "/v2/a/manifests/1"), ("DELETE", "/v2/a/manifests/1"),
        ("PATCH", "/v2/a/blobs/uploads/11111111-1111-1111-1111-111111111111"), ("GET", f"/v2/a/referrers/{DIGEST}")]]


@request("credentials that are none", "Authorization headers that are too long, of other kinds, or forged", 401)
def _(server):
    forged = ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in [
        {"alg": "none", "typ": "JWT"}, {"iss": "dray-tests", "aud": "s", "access": [{"type": "repository", "name": "secret", "actions": ["*"]}], "exp": 1 << 40}]) + "."
    return [server.guarded.status("GET", "/v2/secret/tags/list", [f"Authorization: {value}"]) for value in [
        "Basic !!!", "Basic " + "A" * 10_000, "Bearer", "Bearer x", "Bearer a.b.c", f"Bearer {forged}", "Negotiate x", "Bearer " + "." * 1000, "\xff"]]


def run(dray, directory, wanted):
    """Carries them out: (name, what went wrong, seconds of processor time, KiB) of each."""
    chosen = [each for each in requests if not wanted or any(part in each[0] for part in wanted)]
    if not chosen:
        return
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, limit[1]), limit[1]))
    tokens = Tokens(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "token-server"), f"{directory}/tokens")
    server = Served(dray, f"{directory}/open")
    server.guarded = Served(dray, f"{directory}/guarded", tokens)
    try:
        for name, _, expected, attack in chosen:
            failures, before = [], server.cpu() + server.guarded.cpu()
            try:
                statuses = attack(server)
                if not statuses or any(status not in expected for status in statuses):
                    failures.append(f"expected {expected}, found {statuses}")
            except Exception as error:
                failures.append(f"{type(error).__name__}: {error}")
            if server.process.poll() is not None or server.guarded.process.poll() is not None:
                yield name, failures + [f"the server has ended: {open(server.log).read()[-300:]}"], 0, 0
                return
            if server.status("GET", "/v2/") != 200:
                failures.append("the server does not answer any more")
            used = server.cpu() + server.guarded.cpu() - before
            if used > 5:
                failures.append(f"{used:.1f} s of processor time")
            if server.peak() > KIBIBYTES:
                failures.append(f"{server.peak() >> 10} MiB of memory")
            yield name, failures, used, server.peak()
        outside = [each for each in os.listdir(f"{directory}/open") if each not in ("root", "log", "access", "config.yml")]
        yield "request, what they leave", [f"outside of the store: {outside}"] if outside else [], 0, 0
    finally:
        status = server.stop(), server.guarded.stop()
        tokens.stop()
    yield "request, the end", [f"ended with {status}"] if status != (0, 0) else [], 0, 0
