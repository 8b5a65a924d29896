"""Attacks by requests to `dray serve`, and the answers that they have to get."""
import base64
import contextlib
import hashlib
import json
import os
import re
import resource
import select
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from neighbours import IMAGE, Place, eventually

KIBIBYTES = 128 << 10
DIGEST = "sha256:" + hashlib.sha256(b"x").hexdigest()
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"
USERS = "alice:$2y$08$PM.6513xBjfXfXsVP6c9zeQiJlRRpaX53cVBxfbfs61DvH93MqHUq\n"  # by htpasswd -Bbn -C 8 alice secret
CLOSED = 0  # a connection that is closed without an answer
requests = []


def request(name, made, expected):
    """Adds an attack: a function of a server that returns statuses, each of which has to be among the expected."""
    def add(attack):
        requests.append((f"request, {name}", made, expected if isinstance(expected, (tuple, list)) else (expected,), attack))
        return attack
    return add


class Connection:
    def __init__(self, address, patience=20, source="", window=None):
        host, port = address.split(":")
        self.socket = socket.socket()
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(patience)
        self.socket.bind((source, 0))
        self.socket.connect((host, int(port)))
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
    """`dray serve` with a store of its own; with `token-server` or users, it asks who comes."""

    def __init__(self, dray, directory, tokens=None, users=None, more="", files=None, root=None, http=""):
        os.makedirs(directory)
        self.root = root or f"{directory}/root"
        self.tokens = tokens
        with open(f"{directory}/config.yml", "w") as file:
            file.write(f"""version: 0.1
storage: {{filesystem: {{rootdirectory: {self.root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:0"{http}}}
""")
            if tokens:
                file.write(f"auth: {{token: {{realm: '{tokens.url}', service: s, issuer: dray-tests, rootcertbundle: {tokens.certificate}}}}}\n")
            file.write(more)
            if users:
                with open(f"{directory}/users", "w") as passwords:
                    passwords.write(users)
                file.write(f"auth: {{htpasswd: {{realm: r, path: {directory}/users}}}}\n")
        self.log = f"{directory}/log"
        limit = ["prlimit", f"--nofile={files}:{files}"] if files else []
        self.command = [*limit, dray, "serve", f"{directory}/config.yml"]
        self.start()

    def start(self):
        with open(self.log, "w") as log, open(f"{os.path.dirname(self.log)}/access", "w") as access:
            self.process = subprocess.Popen(self.command, stdout=access, stderr=log, stdin=subprocess.DEVNULL)
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

    def forget_peak(self):
        """Starts anew where much memory was used, which is not all given back."""
        if self.peak() > KIBIBYTES // 2:
            self.stop()
            self.start()

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


# Framing: what another server may take for another request is none.

