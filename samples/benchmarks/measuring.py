"""Running commands in turn, and what comes of their times."""
import atexit
import dataclasses
import json
import math
import os
import shutil
import stat
import statistics
import subprocess
import sys
import tempfile
import time


@dataclasses.dataclass
class Measure:
    seconds: float
    peak_mib: float


def files_at(path):
    """Those below a directory, or the file that it is."""
    return [path] if os.path.isfile(path) else [f"{top}/{name}" for top, _, names in os.walk(path) for name in names]


def clear(*paths):
    """Files are removed. Directories are set aside, and their files emptied: ext4 gives no inode away that was freed in the
    last minutes, and looks at those one by one, so that who makes many files after many were deleted takes twice as long."""
    for path in paths:
        if os.path.isdir(path) and not os.path.islink(path):
            aside = f"{ASIDE}/{time.monotonic_ns()}"
            os.rename(path, aside)
            for file in files_at(aside):
                status = os.lstat(file)
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                    os.truncate(file, 0)
        elif os.path.lexists(path):
            os.remove(path)


def warm(directory):
    """Reads its files, so that what comes finds them in memory, however much was written since they were."""
    for path in files_at(directory):
        with open(path, "rb") as file:
            while file.read(8 << 20):
                pass


def run(*command, **more):
    """Output of something that is not measured."""
    result = subprocess.run(command, capture_output=True, **more)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{result.stderr.decode()}")
    return result.stdout


def measure(command, stdin=None, stdout=None):
    """One run, with nothing left to be written by what ran before; a failure ends the benchmark."""
    os.sync()
    STARTER.stdin.write(json.dumps([command, stdin or os.devnull, stdout or os.devnull]) + "\n")
    STARTER.stdin.flush()
    status, errors, seconds, peak_mib = json.loads(STARTER.stdout.readline())
    if status != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{errors}")
    return Measure(seconds, peak_mib)


def start_what_is_asked_for():
    for line in sys.stdin:
        command, stdin, stdout = json.loads(line)
        with open(stdin, "rb") as source, open(stdout, "wb") as target:
            start = time.monotonic()
            process = subprocess.Popen(command, stdin=source, stdout=target, stderr=subprocess.PIPE)
            errors = process.stderr.read().decode()
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        print(json.dumps([status, errors, seconds, usage.ru_maxrss / 1024]), flush=True)


@dataclasses.dataclass
class Job:
    title: str
    command: list
    # Before each run, outside of what is measured.
    prepare: object = lambda: None
    stdin: str = None
    stdout: str = None


class Rounds:
    """Jobs run in turn, round by round, so that what slows the machine down slows all of them. The first round warms
    the caches and is not counted."""

    def __init__(self, jobs, runs, check=lambda: None):
        self.times = {job.title: [] for job in jobs}
        for turn in range(runs + 1):
            for job in jobs:
                job.prepare()
                result = measure(job.command, job.stdin, job.stdout)
                if turn > 0:
                    self.times[job.title].append(result)
            if turn == 0:
                check()

    def seconds(self, title):
        return statistics.median(m.seconds for m in self.times[title])

    def peak(self, title):
        return max(m.peak_mib for m in self.times[title])

    def times_as_fast(self, ours, theirs):
        """Median over the rounds."""
        return statistics.median(b.seconds / a.seconds for a, b in zip(self.times[ours], self.times[theirs]))

    def work(self, *titles):
        """Median seconds of several jobs together, spread over all processors."""
        rounds = zip(*(self.times[title] for title in titles))
        return statistics.median(sum(m.seconds for m in each) for each in rounds) / os.cpu_count()


@dataclasses.dataclass
class Figure:
    """A number that a benchmark ends with."""

    title: str
    value: float
    # `times as fast`, `of the limit`, `MiB`, ...
    unit: str


class Report:
    def __init__(self, title):
        self.title = title
        self.rows = []
        self.figures = []
        # Of the plot: (job, [(name, seconds)], seconds that cannot be avoided or None).
        self.bars = []
        # Of the plot: (what, sizes, seconds, how many times as long twice as many take).
        self.growths = []

    def add_jobs(self, rounds, size=None):
        """`size`: bytes that each moves."""
        for title in rounds.times:
            row = {"job": title, "seconds": rounds.seconds(title), "peakMiB": rounds.peak(title)}
            if size:
                row["MB/s"] = size / row["seconds"] / 1e6
            self.rows.append(row)

    def add(self, title, value, unit="times as fast"):
        self.figures.append(Figure(title, value, unit))

    def print(self):
        print(f"\n## {self.title}\n")
        if self.rows:
            columns = list(dict.fromkeys(key for row in self.rows for key in row))
            names = {"peakMiB": "peak MiB"}
            print(f"{'job':58}" + "".join(f"{names.get(column, column):>12}" for column in columns[1:]))
            for row in self.rows:
                print(f"{row['job']:58}" + "".join(self.cell(row.get(column)) for column in columns[1:]))
            print()
        for figure in self.figures:
            print(f"{figure.title}: {figure.value:.2f} {figure.unit}")

    @staticmethod
    def cell(value):
        return f"{'':>12}" if value is None else f"{value:12.2f}" if value < 100 else f"{value:12.0f}"

    def json(self):
        return {"title": self.title, "rows": self.rows, "figures": [dataclasses.asdict(f) for f in self.figures],
                "bars": self.bars, "growths": self.growths}


def median_growth(sizes, seconds):
    """How time grows when the size doubles: the slope of a line through the logarithms."""
    xs, ys = [math.log2(size) for size in sizes], [math.log2(second) for second in seconds]
    x, y = statistics.mean(xs), statistics.mean(ys)
    return 2 ** (sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs))


if __name__ == "__main__":
    start_what_is_asked_for()
else:
    # What is measured is started by a process that stays small: Linux counts what the starting one has in memory
    # (ru_maxrss).
    STARTER = subprocess.Popen([sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    # Where cleared directories wait for the end.
    ASIDE = tempfile.mkdtemp(prefix="dray-bench-cleared.")
    atexit.register(shutil.rmtree, ASIDE)
