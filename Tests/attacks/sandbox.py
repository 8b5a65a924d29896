"""Runs attacks, each in a directory of its own, and tells what did not go as it has to."""
import http.client
import json
import os
import re
import resource
import shutil
import signal
import stat
import tempfile
import time
import traceback
import unicodedata

from attack import OUT

SECONDS = 5  # of processor time
KIBIBYTES = 128 << 10  # resident
PATIENCE = 60  # seconds that may pass, whatever the machine does besides
SECRET = "what-lies-outside-and-is-nobody's-business"


class Sandbox:
    """A directory, deep enough that `../../..` is still in it:

    outside/secret      what nobody may read or change
    home/ tmp/          the command's own
    a/b/work/           where it runs, and `out` in there is where it may write
    """

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="dray-attack-")
        self.work = f"{self.path}/a/b/work"
        for each in ("outside", "home/cache", "tmp", "a/b/work"):
            os.makedirs(f"{self.path}/{each}")
        with open(f"{self.path}/outside/secret", "w") as file:
            file.write(SECRET)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")},
            "HOME": f"{self.path}/home", "TMPDIR": f"{self.path}/tmp", "XDG_CACHE_HOME": f"{self.path}/home/cache",
            "LC_ALL": "C.UTF-8",
        }

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)

    def listing(self):
        """Everything but what may change, as it is."""
        result = {}
        allowed = (f"{self.work}/{OUT}", f"{self.path}/home/cache")

        def walk(directory):
            for entry in os.scandir(directory):
                if entry.path in allowed:
                    continue
                found = entry.stat(follow_symlinks=False)
                what = (stat.S_IFMT(found.st_mode), stat.S_IMODE(found.st_mode), found.st_uid)
                if not entry.is_dir(follow_symlinks=False):
                    what += (found.st_size, found.st_mtime_ns, found.st_ino)
                result[entry.path[len(self.path) + 1:]] = what
                if entry.is_dir(follow_symlinks=False):
                    walk(entry.path)

        walk(self.path)
        return result

    def clear(self):
        """Makes room for the next command."""
        out = f"{self.work}/{OUT}"
        if os.path.isdir(out) and not os.path.islink(out):
            shutil.rmtree(out)
        elif os.path.lexists(out):
            os.remove(out)


class Ended:
    """A process that came to its end, and what it used."""

    def __init__(self, status, usage, start, is_late=False):
        self.status = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.kibibytes = usage.ru_maxrss
        self.seconds = time.monotonic() - start
        self.is_late = is_late


