"""Attacks by a registry's answers."""
import gzip
import http.server
import json
import os
import socketserver
import threading

from attack import OUT, Way, attack
from images import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, config, digest, layer

MIB = 1 << 20
PASSWORD = "s3cr3t-pass"


class Answers:
    """An image of one layer, `good:1`, and what a hostile registry makes of it."""

    def __init__(self):
        self.layer = gzip.compress(layer(), 1, mtime=0)
        self.config = json.dumps(config(layer())).encode()
        self.documents = {}
        self.manifest = self.add(json.dumps({
            "schemaVersion": 2, "mediaType": DOCKER_MANIFEST,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json", "digest": digest(self.config), "size": len(self.config)},
            "layers": [{
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": digest(self.layer), "size": len(self.layer)}],
        }).encode())
        self.blobs = {digest(self.config): self.config, digest(self.layer): self.layer}

    def add(self, document):
        self.documents[digest(document)] = document
        return document


class Hostile:
    """Serves in a process of its own, two ports: the registry's, and another host's that must get no credentials.

    `answer(request, answers)` is asked first, and says whether it has answered. `request` is a handler of http.server.
    """

    def __init__(self, answer):
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                serve(answer, writing)
            finally:
                os._exit(1)
        os.close(writing)
        self.said = os.fdopen(reading)
        self.address, self.other = self.said.readline().split()

    def __format__(self, _):
        return self.address

    def stop(self):
        os.kill(self.pid, 15)
        os.waitpid(self.pid, 0)
        return [line.strip() for line in self.said]


def serve(answer, writing):
    answers = Answers()

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_):
            pass

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def say(self, status, body=b"", headers=(), length=None, kind="application/json"):
            self.send_response(status)
            for name, value in [("Content-Type", kind), ("Content-Length", str(len(body) if length is None else length)), *headers]:
                self.wfile_headers(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def wfile_headers(self, name, value):
            self._headers_buffer.append(f"{name}: {value}\r\n".encode("utf-8", "surrogateescape"))

        def endless(self, start=b"", size=1 << 40):
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(start)
            while self.command != "HEAD":
                self.wfile.write(bytes(65536))

        def do_GET(self):
            self.answers, self.other_address = answers, f"localhost:{other.server_address[1]}"
            if self.server is other and self.headers.get("Authorization"):
                os.write(writing, b"credentials went to another host\n")
            if answer(self, answers):
                return
            parts = self.path.split("?")[0].split("/")
            if self.path == "/v2/":
                return self.say(200, b"{}")
            if "manifests" in parts:
                name = parts[-1]
                body = answers.documents.get(name) if ":" in name else answers.manifest if name == "1" else None
                if body is None:
                    return self.say(404, b"{}")
                return self.say(200, body, [("Docker-Content-Digest", digest(body))], kind=json.loads(body).get("mediaType", ""))
            if parts[-1] == "list":
                return self.say(200, b'{"name":"good","tags":["1"]}')
            if parts[-1] == "_catalog":
                return self.say(200, b'{"repositories":["good"]}')
            body = answers.blobs.get(parts[-1])
            return self.say(404, b"{}") if body is None else self.say(200, body, kind="application/octet-stream")

        do_HEAD = do_GET

    registry, other = (Server(("127.0.0.1", 0), Handler) for _ in range(2))
    os.write(writing, f"127.0.0.1:{registry.server_address[1]} localhost:{other.server_address[1]}\n".encode())
    threading.Thread(target=other.serve_forever, daemon=True).start()
    registry.serve_forever()


OPTIONS = ["--retry-times", "0", "--timeout", "3", "--creds", "creds"]
REGISTRY = {
    "copy": Way(["copy", *OPTIONS, "docker://{}/good:1", "store:" + OUT]), "copy all": Way(["copy", *OPTIONS, "docker://{}/", "store:" + OUT]),
    "ls": Way(["ls", *OPTIONS, "docker://{}/good"]), "digest": Way(["digest", *OPTIONS, "docker://{}/good:1"]),
    "inspect": Way(["inspect", *OPTIONS, "docker://{}/good:1"]), "verify": Way(["verify", *OPTIONS, "--deep", "docker://{}/good:1"]),
    "backup": Way(["backup", *OPTIONS, "docker://{}/good", OUT]),
}


def registry(name, made, answer, status=3, says="", only=("copy", "verify"), **more):
    def make():
        with open("creds", "w") as file:
            file.write(f"user:{PASSWORD}\n")

    attack(f"registry, {name}", REGISTRY, made, make, then=(status, says), only=list(only), registry=lambda: Hostile(answer), **more)


def on(part, do):
    """Answers requests whose path has a part."""
    def answer(request, answers):
        if part not in request.path:
            return False
        do(request, answers)
        return True
    return answer


def layer_digest():
    return digest(gzip.compress(layer(), 1, mtime=0))


LAYER, MANIFEST = layer_digest(), "/manifests/"
registry("good", "a registry that does nothing wrong", lambda *_: False, 0, only=REGISTRY)
registry("other bytes", "a layer of the right length and other bytes", on(LAYER, lambda r, a: r.say(200, bytes(len(a.layer)))), 3)
registry("empty body", "a layer without bytes", on(LAYER, lambda r, a: r.say(200, b"")), 3)
registry("one byte more", "a layer with a byte more", on(LAYER, lambda r, a: r.say(200, a.layer + b"x")), 3)
registry("endless layer", "a layer that says it has 2^40 bytes, and does not end", on(LAYER, lambda r, a: r.endless(a.layer)), 3)
registry("lying length", "a layer of which 10^6 bytes are announced, and 100 come", on(LAYER, lambda r, a: (r.say(200, a.layer, length=10 ** 6), r.connection.shutdown(2))), 1)
registry("length of 2^63", "a layer whose Content-Length is 2^63", on(LAYER, lambda r, a: r.say(200, a.layer, length=1 << 63)), 1)
registry("length of -1", "a layer whose Content-Length is -1", on(LAYER, lambda r, a: r.say(200, a.layer, length=-1)), 1)
registry("two lengths", "a manifest with two Content-Lengths", on(MANIFEST, lambda r, a: r.say(200, a.manifest, [("Content-Length", "5")])), 1)
registry("endless manifest", "a manifest that does not end", on(MANIFEST, lambda r, a: r.endless(a.manifest)), 3, only=["copy", "inspect"])
registry("manifest of 100 MB", "a manifest of 100 MB", on(MANIFEST, lambda r, a: r.say(200, bytes(100 * MIB))), 3, only=["copy", "inspect"])
registry("deep manifest", "a manifest of 10^5 arrays", on(MANIFEST, lambda r, a: r.say(200, b"[" * 100_000 + b"]" * 100_000)), 3, only=["copy", "inspect"])
registry("manifest of another digest", "a Docker-Content-Digest that the manifest has not",
         on(MANIFEST, lambda r, a: r.say(200, a.manifest, [("Docker-Content-Digest", "sha256:" + "0" * 64)], kind=DOCKER_MANIFEST)), 3, only=["copy"])
registry("digest with a path", "a Docker-Content-Digest with a path in it",
         on(MANIFEST, lambda r, a: r.say(200, a.manifest, [("Docker-Content-Digest", "sha256:../../../x")], kind=DOCKER_MANIFEST)), 0, only=["copy"])
registry("escape in a header", "escape sequences in the media type",
         on(MANIFEST, lambda r, a: r.say(200, a.manifest, kind="\x1b[2J\x9b")), 1, only=["copy"])
registry("escape in an error", "escape sequences in an error's message", on(MANIFEST, lambda r, a: r.say(
    400, json.dumps({"errors": [{"code": "\x1b[2J", "message": "\x1b]0;x\x07\u202e\r\n"}]}).encode())), 1, only=["copy", "inspect"])
registry("headers of 1 MB", "an answer with 1 MB of headers", on(MANIFEST, lambda r, a: r.say(200, a.manifest, [(f"X-{n}", "x" * 1000) for n in range(1000)])), 1, only=["copy"])
registry("endless headers", "an answer whose headers do not end", on(MANIFEST, lambda r, a: (r.send_response(200), [
    r.wfile.write(b"X: " + b"x" * 65536 + b"\r\n") for _ in range(100_000)])), 1, only=["copy"])
registry("no HTTP", "an answer that is no HTTP", on("/v2/", lambda r, a: (r.wfile.write(b"SSH-2.0-x\r\n"), r.connection.shutdown(2))), 1, only=["copy"])
registry("redirect in a circle", "a layer that is redirected to itself", on(LAYER, lambda r, a: r.say(307, headers=[("Location", r.path)])), 1, only=["copy"])
for title, where in [("file", "file:///etc/passwd"), ("ftp", "ftp://127.0.0.1/x"), ("gopher", "gopher://127.0.0.1:1/x"), ("nothing", ""), ("words", "::::"),
                     ("NUL", "http://127.0.0.1:1/\0"), ("user", "http://user:pass@[::1/")]:
    registry(f"redirect to {title}", f"a layer that is redirected to {where!r}", on(LAYER, lambda r, a, where=where: r.say(307, headers=[("Location", where)])), 1, only=["copy"])


def elsewhere(request, answers):
    """Blobs and manifests lie on the other host, which may not learn the password."""
    if "/blobs/" in request.path and request.headers.get("Host") != request.other_address:
        request.say(307, headers=[("Location", f"http://{request.other_address}{request.path}")])
        return True
    return False


def asking(request, answers):
    """The same, of a registry that wants a password, and a host that asks for it, too."""
    if request.headers.get("Host") == request.other_address and not request.path.endswith(LAYER):
        return False
    if not request.headers.get("Authorization"):
        request.say(401, b"{}", [("Www-Authenticate", 'Basic realm="x"')])
        return True
    return elsewhere(request, answers)


registry("redirect to another host", "blobs on another host", elsewhere, 0, only=["copy", "verify"])
registry("another host that asks", "blobs on another host, which asks for the password", asking, 1, only=["copy"])
registry("realm that is a file", "a token's realm that is file:///etc/passwd", lambda r, a: (
    r.say(401, b"{}", [("Www-Authenticate", 'Bearer realm="file:///etc/passwd",service="x"')]) or True), 1, only=["copy"])
registry("challenges of 100 kB", "100 kB of challenges", lambda r, a: (
    r.say(401, b"{}", [("Www-Authenticate", "Basic " * 10_000)]) or True), 5, only=["copy"])


def linking(where):
    def answer(request, answers):
        if "/tags/list" not in request.path or request.headers.get("Host") == request.other_address:
            return False
        target = where.replace("OTHER", request.other_address).replace("SELF", request.path)
        request.say(200, b'{"tags":["1"]}', [("Link", f'<{target}>; rel="next"')])
        return True
    return answer


registry("Link to another host", "the next page of tags on another host", linking("http://OTHER/v2/good/tags/list?last=x"), 3, only=["ls"])
registry("Link to a file", "the next page of tags at file:///etc/passwd", linking("file:///etc/passwd"), 3, only=["ls"])
registry("Link to itself", "the next page of tags is the same", linking("SELF"), 3, only=["ls"])
for title, tags in [
    ("paths", ["../../x", "/etc/passwd", "a/../b"]), ("escapes", ["\x1b[2J", "\u202e", "\x9b"]), ("number", [5]), ("empty", [""]), ("long", ["a" * 100_000]),
]:
    registry(f"tags, {title}", f"a list of tags: {title}", on("/tags/list", lambda r, a, tags=tags: r.say(200, json.dumps({"tags": tags + ["1"]}).encode())),
             3 if title == "number" else 0, only=["ls", "copy all"])
    registry(f"catalog, {title}", f"a list of repositories: {title}",
             on("/_catalog", lambda r, a, tags=tags: r.say(200, json.dumps({"repositories": tags + ["good"]}).encode())),
             3 if title == "number" else 0, only=["copy all"])
registry("digests with paths", "an index that lists a digest with a path in it", on("/manifests/1", lambda r, a: r.say(200, json.dumps({
    "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{"mediaType": OCI_MANIFEST, "digest": "sha256:../../x", "size": 1}]}).encode(), kind=OCI_INDEX)), 3)
registry("size of 2^63", "a layer that has 2^63 bytes", on("/manifests/1", lambda r, a: r.say(200, a.manifest.replace(b'"size": ' + str(len(a.layer)).encode(), b'"size": 9223372036854775808'), kind=DOCKER_MANIFEST)), 3)
registry("inflated answer", "an answer with Content-Encoding: gzip that inflates a thousandfold", on(MANIFEST, lambda r, a: r.say(
    200, gzip.compress(bytes(MIB)) * 200, [("Content-Encoding", "gzip")])), 3, only=["copy"])
registry("answers a byte a second", "a layer of which a byte comes now and then", on(LAYER, lambda r, a: drip(r, a)), 1, only=["copy"], is_slow=True)


def drip(request, answers):
    import time
    request.send_response(200)
    request.send_header("Content-Length", str(len(answers.layer)))
    request.end_headers()
    for _ in answers.layer:
        time.sleep(4)
        request.wfile.write(b"\0")