for title, version, head in [
    ("no Host", "1.1", ""), ("two Hosts", "1.1", "Host: a\r\nHost: b\r\n"), ("the same Host twice", "1.1", "Host: a\r\nX: y\r\nhost: a\r\n"), ("two Hosts in HTTP/1.0", "1.0", "Host: a\r\nHost: b\r\n"),
    ("gzip, chunked", "1.1", "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n"), ("identity, chunked", "1.1", "Host: x\r\nTransfer-Encoding: identity, chunked\r\n"),
    ("chunked after another line", "1.1", "Host: x\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), ("chunked twice", "1.1", "Host: x\r\nTransfer-Encoding: chunked, chunked\r\n"),
    ("no coding beside a length", "1.1", "Host: x\r\nTransfer-Encoding:\r\nContent-Length: 0\r\n"), ("no coding", "1.1", "Host: x\r\nTransfer-Encoding: \r\n"), ("chunks in HTTP/1.0", "1.0", "Host: x\r\nTransfer-Encoding: chunked\r\n"),
]:
    @request(f"framing, {title}", f"a request of HTTP/{version} with {head!r}", 400)
    def _(server, version=version, head=head):
        return server.connect().send(f"POST /v2/a/blobs/uploads/ HTTP/{version}\r\n{head}\r\n0\r\n\r\n" + SMUGGLED).statuses()


@request("chunk extensions", "5 MB of chunk extensions, in one chunk and in many", 400)
def _(server):
    def say(body):
        return server.say(f"PATCH {server.upload()} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n\r\n")
    return [say("1;" + "a" * 5_000_000 + "\r\nx\r\n"), say(("1;" + "a" * 1000 + "\r\nx\r\n") * 5000)]


@request("small chunks", "a blob in chunks of a byte each, and HTTP/1.0 without a Host", (201, 200))
def _(server):
    head = f"PUT {server.upload()}&digest=sha256:{hashlib.sha256(b'x' * 100_000).hexdigest()} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    return [server.say(head + "1\r\nx\r\n" * 100_000 + "0\r\n\r\n"), server.say("GET /v2/ HTTP/1.0\r\n\r\n")]


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


@request("manifests of two kinds", "manifests that one reader takes for an image and another for an index", 400)
def _(server):
    descriptor = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": server.push(b"{}"), "size": 2}
    image, index = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
    list_type = "application/vnd.docker.distribution.manifest.list.v2+json"
    both = [
        {"config": descriptor, "layers": [], "manifests": []}, {"layers": [descriptor], "Manifests": [descriptor]},
        {"CONFIG": descriptor, "manifests": [descriptor]}, {"fsLayers": [], "manifests": []}, {"blobs": [], "layers": [], "config": descriptor},
    ]
    found = []
    for members in both:
        for claimed in (image, index, MANIFEST, list_type):
            for own in ({}, {"mediaType": claimed}):
                document = json.dumps({"schemaVersion": 2, **own, **members}).encode()
                found.append(server.status("PUT", "/v2/a/manifests/two", [f"Content-Type: {claimed}"], document))
    # A member twice: the first one counts for some readers, the last one for others.
    for twice in ('"layers":[],"layers":[%s]', '"mediaType":"%s","mediaType":"%s","layers":[]' % (index, image), '"manifests":null,"layers":[],"manifests":[]'):
        text = '{"schemaVersion":2,"config":%s,%s}' % (json.dumps(descriptor), twice.replace("%s", json.dumps(descriptor)))
        found.append(server.status("PUT", "/v2/a/manifests/two", [f"Content-Type: {image}"], text.encode()))
    return found


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


@request("unfinished heads", "900 connections with 30 kB of a header that does not end, alone or in one breath with a request", (200, CLOSED))
def _(server):
    head, connections = "GET /v2/ HTTP/1.1\r\nHost: x\r\nX: " + "a" * 30_000, []
    for number in range(900):
        connections.append(server.connect())
        if number % 2:
            # After a large body, the server reads much at once.
            connections[-1].send(server.ask("PUT", "/v2/a/manifests/1", (), b" " * 60_000)).status()
            connections[-1].send(SMUGGLED + head)
        else:
            connections[-1].send(head)
    assert server.status("GET", "/v2/") == 200
    last = connections[-1]
    return [last.status() and last.status(), server.status("GET", "/v2/")]


@request("answered heads", "1,000 refused requests with a head of 70 kB, and a body that does not come", (401, CLOSED))
def _(server):
    head = "PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n" + f"X: {'a' * 7000}\r\n" * 10 + "\r\n"
    connections = [server.guarded.connect().send(head) for _ in range(1000)]
    statuses = [connection.status() for connection in connections]
    assert CLOSED in statuses and server.guarded.status("GET", "/v2/") == 401
    return statuses


@request("slow bodies", "200 uploads of which a byte comes", 200)
def _(server):
    path = server.upload()
    connections = [server.connect().send(f"PATCH {server.upload()} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx") for _ in range(200)]
    connections.append(server.connect().send(f"PATCH {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx"))
    return [server.status("GET", "/v2/")]


@request("upload behind another request", "3 MB that follow a request whose answer comes first", (200, 202))
def _(server):
    path = server.upload()
    connection = server.connect().send(f"{SMUGGLED.replace('smuggled/tags/list', '')}PATCH {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n")
    return [connection.status(), connection.send(bytes(3_000_000)).status()]


@request("unfinished uploads", "600 uploads that stop after 250 kB, and two of which 60,000 bytes come one by one", 200)
def _(server):
    def begin():
        return server.connect().send(f"PATCH {server.upload()} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    slow = [begin() for _ in range(2)]
    for connection in slow:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connections = [begin().send(bytes(250_000)) for _ in range(600)]
    for number in range(60_000):
        slow[number % 2].send(b"x")
    assert len(connections) == 600
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

# Memory, and who waits for whom

def unfinished(server, count, size=4 << 20, **more):
    """Connections that have sent all of a manifest but its end, as far as the server takes it."""
    connections = []
    for number in range(count):
        connection = server.connect(**more).send(f"PUT /v2/a/manifests/{number} HTTP/1.1\r\nHost: x\r\nContent-Type: {MANIFEST}\r\nContent-Length: {size}\r\n\r\n")
        connection.socket.setblocking(False)
        connection.rest = memoryview(bytes(size - 1))
        connections.append(connection)
    idle = 0
    while idle < 10:
        sent = 0
        for connection in connections:
            with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
                while connection.rest:
                    count = connection.socket.send(connection.rest)
                    connection.rest, sent = connection.rest[count:], sent + count
        idle = 0 if sent else idle + 1
        select.select([], [], [], 0.02)
    return connections


def image(server, **more):
    """The bytes of a manifest that can be pushed."""
    descriptor = {"mediaType": "x", "digest": server.push(b"{}"), "size": 2}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor, "layers": [], **more}).encode()


