"""A `docker save` tarball of three raw layers, from files of this machine, in every direction."""
import json
import os

from benchmarks.measuring import Job, Report, Rounds, clear, run, warm
from benchmarks.registries import Registry


def benchmark(bench):
    work, dray = bench.work, bench.dray
    archive, layers = f"{work}/image.tar", f"{work}/layers.tar"
    run(f"{bench.samples}/tools/make-image", archive, "--size", str(bench.size))
    run("sh", "-c", f"gzip -1 < {archive} > {archive}.gz; tar -xOf {archive} --wildcards '*/layer.tar' > {layers}")
    store, layout = f"store:{work}/store", f"oci:{work}/layout"
    copy = [dray, "copy", "--progress", "none", "-q", "--on-existing", "overwrite"]
    skopeo = ["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"]
    podman = f"podman --root {work}/podman --runroot {work}/podman-run --storage-driver vfs"
    # skopeo finds OCI manifests alone in a layout.
    run(*copy, "--format", "oci", f"docker-archive:{archive}", f"{layout}:1.0")
    run(*copy, f"{layout}:1.0", f"store:{work}/known")
    with Registry("docker-registry", work) as theirs, Registry(dray, work) as ours:
        remote = f"docker://{theirs.address}/sample/app:1.0"
        kept = f"docker://{theirs.address}/kept/app:1.0"
        run(*copy, f"{layout}:1.0", kept)
        # What was pushed before is left alone: a push clears what it needs cleared.
        saved = f"{theirs.root}.saved"
        run("cp", "-a", theirs.root, saved)

        def only_kept():
            theirs.clear()
            run("cp", "-a", "--reflink=auto", f"{saved}/docker", theirs.root)

        def pulls(*to):
            clear(*to)
            warm(theirs.root)

        def same_image():
            served = json.loads(run("skopeo", "inspect", "--tls-verify=false", "--config", remote))
            imported = json.loads(run(dray, "inspect", "--config", store))
            if served["rootfs"] != imported["rootfs"]:
                raise SystemExit("skopeo and dray disagree about the image")

        jobs = [
            Job("docker-archive to store", copy + [f"docker-archive:{archive}", store], lambda: clear(f"{work}/store")),
            Job("docker-archive to docker-registry, skopeo", skopeo + [f"docker-archive:{archive}", remote], theirs.clear),
            Job("docker-archive to store, again: nothing to move", copy + [f"docker-archive:{archive}", store]),
            Job("docker-archive.gz on stdin to store", copy + ["docker-archive:-", f"store:{work}/piped"],
                lambda: clear(f"{work}/piped"), stdin=f"{archive}.gz"),
            Job("docker-archive to docker-registry", copy + [f"docker-archive:{archive}", remote], theirs.clear),
            Job("docker-archive on stdin to docker-registry", copy + ["docker-archive:-", remote], theirs.clear, stdin=archive),
            Job("docker-archive to dray serve", copy + [f"docker-archive:{archive}", f"docker://{ours.address}/sample/app:1.0"],
                ours.clear),
            Job("oci to docker-registry", copy + [f"{layout}:1.0", remote], theirs.clear),
            Job("oci to docker-registry, skopeo", skopeo + [f"{layout}:1.0", remote], theirs.clear),
            Job("registry to docker-archive", copy + [kept, f"docker-archive:{work}/pulled.tar"],
                lambda: (only_kept(), pulls(f"{work}/pulled.tar"))),
            Job("registry to docker-archive, raw layers", copy + ["--compression", "none", kept, f"docker-archive:{work}/raw.tar"],
                lambda: pulls(f"{work}/raw.tar")),
            Job("registry to docker-archive, skopeo", skopeo + [kept, f"docker-archive:{work}/theirs.tar:kept/app:1.0"],
                lambda: pulls(f"{work}/theirs.tar")),
            Job("registry to docker-archive, podman pull and save",
                ["sh", "-c", f"{podman} pull -q --tls-verify=false {kept} && {podman} save -q -o {work}/podman.tar {kept[9:]}"],
                lambda: pulls(f"{work}/podman", f"{work}/podman.tar")),
            Job("registry to oci", copy + [kept, f"oci:{work}/pulled"], lambda: pulls(f"{work}/pulled")),
            Job("registry to oci, skopeo", skopeo + [kept, f"oci:{work}/pulled:1.0"], lambda: pulls(f"{work}/pulled")),
            Job("store to docker-archive", copy + [store, f"docker-archive:{work}/back.tar"]),
            Job("store to docker-archive, raw layers", copy + ["--compression", "none", store, f"docker-archive:{work}/back.tar"]),
            Job("oci to store", copy + [layout, f"store:{work}/second"], lambda: clear(f"{work}/second")),
            Job("store to oci", copy + [f"store:{work}/known", f"oci:{work}/third"], lambda: clear(f"{work}/third")),
            Job("docker-archive to oci-archive", copy + [f"docker-archive:{archive}", f"oci-archive:{work}/oci.tar"]),
            Job("limit: igzip -1 of the layers", ["igzip", "-1", "-f", "-o", f"{work}/limit.gz", layers]),
            Job("limit: SHA-256 of the layers", ["openssl", "dgst", "-sha256", layers]),
            Job("limit: SHA-256 of them gzipped", ["openssl", "dgst", "-sha256", f"{work}/limit.gz"]),
            Job("limit: cp of them gzipped", ["cp", "--reflink=never", f"{work}/limit.gz", f"{work}/copy.gz"]),
            Job("dray --version", [dray, "--version"]),
            Job("skopeo --version", ["skopeo", "--version"]),
        ]
        # While both results are there: later jobs clear them.
        Rounds(jobs[:2], 0, same_image)
        rounds = Rounds(jobs, bench.runs)
    report = Report(f"One image: {bench.size} MiB in three layers")
    report.add_jobs(rounds, os.path.getsize(layers))
    press = rounds.work("limit: igzip -1 of the layers", "limit: SHA-256 of the layers", "limit: SHA-256 of them gzipped")
    move = rounds.work("limit: SHA-256 of them gzipped", "limit: cp of them gzipped")
    whole_move = move * os.cpu_count()
    peer = "docker-archive to docker-registry, skopeo"
    report.add("docker-archive to store, and skopeo into docker-registry",
               rounds.times_as_fast("docker-archive to store", peer))
    report.add("docker-archive to store, and gzip and both hashes on all processors",
               rounds.seconds("docker-archive to store") / press, "of that time")
    report.add("docker-archive to docker-registry, and skopeo", rounds.times_as_fast("docker-archive to docker-registry", peer))
    report.add("docker-archive to dray serve, and skopeo into docker-registry",
               rounds.times_as_fast("docker-archive to dray serve", peer))
    report.add("registry to docker-archive, and SHA-256 and cp, one after the other",
               rounds.seconds("registry to docker-archive") / whole_move, "of that time")
    for form in ("", ", raw layers"):
        report.add(f"registry to docker-archive{form}, and skopeo",
                   rounds.times_as_fast(f"registry to docker-archive{form}", "registry to docker-archive, skopeo"))
    report.add("registry to docker-archive, and podman pull and save",
               rounds.times_as_fast("registry to docker-archive", "registry to docker-archive, podman pull and save"))
    for way in ("oci to store", "store to oci"):
        report.add(f"{way}, and SHA-256 and cp on all processors", rounds.seconds(way) / move, "of that time")
    for way in ("oci to docker-registry", "registry to oci"):
        report.add(f"{way}, and skopeo", rounds.times_as_fast(way, f"{way}, skopeo"))
    report.add("dray --version, and skopeo --version",
               1 / rounds.times_as_fast("dray --version", "skopeo --version"), "of that time")
    report.add("peak memory of all of dray's", max(
        rounds.peak(job.title) for job in jobs if job.command[0] == dray), "MiB")
    report.bars = [
        ("docker-archive to store", [("dray", rounds.seconds("docker-archive to store")),
                                     ("skopeo into docker-registry", rounds.seconds(peer))], press),
        ("docker-archive to docker-registry", [("dray", rounds.seconds("docker-archive to docker-registry")),
                                               ("skopeo", rounds.seconds(peer))], press),
        ("oci to docker-registry", [("dray", rounds.seconds("oci to docker-registry")),
                                    ("skopeo", rounds.seconds("oci to docker-registry, skopeo"))], move),
        ("registry to docker-archive", [("dray", rounds.seconds("registry to docker-archive")),
                                        ("skopeo", rounds.seconds("registry to docker-archive, skopeo")),
                                        ("podman", rounds.seconds("registry to docker-archive, podman pull and save"))],
         move),
        ("registry to oci", [("dray", rounds.seconds("registry to oci")),
                             ("skopeo", rounds.seconds("registry to oci, skopeo"))], move),
    ]
    clear(f"{work}/store", f"{work}/piped", f"{work}/second", f"{work}/third", f"{work}/known", f"{work}/podman")
    return report
