"""What the attacks of `disclosure` need around dray: places that note what they are sent, servers, and a network of its own."""
import ctypes
import fcntl
import http.client
import http.server
import json
import os
import re
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
import time

from registries import Answers

PASSWORD = "s3cr3t-pass"
IMAGE = Answers()


def eventually(condition):
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            raise OSError("what is waited for does not come")
        time.sleep(0.01)


class Place:
    """A server on a port of its own, which holds an image as `good:1` and notes its requests.

    answer(handler) is asked first, and says whether it has answered. With `certificate` (a path without .crt and .key) it
    speaks TLS, and asks for a client certificate of `clients`.
    """

    def __init__(self, answer=lambda _: False, host="127.0.0.1", certificate=None, clients=None):
        self.seen = []
        place = self

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def handle_error(self, *_):
                pass

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def say(self, status, body=b"", headers=(), kind="application/json"):
                self.send_response(status)
                for name, value in [("Content-Type", kind), ("Content-Length", str(len(body))), *headers]:
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)
                return True

            def handle_one(self):
                self.content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                place.seen.append({
                    "method": self.command, "path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()},
                    "certificate": bool(certificate and self.connection.getpeercert())})
                if answer(self):
                    return
                name = self.path.split("?")[0].split("/")[-1]
                document = IMAGE.documents.get(name) or (IMAGE.manifest if name == "1" else None)
                body = document or IMAGE.blobs.get(name)
                if self.path == "/v2/" or self.command in ("POST", "PUT"):
                    self.say(201 if self.command == "PUT" else 200, b"{}")
                elif body is None:
                    self.say(404, b"{}")
                else:
                    self.say(200, body, kind=json.loads(document)["mediaType"] if document else "application/octet-stream")

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

        self.server = Server((host, 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{certificate}.crt", f"{certificate}.key")
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_OPTIONAL
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.address = f"{'localhost' if certificate else host}:{self.port}"
        self.url = f"{'https' if certificate else 'http'}://{self.address}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def gave(self, name):
        """The values that a header had in its requests."""
        return [each["headers"][name] for each in self.seen if name in each["headers"]]


def redirecting(part, target, status=307):
    """Sends what asks for a path with a part of it to another place."""
    def answer(handler):
        where = target() if callable(target) else target
        return part in handler.path and handler.say(status, headers=[("Location", where + ("" if "?" in where else handler.path))])
    return answer


class Bench:
    """A directory, and dray in it."""

    def __init__(self, dray, directory):
        self.dray, self.directory, self.servers = dray, directory, []
        os.makedirs(f"{directory}/home")
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": f"{directory}/home", "XDG_RUNTIME_DIR": f"{directory}/run", "TMPDIR": directory,
            "XDG_CACHE_HOME": f"{directory}/cache"}

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def certificate(self, name, *hosts):
        """NAME.crt for localhost, or for other hosts (`DNS:a.test`, `IP:10.0.0.1`), which vouches for itself, and NAME.key."""
        path = f"{self.directory}/{name}"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{path}.key", "-out",
             f"{path}.crt", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=" + ",".join(hosts or ["DNS:localhost"])], check=True, capture_output=True)
        return path

    def run(self, *arguments, **environment):
        """(exit code, everything that is said); no exit code after 10 s."""
        try:
            done = subprocess.run(
                [self.dray, *arguments], cwd=self.directory, env={**self.environment, **environment}, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=10)
        except subprocess.TimeoutExpired as error:
            return None, (error.stdout or b"").decode("utf-8", "replace")
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def measure(self, *arguments):
        """(exit code, everything that is said, MiB at most)"""
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [self.dray, *arguments], cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            peak = 0
            # What wait4 tells counts this process too, from before the exec.
            while process.poll() is None:
                with open(f"/proc/{process.pid}/status") as file:
                    found = re.search(r"VmHWM:\s+([0-9]+)", file.read())
                peak = max(peak, int(found[1]) if found else 0)
                time.sleep(0.005)
            said.seek(0)
            return process.returncode, said.read().decode("utf-8", "replace"), peak >> 10

    def configuration(self, more, addr="127.0.0.1:0"):
        number = len(os.listdir(self.directory))
        http = "" if more.startswith("http:") else f"http: {{addr: '{addr}'}}\n"
        return self.write(f"config-{number}.yml", f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {self.directory}/root-{number}}}}}\n{http}{more}\n")

    def serve(self, more, **environment):
        return Served(self, [self.configuration(more)], environment)

    def serve_reference(self, reference):
        return Served(self, ["--addr", "127.0.0.1:0", reference], {})

    def stop(self):
        for server in self.servers:
            server.stop()