@request("unfinished small manifests", "1,500 manifests of 32 KiB that never end, from one address; another one pushes", 201)
def _(server):
    manifest = image(server)
    connections = unfinished(server, 1500, 32 << 10, source="127.0.0.2")
    statuses = [server.connect(patience=5).send(server.ask("PUT", "/v2/a/manifests/small", [f"Content-Type: {MANIFEST}"], manifest)).status()]
    del connections
    return statuses


@request("announced manifests", "manifests of 4 MiB of which a byte comes, or 40 kB, from one address; another one pushes 40 kB", 201)
def _(server):
    manifest = image(server, annotations={"x": "y" * 40_000})
    head = f"PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Type: {MANIFEST}\r\nContent-Length: {4 << 20}\r\n\r\n"
    connections = [server.connect(source="127.0.0.2").send(head + " " * count) for count in [1, 40_000] * 8]
    assert server.status("GET", "/v2/") == 200
    statuses = [server.connect(patience=5).send(server.ask("PUT", "/v2/a/manifests/large", [f"Content-Type: {MANIFEST}"], manifest)).status()]
    del connections
    return statuses


@request("manifests in chunks", "100 small manifests in chunks, at once from one address", 201)
def _(server):
    manifest = image(server)
    head = f"HTTP/1.1\r\nHost: x\r\nContent-Type: {MANIFEST}\r\nTransfer-Encoding: chunked\r\n\r\n{len(manifest):x}\r\n"
    connections = [server.connect().send(f"PUT /v2/a/manifests/{number} {head}") for number in range(100)]
    assert server.status("GET", "/v2/") == 200
    return [connection.send(manifest + b"\r\n0\r\n\r\n").status() for connection in connections]


@request("unfinished manifests", "100 manifests of 4 MiB that never end; others push and pull", (200, 201))
def _(server):
    connections = unfinished(server, 100)
    statuses = [server.status("PUT", "/v2/a/manifests/whole", [f"Content-Type: {MANIFEST}"], image(server)), server.status("GET", "/v2/a/manifests/whole")]
    del connections
    return statuses


@request("idle connections", "600 connections that stay after 900 kB, refused for the password or for the content", (400, 401))
def _(server):
    attack = f"PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Type: {MANIFEST}\r\nContent-Length: 900000\r\n\r\n".encode() + b" " * 900_000
    connections, statuses = [], []
    for number in range(600):
        connections.append((server, server.locked)[number % 2].connect().send(attack))
        statuses.append(connections[-1].status())
    return statuses


