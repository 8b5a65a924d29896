"""`dray serve` as a pull-through cache beside `dray serve` of the same storage: what is cached must not wait for the upstream,
whatever state that is in. Requests to both go in turn, over one connection each."""
import hashlib
import http.server
import json
import os
import shutil
import socket
import socketserver
import statistics
import subprocess
import threading
import time
import urllib.error
import urllib.request

from benchmarks.measuring import Report

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
STATES = ["up", "slow", "limiting", "silent", "gone"]
# Seconds that a slow upstream takes for each answer.
DELAY = 1
# Requests of each kind, to each of the two, in each state and round.
COUNT = 1500
# Clients that ask for what is not cached, meanwhile.
OTHERS = 4


class Upstream(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A registry in memory that is in one of the states."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address=("127.0.0.1", 0)):
        super().__init__(address, Handler)
        self.state, self.content = "up", {}

    def add(self, path, body, kind):
        self.content[path] = (body, kind, "sha256:" + hashlib.sha256(body).hexdigest())

    def handle_error(self, request, address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        state = self.server.state
        if state == "slow":
            time.sleep(DELAY)
        while self.server.state == "silent":
            time.sleep(0.1)
        if state == "limiting":
            return self.answer(429, b"", {"Retry-After": "3"})
        body, kind, digest = self.server.content.get(self.path, (None, None, None))
        if body is None:
            return self.answer(404, b"", {})
        self.answer(200, body, {"Content-Type": kind, "Docker-Content-Digest": digest})

    do_HEAD = do_GET

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


class Served:
    """`dray serve` of a storage directory."""

    def __init__(self, program, work, name, root, proxy=""):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = f"{work}/{name}.yml"
        with open(config, "w") as file:
            file.write("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
                       f"storage: {{filesystem: {{rootdirectory: {root}}}}}\nhttp: {{addr: '127.0.0.1:{self.port}'}}\n{proxy}\n")
        self.process = subprocess.Popen([program, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.connection = socket.create_connection(("127.0.0.1", self.port))
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{name} does not start")
                time.sleep(0.05)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def seconds(self, request, size):
        """How long it takes until all of an answer is there."""
        start = time.perf_counter()
        self.connection.sendall(request)
        data = self.connection.recv(1 << 16)
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.connection.recv(1 << 16)
        rest = end + 4 + size - len(data)
        while rest > 0:
            rest -= len(self.connection.recv(min(rest, 1 << 20)))
        taken = time.perf_counter() - start
        if not data.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"{request.splitlines()[0].decode()} is answered {data[:60]!r}")
        return taken

    def ask(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            return error.read()

    def end(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def benchmark(bench):
    work = bench.work
    upstream = Upstream()
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    blobs = {"blobs of 4 KiB": os.urandom(4 << 10), "blobs of 1 MiB": os.urandom(1 << 20)}
    descriptors = [{"mediaType": "application/octet-stream", "size": len(blob), "digest": "sha256:" + hashlib.sha256(blob).hexdigest()}
                   for blob in blobs.values()]
    for blob, descriptor in zip(blobs.values(), descriptors):
        upstream.add(f"/v2/app/blobs/{descriptor['digest']}", blob, "application/octet-stream")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptors[0], "layers": descriptors[1:]}).encode()
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    for name in ("1", digest):
        upstream.add(f"/v2/app/manifests/{name}", manifest, MANIFEST)
    paths = {name: (f"/v2/app/blobs/{descriptor['digest']}", descriptor["size"]) for name, descriptor in zip(blobs, descriptors)}
    paths["manifests by digest"] = (f"/v2/app/manifests/{digest}", len(manifest))
    paths["tags, checked lately"] = ("/v2/app/manifests/1", len(manifest))

    address = f"127.0.0.1:{upstream.server_address[1]}"
    cache = Served(bench.dray, work, "cache", f"{work}/cache", f"proxy: {{remoteurl: 'http://{address}', checkinterval: 1h}}")
    for path, size in paths.values():
        if len(cache.ask(path)) != size:
            raise SystemExit(f"{path} is not served")
    deadline = time.monotonic() + 20
    while not all(os.path.exists(f"{work}/cache/docker/registry/v2/blobs/sha256/{d['digest'][7:9]}/{d['digest'][7:]}/data") for d in descriptors):
        if time.monotonic() > deadline:
            raise SystemExit("the blobs are not cached")
        time.sleep(0.05)
    shutil.copytree(f"{work}/cache", f"{work}/plain")
    plain = Served(bench.dray, work, "plain", f"{work}/plain")

    ending = threading.Event()

    def ask_for_more(number):
        count = 0
        while not ending.is_set():
            count += 1
            try:
                cache.ask(f"/v2/other-{number}/manifests/{count}")
            except OSError:
                pass
            ending.wait(0.05)

    others = [threading.Thread(target=ask_for_more, args=(number,), daemon=True) for number in range(OTHERS)]
    for thread in others:
        thread.start()

    taken = {}
    for turn in range(bench.runs + 1):
        for state in STATES:
            upstream.state = state
            if state == "gone":
                upstream.shutdown()
                upstream.server_close()
            # What was under way in the state before ends.
            time.sleep(0.5)
            for kind, (path, size) in paths.items():
                request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {MANIFEST}\r\n\r\n".encode()
                both = ([], [])
                for number in range(COUNT if size < 1 << 20 else COUNT // 3):
                    pair = [(plain, both[0]), (cache, both[1])]
                    for server, times in pair if number % 2 else reversed(pair):
                        times.append(server.seconds(request, size))
                # The first turn warms the caches.
                if turn > 0:
                    taken.setdefault((kind, state), []).append(both)
        content = upstream.content
        upstream = Upstream(upstream.server_address)
        upstream.content = content
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
    ending.set()
    cache.end()
    plain.end()
    upstream.shutdown()

    report = Report("Cache: the same content from a plain store and through a cache, milliseconds")
    figures = {"p50": statistics.median, "p99": lambda times: statistics.quantiles(times, n=100)[98]}
    ratios = {name: [] for name in figures}
    for (kind, state), rounds in taken.items():
        row = {"job": f"{kind}; upstream {state}"}
        for name, figure in figures.items():
            pairs = [(figure(theirs), figure(ours)) for theirs, ours in rounds]
            ratios[name].append(statistics.median(ours / theirs for theirs, ours in pairs))
            row.update({f"plain {name}": statistics.median(a for a, _ in pairs) * 1000,
                        f"cache {name}": statistics.median(b for _, b in pairs) * 1000, f"times {name}": ratios[name][-1]})
        report.rows.append(row)
    for name, title in (("p50", "median"), ("p99", "99th percentile")):
        report.add(f"Cached content, {title}, over all rows", statistics.median(ratios[name]), "times a plain store's")
        report.add(f"Cached content, {title}, in the worst row", max(ratios[name]), "times a plain store's")
    return report