class Process:
    """A command in a sandbox.

    Linux counts in a process's memory what it had before exec, so whoever starts one has to be small: attacks are
    made in processes of their own.
    """

    def __init__(self, sandbox, arguments, stdin=None):
        self.files = {name: f"{sandbox.path}/home/cache/{name}" for name in ("stdout", "stderr")}
        self.start = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.chdir(sandbox.work)
                resource.setrlimit(resource.RLIMIT_CPU, (3 * SECONDS, 3 * SECONDS))
                os.dup2(os.open(stdin or "/dev/null", os.O_RDONLY), 0)
                for number, name in ((1, "stdout"), (2, "stderr")):
                    os.dup2(os.open(self.files[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
                os.execve(arguments[0], arguments, sandbox.environment)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(127)

    def output(self, name):
        try:
            with open(self.files[name], "rb") as file:
                return file.read(4 << 20)
        except FileNotFoundError:
            return b""  # it has not come so far yet

    def poll(self):
        """How it ended; None while it has not."""
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        return Ended(status, usage, self.start) if pid else None

    def wait(self):
        pause = 0.002
        while (ended := self.poll()) is None:
            if time.monotonic() - self.start > PATIENCE:
                return self.end(signal.SIGKILL, is_late=True)
            time.sleep(pause)
            pause = min(pause * 1.2, 0.05)
        return ended

    def end(self, number=signal.SIGTERM, is_late=False):
        os.kill(self.pid, number)
        _, status, usage = os.wait4(self.pid, 0)
        return Ended(status, usage, self.start, is_late)


def in_a_child(work, directory):
    """Does something in a process of its own, so that its memory is not this one's."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.chdir(directory)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def pull_everything(address):
    """Asks a registry for all that it says it has. Refusals are its right; it has to answer."""
    connection = http.client.HTTPConnection(address, timeout=60)

    def get(path):
        connection.request("GET", path, headers={"Accept": "*/*"})
        answer = connection.getresponse()
        head = answer.read(64 << 20)
        while answer.read(1 << 20):
            pass
        return answer.status, head

    def descriptors(document):
        if isinstance(document, dict):
            if isinstance(document.get("digest"), str):
                yield document["digest"]
            for value in document.values():
                yield from descriptors(value)
        elif isinstance(document, list):
            for value in document:
                yield from descriptors(value)

    failures = []
    try:
        for repository in json.loads(get("/v2/_catalog")[1]).get("repositories") or []:
            for tag in json.loads(get(f"/v2/{repository}/tags/list")[1]).get("tags") or []:
                status, manifest = get(f"/v2/{repository}/manifests/{tag}")
                if status != 200:
                    failures.append(f"{status} for {repository}:{tag}")
                    continue
                for name in list(dict.fromkeys(descriptors(json.loads(manifest))))[:5]:
                    if get(f"/v2/{repository}/blobs/{name}")[0] >= 500:
                        failures.append(f"a server's error for the blob {name}")
    except (OSError, ValueError, http.client.HTTPException) as error:
        failures.append(f"{type(error).__name__} {error}")
    return failures


def run(dray, attack):
    """Carries an attack out: (name, what went wrong, seconds of processor time, KiB) for each way."""
    sandbox = Sandbox()
    try:
        if not in_a_child(attack.make, sandbox.work):
            return [(attack.name, ["it could not be made"], 0, 0)]
        # Attacks on what needs privileges are not made without them.
        if os.path.exists(f"{sandbox.work}/not-possible"):
            return [(attack.name, None, 0, 0)]
        before = sandbox.listing()
        results = []
        for title, way in attack.ways.items():
            sandbox.clear()
            results.append((f"{attack.name}: {title}", *carry_out(dray, attack, way, attack.ends[title], sandbox)))
            after = sandbox.listing()
            changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
            if changed:
                results[-1][1].append(f"changed outside of the destination: {changed[:5]}")
                before = after
        return results
    finally:
        sandbox.remove()


def carry_out(dray, attack, way, end, sandbox):
    server = attack.registry and attack.registry()
    failures = []
    try:
        arguments = [each.format(server) if server else each for each in way.arguments]
        process = Process(sandbox, [dray, *arguments], way.stdin)
        if way.arguments[0] == "serve":
            ended, answers = serve(process)
        else:
            ended, answers = process.wait(), []
    finally:
        if server:
            failures += server.stop()
    said = (process.output("stdout") + process.output("stderr")).decode(errors="replace")
    if ended.status not in end.statuses or end.says not in said + "".join(answers):
        failures.append(f"expected {end.status} and '{end.says}', found {ended.status} and {answers} {said[-600:]!r}")
    elif answers and not end.says:
        failures.append(f"what is served is not whole: {answers}")
    if ended.is_late or ended.cpu > SECONDS:
        failures.append(f"{ended.cpu:.1f} s of processor time in {ended.seconds:.1f} s")
    if ended.kibibytes > KIBIBYTES:
        failures.append(f"{ended.kibibytes >> 10} MiB of memory")
    if SECRET in said:
        failures.append("tells what lies outside")
    if not way.is_raw and (bad := unprintable(said)):
        failures.append(f"writes {bad} to the terminal")
    if ended.status != 0:
        failures += visible(f"{sandbox.work}/{OUT}")
    return failures, ended.cpu, ended.kibibytes


def serve(process):
    """Waits until it listens, asks for all there is, and stops it."""
    while (ended := process.poll()) is None:
        found = re.search(r"listening on ([0-9.]+:[0-9]+)", process.output("stderr").decode(errors="replace"))
        if found:
            answers = pull_everything(found[1])
            return process.poll() or process.end(), answers
        if time.monotonic() - process.start > PATIENCE:
            return process.end(signal.SIGKILL, is_late=True), []
        time.sleep(0.005)
    return ended, []


def unprintable(text):
    """What a terminal would not show, but do."""
    return sorted({
        f"U+{ord(character):04X}" for character in text
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")})


def visible(out):
    """What a command that failed has left under a final name."""
    found = []
    for directory, directories, files in os.walk(out):
        directories[:] = [each for each in directories if each != ".dray"]
        for each in files:
            path = os.path.relpath(f"{directory}/{each}", out)
            is_name = each == "manifest.json" or path.endswith("current/link")
            if each == "index.json":  # one that lists nothing names nothing
                with open(f"{directory}/{each}") as file:
                    is_name = bool(json.load(file)["manifests"])
            if is_name:
                found.append(f"it failed, and left {path}")
    if os.path.isfile(out):
        found.append("it failed, and left its archive")
    return found