@request("unread manifests", "100 pulls of a manifest of 3 MiB of which nothing is read", (200, 201))
def _(server):
    statuses = [server.status("PUT", "/v2/a/manifests/large", [f"Content-Type: {MANIFEST}"], image(server, annotations={"x": "y" * (3 << 20)}))]
    connections = [server.connect().send(server.ask("GET", "/v2/a/manifests/large")) for _ in range(100)]
    statuses += [connection.line() and 200 for connection in connections] + [server.status("GET", "/v2/")]
    return statuses


@request("large manifests at once", "12 manifests of 20,000 layers at once; others are answered within a second", (200, 400))
def _(server):
    image = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": "x", "digest": DIGEST, "size": 1}, "layers": [
        {"mediaType": "x", "digest": f"sha256:{n:064}", "size": 1} for n in range(20_000)]}).encode()
    connections = [server.connect(patience=60).send(server.ask("PUT", f"/v2/a/manifests/{number}", [f"Content-Type: {MANIFEST}"], image)) for number in range(12)]
    statuses = [server.connect(patience=1).send(server.ask("GET", "/v2/")).status() for _ in range(20)]
    return statuses + [connection.status() for connection in connections]


def pushable(server, repository="a", **more):
    """A manifest that can be pushed to a repository, and a descriptor of it."""
    config = {"mediaType": "x", "digest": server.push(b"{}", repository), "size": 2}
    document = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [], **more}).encode()
    return document, {"mediaType": MANIFEST, "digest": "sha256:" + hashlib.sha256(document).hexdigest(), "size": len(document)}


def index(*entries, **more):
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, **more}).encode()


@request("one child many times", "16 pushes of an index that names one manifest of 700 kB 200 times; others push and delete", (201, 202))
def _(server):
    child, entry = pushable(server, annotations={f"k{number}": "v" for number in range(50_000)})
    statuses = [server.status("PUT", "/v2/a/manifests/child", [f"Content-Type: {MANIFEST}"], child)]
    connections = [
        server.connect(patience=60).send(server.ask("PUT", f"/v2/a/manifests/{number}", [f"Content-Type: {INDEX}"], index(*[entry] * 200)))
        for number in range(16)]
    name = server.push(b"pushed meanwhile", "b")
    statuses.append(server.status("DELETE", f"/v2/b/blobs/{name}"))
    return statuses + [connection.status() for connection in connections]


@request("large referrers", "200 requests for referrers, of which 5 have 700 kB, and a list of 1.4 MB is kept under a tag; others pull", (200, 201, 429))
def _(server):
    subject = {"mediaType": MANIFEST, "digest": "sha256:" + "7" * 64, "size": 2}
    document, entry = pushable(server)
    statuses = [server.status("PUT", "/v2/a/manifests/small", [f"Content-Type: {MANIFEST}"], document)]
    for number in range(5):
        document, _ = pushable(server, subject=subject, annotations={f"k{number}-{key}": "v" for key in range(45_000)})
        statuses.append(server.status("PUT", f"/v2/a/manifests/referrer{number}", [f"Content-Type: {MANIFEST}"], document))
    kept = index(entry, annotations={f"k{number}": "v" for number in range(100_000)})
    statuses.append(server.status("PUT", f"/v2/a/manifests/sha256-{'7' * 64}", [f"Content-Type: {INDEX}"], kept))
    connections = [
        server.connect(patience=60, source="127.0.0.2").send(server.ask("GET", f"/v2/a/referrers/{subject['digest']}?artifactType=none{number}"))
        for number in range(200)]
    statuses.append(server.connect(patience=5).send(server.ask("GET", "/v2/a/manifests/small")).status())
    return statuses + [connection.status() for connection in connections[:20]]


@request("large manifests that nobody waits for", "120 HEADs of each of 3 manifests of 900 kB, whose connections are closed, and 60 that wait; others pull a large one", (200, 201))
def _(server):
    statuses = []
    for number in range(4):
        document, _ = pushable(server, annotations={f"k{number}-{key}": "v" for key in range(60_000 if number else 4_000)})
        statuses.append(server.status("PUT", f"/v2/a/manifests/large{number}", [f"Content-Type: {MANIFEST}"], document))
    connections = [server.connect(source="127.0.0.2").send(server.ask("HEAD", f"/v2/a/manifests/large{number % 3 + 1}")) for number in range(360)]
    for connection in connections:
        connection.socket.close()
    connections = [server.connect(source="127.0.0.3").send(server.ask("HEAD", "/v2/a/manifests/large1")) for _ in range(60)]
    statuses.append(server.connect(patience=5).send(server.ask("GET", "/v2/a/manifests/large0")).status())
    return statuses + [int((connection.line() or b"x 0").split()[1]) for connection in connections]


