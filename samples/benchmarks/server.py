"""`dray serve` and `dray gc` beside docker-registry: the same requests in turn."""
import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import time
import urllib.request

from benchmarks.measuring import Report, clear, run
from benchmarks.registries import Registry

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOWNLOADS = 8


def benchmark(bench):
    work = bench.work
    programs = {"dray": bench.dray, "docker-registry": "docker-registry"}
    results = {}

    def note(job, name, value):
        results.setdefault(job, {}).setdefault(name, []).append(value)

    large, large_digest = blob(f"{work}/large", bench.size)
    parts = [blob(f"{work}/part{number}", 16) for number in range(64)]
    config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
    with open(f"{work}/config", "wb") as file:
        file.write(config)
    config_digest = "sha256:" + hashlib.sha256(config).hexdigest()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": config_digest},
    }).encode()
    servers = {name: Registry(program, work) for name, program in programs.items()}

    # 64 uploads at once, first: the peak of memory is the server's own.
    for name, server in servers.items():
        started = [subprocess.Popen(upload(server, f"many/r{n}", path, digest)) for n, (path, digest) in enumerate(parts)]
        if any([process.wait() != 0 for process in started]):
            raise SystemExit(f"{name}: an upload failed")
        note("memory after 64 uploads at once, MiB", name, server.peak())
        run(*upload(server, "small", f"{work}/config", config_digest))
        urllib.request.urlopen(urllib.request.Request(
            f"{server.base}/small/manifests/1", method="PUT", data=manifest, headers={"Content-Type": MANIFEST})).close()

    for turn in range(bench.runs + 1):
        for name, server in servers.items():
            shutil.rmtree(f"{server.root}/docker/registry/v2/blobs/sha256/{large_digest[7:9]}", ignore_errors=True)
            up = seconds(upload(server, "large", large, large_digest))
            # One takes a third of a second, and as long again where the system puts both ends on one processor.
            download = ["curl", "-sf", "-o", "/dev/null", f"{server.base}/large/blobs/{large_digest}"]
            down = sum(seconds(download) for _ in range(DOWNLOADS)) / DOWNLOADS
            rates = []
            for target in ("manifests/1", f"blobs/{config_digest}"):
                answer = run("ab", "-q", "-k", "-c", "200", "-n", "10000", "-H", f"Accept: {MANIFEST}",
                             f"{server.base}/small/{target}").decode()
                if "Non-2xx" in answer or not re.search(r"Failed requests:\s+0\n", answer):
                    raise SystemExit(f"{name}: {answer}")
                rates.append(float(re.search(r"Requests per second:\s+([\d.]+)", answer)[1]))
            # The first turn warms the caches.
            if turn > 0:
                note("blob up, MB/s", name, bench.size * 1.048576 / up)
                note("blob down, MB/s", name, bench.size * 1.048576 / down)
                note("manifest pulls, 200 at once, requests/s", name, rates[0])
                note("small blob pulls, 200 at once, requests/s", name, rates[1])
    for name, server in servers.items():
        served = run("curl", "-sf", f"{server.base}/large/blobs/{large_digest}")
        if "sha256:" + hashlib.sha256(served).hexdigest() != large_digest:
            raise SystemExit(f"{name} serves other bytes than it got")
        server.end()

    run(f"{bench.samples}/tools/make-store", f"{work}/store", "--manifests", str(bench.manifests // 1000), "--config", f"{work}/store.yml")
    for turn in range(bench.runs + 1):
        answers = {}
        for name, program in programs.items():
            # The original knows no grace time.
            grace = ["--grace", "0s"] if name == "dray" else []
            start = time.monotonic()
            output = run(program, "garbage-collect", "--dry-run", *grace, f"{work}/store.yml").decode()
            if turn > 0:
                note("garbage-collect --dry-run, seconds", name, time.monotonic() - start)
            answers[name] = sorted(line for line in output.splitlines() if line.startswith("blob eligible"))
        if answers["dray"] != answers["docker-registry"]:
            raise SystemExit("the two do not agree about the garbage")

    report = Report(f"Registry: a blob of {bench.size} MiB, a store of {bench.manifests} manifests")
    for job, values in results.items():
        ours, theirs = (statistics.median(values[name]) for name in programs)
        less = "seconds" in job or "memory" in job
        report.rows.append({"job": job, "dray": ours, "original": theirs})
        report.add(job.split(",")[0], statistics.median(
            b / a if less else a / b for a, b in zip(*(values[name] for name in programs))), "times as good")
    clear(f"{work}/store", *(server.root for server in servers.values()), large, *(path for path, _ in parts))
    return report


def upload(server, repository, path, digest):
    """curl, sending one PUT; not started yet."""
    request = urllib.request.Request(f"{server.base}/{repository}/blobs/uploads/", method="POST", data=b"")
    with urllib.request.urlopen(request) as answer:
        location = answer.headers["Location"]
    return ["curl", "-sf", "-o", "/dev/null", "-H", "Expect:", "-H", "Content-Type: application/octet-stream",
            "-T", path, f"{location}{'&' if '?' in location else '?'}digest={digest}"]


def seconds(command):
    start = time.monotonic()
    run(*command)
    return time.monotonic() - start


def blob(path, size):
    """A file of `size` MiB of noise, and its digest."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for _ in range(size):
            piece = os.urandom(1 << 20)
            digest.update(piece)
            file.write(piece)
    return path, "sha256:" + digest.hexdigest()
