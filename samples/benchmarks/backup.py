"""The second backup of an unchanged registry beside `skopeo sync` to a directory."""
import json
import os

from benchmarks.measuring import Job, Report, Rounds, clear, files_at, measure, run
from benchmarks.registries import Registry


def benchmark(bench):
    work, dray = bench.work, bench.dray
    with Registry("docker-registry", work) as registry:
        run(f"{bench.samples}/tools/fill-registry", registry.address, "--repositories", "50", "--tags", "10", "--layer", "1024")
        with open(f"{work}/sync.yml", "w") as file:
            file.write(f"{registry.address}:\n  tls-verify: false\n  images:\n")
            for name in json.loads(run("curl", "-s", f"{registry.base}/_catalog?n=1000"))["repositories"]:
                file.write(f"    {name}: []\n")
        backup = [dray, "backup", "-q", "--progress", "none"]
        jobs = [
            # All platforms, as a backup has them. It refuses to write where something is, so each run gets a new directory.
            Job("skopeo sync", ["skopeo", "sync", "--all", "--src", "yaml", "--dest", "dir", "--scoped", f"{work}/sync.yml", f"{work}/sync"],
                lambda: clear(f"{work}/sync")),
            Job("dray, over the API", backup + [f"docker://{registry.address}/", f"{work}/api"]),
            Job("dray, from the storage", backup + [f"store:{registry.root}", f"{work}/storage"]),
        ]
        first = {job.title: measure(job.command).seconds for job in jobs}
        rounds = Rounds(jobs, bench.runs)
    report = Report("Backup of 50 repositories with 500 tags, of which nothing has changed")
    report.add_jobs(rounds)
    for row in report.rows:
        row["first run"] = first[row["job"]]
    for job in jobs[1:]:
        report.add(f"{job.title}, and skopeo sync", rounds.times_as_fast(job.title, "skopeo sync"))
    for place in ("api", "storage"):
        def size(directory):
            return sum(os.lstat(file).st_size for file in files_at(directory))
        report.add(f"bytes on the disk, {place}", size(f"{work}/{place}") / size(f"{work}/{place}/blobs"), "of the unique blobs")
    report.bars = [("backup with nothing new", [(job.title, rounds.seconds(job.title)) for job in jobs], None)]
    clear(f"{work}/api", f"{work}/storage", f"{work}/sync", registry.root)
    return report