@request("slow downloads of a cache", "40 blobs that the upstream sends slowly, for one client that does not wait for them and asks for another one; that is what others pull", 200)
def _(server):
    end = threading.Event()

    def answer(handler):
        if handler.command != "GET" or "/blobs/sha256:0" not in handler.path:
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b"x" * 100)
        return end.wait(60)

    place = Place(answer)
    cache = server.beside("cache", more=f"proxy: {{remoteurl: '{place.url}'}}\n")
    try:
        connections = [cache.connect(source="127.0.0.2").send(cache.ask("GET", f"/v2/good/blobs/sha256:{number:064}")) for number in range(40)]
        eventually(lambda: sum("/blobs/" in each["path"] for each in place.seen) >= 16)
        first, second = (f"/v2/good/blobs/{name}" for name in sorted(IMAGE.blobs)[-2:])
        # Waits for a turn of the client that has no more of them.
        waiting = cache.connect(source="127.0.0.2").send(cache.ask("GET", first))
        statuses = [cache.connect(patience=5).send(cache.ask("GET", first)).status(), waiting.status()]
        for connection in connections:
            connection.socket.close()
        return statuses + [cache.status("GET", second)]
    finally:
        end.set()
        cache.process.kill()
        cache.process.wait()


@request("few descriptors", "224 pulls of which nothing is read from each of two addresses, with 1024 descriptors; others push and pull", 200)
def _(server):
    narrow = server.beside("narrow", files=1024)
    try:
        name = narrow.push(bytes(20 << 20))
        connections = [
            narrow.connect(source=source).send(narrow.ask("GET", f"/v2/a/blobs/{name}")) for source in ("127.0.0.2", "127.0.0.3") for _ in range(224)]
        # Each was answered or refused.
        for connection in connections:
            connection.line()
        small = narrow.push(b"pushed meanwhile")
        return [narrow.status("GET", path) for path in ("/v2/", f"/v2/a/blobs/{small}")]
    finally:
        narrow.process.kill()
        narrow.process.wait()

# Work that costs much more than the request

@request("forwarded names", "32 kB of X-Forwarded-Host or X-Forwarded-Proto with 16,000 values that are none", 200)
def _(server):
    return [
        server.connect(patience=5).send(server.ask("GET", "/v2/", [f"{name}: {value * (32_000 // len(value))}"])).status()
        for name in ("X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded") for value in ("!,", "host=!;", "a=b,")]


@request("upgrade", "requests with Upgrade or CONNECT, and another one behind each", (200, 404, CLOSED))
def _(server):
    statuses = []
    for method, path, more in [("GET", "/v2/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"), ("GET", "/v2/", "Upgrade: h2c\r\n"), ("CONNECT", "x:443", "")]:
        connection = server.connect(patience=5).send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n")
        statuses.append(connection.status())
        statuses.append(connection.send(server.ask("GET", "/v2/")).status())
    return statuses


def list_of_nothing(server, digest):
    """Keeps a list of 20,000 manifests that are missing as referrers of a digest."""
    entries = [{"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar", "digest": f"sha256:{number:064x}", "size": 1} for number in range(20_000)]
    return server.status("PUT", f"/v2/a/manifests/{digest.replace(':', '-')}", [f"Content-Type: {INDEX}"], index(*entries))