class Served:
    def __init__(self, bench, arguments, environment):
        self.log = f"{bench.directory}/{len(bench.servers)}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [bench.dray, "serve", *arguments], cwd=bench.directory, env={**bench.environment, **environment}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        bench.servers.append(self)
        self.address = self.until(r"listening on ([0-9.]+:[0-9]+)")[1]

    def said(self):
        with open(self.log) as file:
            return file.read()

    def until(self, words):
        """Waits for words in the log."""
        end = time.monotonic() + 20
        while not (found := re.search(words, self.said())):
            if self.process.poll() is not None or time.monotonic() > end:
                raise OSError(f"nothing like {words} is said: {self.said()}")
            time.sleep(0.01)
        return found

    def ask(self, path, method="GET", address=None, body=None, headers={}, source=""):
        """(status, body)"""
        connection = http.client.HTTPConnection(address or self.address, timeout=30, source_address=(source, 0))
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def pulls(self, path, count, headers):
        """The status of each of many requests on one connection."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        for _ in range(count):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            yield answer.status

    def memory(self, field="VmRSS"):
        """MiB that it holds; with VmHWM, that it ever held."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(rf"{field}:\s+([0-9]+)", file.read())[1]) >> 10

    def stop(self):
        self.process.terminate()
        self.process.wait()


# A network of its own: addresses that look like the internet's and like an internal network's, and names for them.

ADDRESSES = ["198.51.100.7", "198.51.100.8", "10.9.8.7", "169.254.169.254", "100.64.0.9"]
NAMES = {"localhost": "127.0.0.1", "outside.test": "198.51.100.7", "metadata.test": "169.254.169.254", "evil.localhost": "198.51.100.7"}


def isolated(work, bench):
    """Does work in a network namespace with these addresses and names, in a process of its own; returns what it returns.

    None where there may be no namespaces.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            enter(bench.directory)
            result = work()
        except PermissionError:
            result = None
        except Exception as error:
            result = [f"{type(error).__name__}: {error}"]
        finally:
            bench.stop()
        os.write(writing, json.dumps(result).encode()[:60_000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as result:
        text = result.read()
    os.waitpid(pid, 0)
    return json.loads(text)


def enter(directory):
    libc = ctypes.CDLL(None, use_errno=True)
    user, network, mounts = 0x10000000, 0x40000000, 0x00020000
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare((user if uid else 0) | network | mounts):
        raise OSError(ctypes.get_errno(), "unshare")
    if uid:
        for name, text in [("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")]:
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    libc.mount(None, b"/", None, 0x4000 | 0x40000, None)  # private
    with open(f"{directory}/hosts", "w") as file:
        file.writelines(f"{address} {name}\n" for name, address in NAMES.items())
    if libc.mount(f"{directory}/hosts".encode(), b"/etc/hosts", None, 0x1000, None):
        raise OSError(ctypes.get_errno(), "mount")
    with socket.socket() as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sH22x", b"lo", 0x41))  # up
        for number, address in enumerate(ADDRESSES):
            fcntl.ioctl(control, 0x8916, struct.pack("16sH2s4s8x", b"lo:%d" % number, socket.AF_INET, b"", socket.inet_aton(address)))
