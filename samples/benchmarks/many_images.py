"""A hundred images that share a base, from one archive and from a hundred."""
import hashlib
import io
import json
import os
import tarfile

from benchmarks.measuring import Job, Report, Rounds, clear, run
from benchmarks.registries import Registry

COUNT = 100
# MiB
BASE = 40


def benchmark(bench):
    work, dray = bench.work, bench.dray
    base, all_images, each = f"{work}/base.tar", f"{work}/all.tar", f"{work}/each"
    run(f"{bench.samples}/tools/make-image", base, "--size", str(BASE), "--layers", "1", "--name", "many/base:1")
    make(base, all_images, each)
    copy = [dray, "copy", "--progress", "none", "-q"]
    with Registry("docker-registry", work) as registry:
        remote = f"docker://{registry.address}"
        archives = [f"docker-archive:{each}/{number:03}.tar" for number in range(COUNT)]
        loop = " && ".join(
            f"skopeo copy -q --dest-tls-verify=false {archive} {remote}/many/app{number:03}:1"
            for number, archive in enumerate(archives))
        jobs = []

        def twice(title, command, prepare, **more):
            jobs.append(Job(title, command, prepare, **more))
            jobs.append(Job(f"{title}, again", command, **more))

        twice("skopeo, a loop, to docker-registry", ["sh", "-c", loop], registry.clear)
        twice("one archive to store", copy + [f"docker-archive:{all_images}", f"store:{work}/one"], lambda: clear(f"{work}/one"))
        twice("100 archives to store", copy + archives + [f"store:{work}/each-store"], lambda: clear(f"{work}/each-store"))
        twice("one archive to docker-registry", copy + [f"docker-archive:{all_images}", f"{remote}/"], registry.clear)
        twice("100 archives to docker-registry", copy + archives + [f"{remote}/"], registry.clear)

        def all_there():
            names = json.loads(run("curl", "-sf", f"{registry.base}/_catalog?n=1000"))["repositories"]
            listed = run(dray, "ls", "--output", "json", f"store:{work}/one").decode()
            if len(names) != COUNT or any(name not in listed for name in names):
                raise SystemExit("not all images are where they should be")

        rounds = Rounds(jobs, bench.runs, all_there)
    report = Report(f"{COUNT} images that share a base of {BASE} MiB")
    report.add_jobs(rounds)
    for way in ("one archive to store", "100 archives to store", "one archive to docker-registry", "100 archives to docker-registry"):
        for form in ("", ", again"):
            report.add(f"{way}{form}, and skopeo",
                       rounds.times_as_fast(way + form, "skopeo, a loop, to docker-registry" + form))
    report.add("peak memory of all of dray's", max(rounds.peak(job.title) for job in jobs if job.command[0] == dray), "MiB")
    report.bars = [
        (f"100 images, {form}", [("dray, to store", rounds.seconds("one archive to store" + end)),
                                 ("dray, to docker-registry", rounds.seconds("one archive to docker-registry" + end)),
                                 ("skopeo, to docker-registry", rounds.seconds("skopeo, a loop, to docker-registry" + end))], None)
        for form, end in (("all new", ""), ("nothing new", ", again"))]
    clear(f"{work}/one", f"{work}/each-store", each, all_images, base)
    return report


def make(base, all_images, each):
    """Archives of the base's layer and a small one, each image with its own; the first has all of them."""
    os.mkdir(each)
    with tarfile.open(base) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        config = json.load(archive.extractfile(manifest["Config"]))
        layer = archive.extractfile(manifest["Layers"][0]).read()

    def put(archive, name, data):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))

    with tarfile.open(all_images, "w") as together:
        put(together, "base/layer.tar", layer)
        entries = []
        for number in range(COUNT):
            small = io.BytesIO()
            with tarfile.open(fileobj=small, mode="w") as tar:
                put(tar, f"app/{number}", os.urandom(16 << 10))
            small = small.getvalue()
            own = dict(config)
            own["rootfs"] = {"type": "layers", "diff_ids": config["rootfs"]["diff_ids"] + ["sha256:" + hashlib.sha256(small).hexdigest()]}
            own["history"] = [{"created_by": "base"}, {"created_by": f"app {number}"}]
            text = json.dumps(own).encode()
            name = hashlib.sha256(text).hexdigest() + ".json"
            entry = {"Config": name, "RepoTags": [f"many/app{number:03}:1"], "Layers": ["base/layer.tar", f"app{number}/layer.tar"]}
            entries.append(entry)
            put(together, entry["Layers"][1], small)
            put(together, name, text)
            with tarfile.open(f"{each}/{number:03}.tar", "w") as alone:
                put(alone, "base/layer.tar", layer)
                put(alone, entry["Layers"][1], small)
                put(alone, name, text)
                put(alone, "manifest.json", json.dumps([entry]).encode())
        put(together, "manifest.json", json.dumps(entries).encode())