@request("list of referrers that are missing", "100 requests for a kept list of 20,000 referrers, 60 of them closed; others pull and push", (200, 201, 202))
def _(server):
    subject, name = "sha256:" + "6" * 64, server.push(b"small")
    statuses = [list_of_nothing(server, subject)]
    connections = [server.connect(patience=60, source="127.0.0.2").send(server.ask("GET", f"/v2/a/referrers/{subject}")) for _ in range(100)]
    for connection in connections[:60]:
        connection.socket.close()
    for method, path in [("GET", f"/v2/a/blobs/{name}"), ("POST", "/v2/a/blobs/uploads/"), ("HEAD", f"/v2/a/blobs/{name}")]:
        statuses.append(int(server.connect(patience=2).send(server.ask(method, path)).line().split()[1]))
    return statuses


@request("lists that nobody reads", "50 pages of referrers of 3.9 MB of which nothing is read; others pull", (200, 201, 429))
def _(server):
    subject = {"mediaType": MANIFEST, "digest": "sha256:" + "5" * 64, "size": 2}
    referrer, _ = pushable(server, subject=subject, annotations={"x": "y" * 3_900_000})
    statuses = [server.status("PUT", "/v2/a/manifests/referrer", [f"Content-Type: {MANIFEST}"], referrer)]
    path = f"/v2/a/referrers/{subject['digest']}"
    connections = [server.connect(patience=60, source="127.0.0.2", window=4096).send(server.ask("GET", path)) for _ in range(50)]
    end = time.monotonic() + 6
    for connection in connections:
        connection.socket.settimeout(max(0.001, end - time.monotonic()))
        with contextlib.suppress(TimeoutError):
            statuses.append(int((connection.line() or b"x 0").split()[1]))
    statuses += [server.connect(patience=5, source="127.0.0.3").send(server.ask("GET", each)).status() for each in ("/v2/a/manifests/referrer", path)]
    return statuses


@request("referrers with many small annotations", "15 referrers of 32 kB with 2,800 annotations each, and 102 requests for the list, 2 of them for other pages; others pull", (200, 201, 429, 503))
def _(server):
    subject = {"mediaType": MANIFEST, "digest": "sha256:" + "5b" * 32, "size": 2}
    path, statuses = f"/v2/a/referrers/{subject['digest']}", []
    for number in range(15):
        annotations = {f"{key:x}": "" for key in range(2_800)} | {"number": str(number)}
        referrer, entry = pushable(server, subject=subject, annotations=annotations)
        assert 16_384 < len(referrer) < 32_768, len(referrer)
        statuses.append(server.status("PUT", f"/v2/a/manifests/{entry['digest']}", [f"Content-Type: {MANIFEST}"], referrer))
    pages = [path] * 100 + [f"{path}?n={number + 900}" for number in range(2)]
    connections = [server.connect(patience=60, source="127.0.0.2", window=4096).send(server.ask("GET", each)) for each in pages]
    statuses.append(server.connect(patience=5).send(server.ask("GET", "/v2/")).status())
    end = time.monotonic() + 6
    for connection in connections:
        connection.socket.settimeout(max(0.001, end - time.monotonic()))
        with contextlib.suppress(TimeoutError):
            statuses.append(int((connection.line() or b"x 503").split()[1]))
    for connection in connections:
        connection.socket.close()
    return statuses + [server.connect(patience=20, source="127.0.0.3").send(server.ask("GET", path)).status()]


@request("downloads over TLS that nobody reads", "60 pulls of 32 MiB over TLS of which nothing is read; others pull", 200)
def _(server):
    place = f"{os.path.dirname(server.root)}/tls"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{place}.key", "-out", f"{place}.crt", "-days", "2", "-subj", "/CN=x"],
        check=True, capture_output=True)
    name = server.push(b"z" * (32 << 20))
    tls = server.beside("tls", root=server.root, http=f', tls: {{certificate: "{place}.crt", key: "{place}.key"}}')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def pull(**more):
        connection = tls.connect(**more)
        connection.socket = context.wrap_socket(connection.socket)
        return connection.send(tls.ask("GET", f"/v2/a/blobs/{name}"))
    try:
        connections = [pull(source="127.0.0.2", window=4096) for _ in range(60)]
        # Each has begun.
        for connection in connections:
            connection.line()
        statuses = [int(pull(patience=20).line().split()[1])]
        assert tls.peak() < KIBIBYTES, f"{tls.peak() >> 10} MiB"
        return statuses
    finally:
        tls.process.kill()
        tls.process.wait()
        os.remove(f"{place}.key")
        os.remove(f"{place}.crt")


