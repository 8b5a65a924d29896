"""`dray verify` beside openssl, which only hashes the same files, on all processors."""
import os

from benchmarks.measuring import Job, Report, Rounds, clear, files_at, run


def benchmark(bench):
    work, dray = bench.work, bench.dray
    store = f"{work}/verified"
    run(f"{bench.samples}/tools/make-image", f"{work}/verified.tar", "--size", str(bench.size * 2), "--layers", "12")
    run(dray, "copy", "-q", f"{work}/verified.tar", f"store:{store}:one/app:1")
    run(dray, "copy", "-q", f"store:{store}:one/app:1", f"store:{store}:two/app:1")
    os.remove(f"{work}/verified.tar")
    blobs = f"{store}/docker/registry/v2/blobs"
    size = sum(os.path.getsize(file) for file in files_at(blobs))
    verify = [dray, "verify", "-q", "--progress", "none"]
    rounds = Rounds([
        Job("openssl dgst", ["sh", "-c", f"find {blobs} -type f | xargs -P{os.cpu_count()} -n1 openssl dgst -sha256"]),
        Job("dray verify", verify + [f"store:{store}"]),
        Job("dray verify --deep", verify + ["--deep", f"store:{store}"]),
    ], bench.runs)
    report = Report(f"Verify: a store of {size / 1e6:.0f} MB")
    report.add_jobs(rounds, size)
    report.add("dray verify, and openssl", rounds.times_as_fast("dray verify", "openssl dgst"))
    clear(store)
    return report
