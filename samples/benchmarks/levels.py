"""What each level of compression costs and saves, beside gzip; once each."""
import os

from benchmarks.measuring import Report, clear, files_at, measure, run


def benchmark(bench):
    work, dray = bench.work, bench.dray
    archive, layers = f"{work}/levels.tar", f"{work}/levels-layers.tar"
    run(f"{bench.samples}/tools/make-image", archive, "--size", str(bench.size))
    run("sh", "-c", f"tar -xOf {archive} --wildcards '*/layer.tar' > {layers}")
    size = os.path.getsize(layers)
    report = Report("Compression: seconds against size")

    def level(title, command, output):
        clear(output)
        result = measure(["sh", "-c", command])
        taken = sum(os.path.getsize(file) for file in files_at(output))
        report.rows.append({"job": title, "seconds": result.seconds, "% of size": 100 * taken / size})

    for name in ("gzip:1", "gzip:2", "gzip:3", "gzip:6", "gzip:9", "zstd:1", "zstd:3", "zstd:9"):
        level(f"dray, {name}", f"{dray} copy -q --progress none --compression {name} docker-archive:{archive} oci:{work}/level",
              f"{work}/level")
    for name in ("-1", "-6"):
        level(f"gzip {name}", f"gzip {name} < {layers} > {work}/level.gz", f"{work}/level.gz")
    clear(archive, layers, f"{work}/level", f"{work}/level.gz")
    return report