def referrers_of(number, count, more=""):
    """An index of referrers whose digests tell the number and their place."""
    entries = ",".join(f'{{"mediaType":"a","digest":"sha256:{number:032x}{place:032x}","size":1{more}}}' for place in range(count))
    return f'{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{entries}]}}'.encode()


@request("lists of referrers at a cache", "12 lists of 4 pages of 4 MB, and one without an end that is left; others pull through the cache", (200, 503, 504))
def _(server):
    pages = [referrers_of(number, 29_000, ',"annotations":{"a":"b"}') for number in range(4)]

    def answer(handler):
        if "/referrers/" not in handler.path:
            return False
        path, _, query = handler.path.partition("?i=")
        number = int(query.split("&")[0] or 0) if query else 0
        isEndless = path.endswith("f" * 64)
        body = referrers_of(number, 1) if isEndless else pages[number]
        isLast = not isEndless and number == 3
        more = [] if isLast else [("Link", f'<{path}?i={number + 1}&pad={"a" * 30_000 if isEndless else ""}>; rel="next"')]
        return handler.say(200, body, more, INDEX)

    place = Place(answer)
    cache = server.beside("lists", more=f"proxy: {{remoteurl: '{place.url}'}}\n")
    try:
        endless = cache.connect(source="127.0.0.2").send(cache.ask("GET", f"/v2/good/referrers/sha256:{'f' * 64}"))
        eventually(lambda: sum("f" * 64 in each["path"] for each in place.seen) > 5)
        endless.socket.close()

        def is_left():
            count = len(place.seen)
            time.sleep(0.3)
            return len(place.seen) == count
        eventually(is_left)
        connections = [cache.connect(patience=40, source="127.0.0.2").send(cache.ask("GET", f"/v2/good/referrers/sha256:{number:064x}")) for number in range(12)]
        statuses = [cache.connect(patience=5).send(cache.ask("GET", "/v2/good/manifests/1")).status()]
        statuses += [connection.status() for connection in connections]
        # On a busy machine no list comes in time.
        assert statuses[0] == 200, statuses
        assert cache.peak() < KIBIBYTES, f"{cache.peak() >> 10} MiB"
        return statuses
    finally:
        cache.process.kill()
        cache.process.wait()


def tag_often(server, repository):
    """Gives a manifest 1,500 tags, t0 and so on, and returns the statuses of that."""
    document, entry = pushable(server, repository)
    queries = ("&".join(f"tag=t{number}" for number in range(start, start + 100)) for start in range(0, 1_500, 100))
    path = f"/v2/{repository}/manifests/{entry['digest']}"
    return [server.status("PUT", f"{path}?{query}", [f"Content-Type: {MANIFEST}"], document) for query in queries]


@request("tags that are listed often", "200 requests for 1,500 tags, closed at once; others pull", (200, 201))
def _(server):
    statuses = tag_often(server, "many")
    connections = [server.connect(source="127.0.0.2").send(server.ask("GET", "/v2/many/tags/list?n=1")) for _ in range(200)]
    for connection in connections:
        connection.socket.close()
    return statuses + [server.connect(patience=2).send(server.ask("GET", "/v2/many/manifests/t1")).status() for _ in range(3)]


@request("deletions in a repository with many tags", "60 DELETEs of a manifest beside 1,500 tags, closed at once; others look and push", (200, 201, 202, 404))
def _(server):
    statuses = tag_often(server, "long-list")
    others = []
    for number in range(60):
        document, other = pushable(server, "long-list", annotations={"number": str(number)})
        statuses.append(server.status("PUT", f"/v2/long-list/manifests/{other['digest']}", [f"Content-Type: {MANIFEST}"], document))
        others.append(other["digest"])
    document, _ = pushable(server, "b")
    connections = [server.connect(source="127.0.0.2").send(server.ask("DELETE", f"/v2/long-list/manifests/{other}")) for other in others]
    for connection in connections:
        connection.socket.close()
    pushed = server.connect(patience=1.5).send(server.ask("PUT", "/v2/b/manifests/1", [f"Content-Type: {MANIFEST}"], document))
    return statuses + [pushed.status(), int(server.connect(patience=1.5).send(server.ask("HEAD", "/v2/long-list/manifests/t1")).line().split()[1])]


