"""Images of other shapes: many small layers, a layer of 20 GB, what the disk has and the page cache has not; and how
time grows with what there is to do."""
import hashlib
import io
import json
import os
import tarfile

from benchmarks.measuring import Job, Report, Rounds, clear, files_at, median_growth, run
from benchmarks.registries import Registry


def benchmark(bench):
    report = Report("Other shapes, and growth")
    work, dray = bench.work, bench.dray
    copy = [dray, "copy", "--progress", "none", "-q"]
    many = f"{work}/sixty.tar"
    run(f"{bench.samples}/tools/make-image", many, "--size", "240", "--layers", "60")
    huge = f"{work}/huge.tar"
    make_sparse(huge, 20 << 30)
    with Registry("docker-registry", work) as registry:
        def cold(path):
            for each in files_at(path):
                file = os.open(each, os.O_RDONLY)
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)

        store = f"{work}/shapes"
        rounds = Rounds([
            Job("60 layers of 4 MiB to store", copy + [f"docker-archive:{many}", f"store:{store}"], lambda: clear(store)),
            Job("60 layers of 4 MiB to docker-registry, skopeo",
                ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"docker-archive:{many}", f"docker://{registry.address}/sixty:1"],
                registry.clear),
            Job("the same to store, from a cold disk", copy + [f"docker-archive:{many}", f"store:{store}"],
                lambda: (clear(store), cold(many))),
            Job("store to oci", copy + [f"store:{store}", f"oci:{work}/sixty"], lambda: clear(f"{work}/sixty")),
            Job("store to oci, from a cold disk", copy + [f"store:{store}", f"oci:{work}/sixty"],
                lambda: (clear(f"{work}/sixty"), cold(store))),
        ], bench.runs)
    report.add_jobs(rounds)
    report.add("60 layers to store, and skopeo into docker-registry",
               rounds.times_as_fast("60 layers of 4 MiB to store", "60 layers of 4 MiB to docker-registry, skopeo"))
    clear(store, f"{work}/sixty", many)

    once = Rounds([Job("a layer of 20 GB to store", copy + [f"docker-archive:{huge}", f"store:{store}"], lambda: clear(store))], 1)
    report.add_jobs(once, 20 << 30)
    report.add("peak memory with a layer of 20 GB", once.peak("a layer of 20 GB to store"), "MiB")
    clear(store, huge)

    def growth(what, sizes, make, command):
        """`make(size)` gives what `command` takes."""
        inputs = {size: make(size) for size in sizes}
        rounds = Rounds([Job(f"{size} {what}", command(inputs[size]), lambda: clear(store)) for size in sizes], bench.runs)
        report.add_jobs(rounds)
        seconds = [rounds.seconds(f"{size} {what}") for size in sizes]
        slope = median_growth(sizes, seconds)
        report.add(f"time for twice as many {what}", slope, "times")
        report.growths.append((what, sizes, seconds, slope))
        clear(store, *inputs.values())

    def image(size, layers):
        path = f"{work}/growth-{size}-{layers}.tar"
        run(f"{bench.samples}/tools/make-image", path, "--size", str(size), "--layers", str(layers))
        return path

    def repositories(count):
        path = f"{work}/growth-{count}"
        run(f"{bench.samples}/tools/make-store", path, "--repositories", str(count))
        return path

    importing = lambda path: copy + [f"docker-archive:{path}", f"store:{store}"]
    growth("MiB of layers", [75, 150, 300, 600], lambda size: image(size, 3), importing)
    growth("layers", [50, 100, 200, 400], lambda count: image(count / 16, count), importing)
    growth("repositories of 20 images", [50, 100, 200], repositories, lambda path: copy + [f"store:{path}", f"store:{store}"])
    growth("repositories of 20 images, collected", [250, 500, 1000], repositories,
           lambda path: [dray, "gc", "--dry-run", "--grace", "0s", "-q", f"store:{path}"])
    return report


def make_sparse(path, size):
    """An archive of one raw layer with one file of zeros that takes no room on the disk."""
    file = tarfile.TarInfo("zeros")
    file.size = size
    header = file.tobuf(tarfile.GNU_FORMAT)
    digest = hashlib.sha256(header)
    zeros = bytes(8 << 20)
    for _ in range(size // len(zeros)):
        digest.update(zeros)
    digest.update(bytes(10240))
    length = len(header) + size + 10240
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest.hexdigest()]}}).encode()
    with open(path, "wb") as out:
        layer = tarfile.TarInfo("layer.tar")
        layer.size = length
        out.write(layer.tobuf(tarfile.GNU_FORMAT))
        out.write(header)
        out.seek(size + 10240, os.SEEK_CUR)
        out.seek(-length % 512, os.SEEK_CUR)
        rest = io.BytesIO()
        with tarfile.open(fileobj=rest, mode="w") as tar:
            for name, data in (("config.json", config),
                               ("manifest.json", json.dumps([{"Config": "config.json", "RepoTags": ["huge:1"], "Layers": ["layer.tar"]}]).encode())):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        out.write(rest.getvalue())