@request("digest that is wrong again and again", "60 times 16 closings of an upload of 60 MB under wrong digests of SHA-512; others push", (400, 201))
def _(server):
    path = server.upload("long")
    connection = server.connect()
    connection.send(server.ask("PATCH", path, [], bytes(60 << 20)))
    head = b""
    while line := connection.line():
        head += line + b"\n"
    path = urllib.parse.urlsplit(re.search(rb"(?i)location: (\S+)", head)[1].decode())._replace(scheme="", netloc="").geturl()
    before = server.cpu()
    statuses = [server.status("PUT", f"{path}&digest=sha512:{number:0128x}") for number in range(60)]
    assert server.cpu() - before < 5, server.cpu() - before
    server.push(b"pushed meanwhile", "b")
    return statuses

# Passwords

def login(server, user="alice:secret", **more):
    connection = server.locked.connect(**more)
    return connection.send(server.locked.ask("GET", "/v2/", ["Authorization: Basic " + base64.b64encode(user.encode()).decode()]))


@request("wrong logins that are gone", "600 wrong logins whose connections are closed, and then a right one", 200)
def _(server):
    for number in range(600):
        login(server, f"user{number}:wrong").socket.close()
    return [login(server, patience=5).status()]


@request("wrong logins that wait", "600 wrong logins at once from one address, and a right one from another", (200, 401, 429))
def _(server):
    connections = [login(server, f"alice:wrong{number}", source="127.0.0.2") for number in range(600)]
    statuses = [login(server, patience=5).status()]
    assert statuses == [200], statuses
    statuses += [connection.status() for connection in connections[-300:]]
    assert 429 in statuses
    return statuses

@request("logins in another's name", "300 wrong logins that name another client's address; it logs in by its own proxy", 401)
def _(server):
    def login(name, source):
        authorization = base64.b64encode(f"alice:{name}".encode()).decode()
        head = server.locked.ask("GET", "/v2/", [f"Authorization: Basic {authorization}", "X-Forwarded-For: 203.0.113.7"])
        return server.locked.connect(source=source, patience=5).send(head)
    connections = [login(f"invented{number}", "127.0.0.2") for number in range(300)]
    status = login("mistyped", "127.0.0.3").status()
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
    server.locked = Served(dray, f"{directory}/locked", users=USERS)
    server.beside = lambda name, **more: Served(dray, f"{directory}/{name}", **more)
    servers = server, server.guarded, server.locked
    try:
        for name, _, expected, attack in chosen:
            for each in servers:
                each.forget_peak()
            failures, before = [], sum(each.cpu() for each in servers)
            try:
                statuses = attack(server)
                if not statuses or any(status not in expected for status in statuses):
                    failures.append(f"expected {expected}, found {statuses}")
            except Exception as error:
                failures.append(f"{type(error).__name__}: {error}")
            if any(each.process.poll() is not None for each in servers):
                yield name, failures + [f"the server has ended: {open(server.log).read()[-300:]}"], 0, 0
                return
            if server.status("GET", "/v2/") != 200:
                failures.append("the server does not answer any more")
            used = sum(each.cpu() for each in servers) - before
            if used > 5:
                failures.append(f"{used:.1f} s of processor time")
            peak = max(each.peak() for each in servers)
            if peak > KIBIBYTES:
                failures.append(f"{peak >> 10} MiB of memory")
            yield name, failures, used, peak
        outside = [each for each in os.listdir(f"{directory}/open") if each not in ("root", "log", "access", "config.yml")]
        yield "request, what they leave", [f"outside of the store: {outside}"] if outside else [], 0, 0
    finally:
        status = [each.stop() for each in servers]
        tokens.stop()
    yield "request, the end", [f"ended with {status}"] if any(status) else [], 0, 0
