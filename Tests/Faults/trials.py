"""One run under one fault, and what is to be true afterwards."""
import errno
import os
import re
import signal
import subprocess
import tempfile

from calls import faults, needs_room
from operations import environment
from supervision import Fail, GoOn, Kill, Program, Shorten
from trees import Tree, replace_tree

TIMEOUT = 60
#: Threads take turns otherwise each time, and then a call may not come: so often it is tried.
ATTEMPTS = 4
#: What no message may say: the words of libraries and of the compiler's run-time.
_UNCLEAR = re.compile(r"operation could not be completed|Error Domain|Optional\(|NIO[A-Z]|\berrno\b|\(\w+Error|Fatal error")
#: How causes are called, where not by the system's own words.
_CAUSES = {
    errno.ECONNRESET: ("connection was closed", "Connection reset"),
    errno.EPIPE: ("connection was closed",),
    errno.ECONNABORTED: ("connection was closed",),
}


#: Calls by which leftovers are taken away.
_CLEARING = re.compile(r"unlink|rmdir|(openat|newfstatat|getdents64|fsync) \S*/staging(/UUID\.part.*)?$")


class Case:
    """Which call is to fail: the so-many-th of its kind; and how."""

    def __init__(self, operation, key, ordinal, fault):
        self.operation = operation
        self.key = key
        self.ordinal = ordinal
        self.fault = fault

    def __str__(self):
        return f"{self.operation}: {self.key} #{self.ordinal}: {self.fault.label}"


def cases(operation, keys):
    """Every way in which each call of a run can fail, in turn."""
    counts = {}
    found = []
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
        found += [Case(operation, key, counts[key], fault) for fault in faults(key)]
    return found


class Injection:
    """Decides about the calls of one run, and keeps their kinds.

    Calls before the first one on something of dray's own (the loader's, the run-time's) are not counted: nobody can
    answer for them.
    """

    def __init__(self, place, case=None):
        self.place = place
        self.case = case
        self.keys = []
        self.was_hit = False
        self.is_over = False  # no call fails any more, and what stays has gone, as a full disk that was cleared
        self._count = 0

    def __call__(self, call):
        key = call.key(self.place)
        if key is None or self.is_over:
            return GoOn()
        self.keys.append(key)
        case = self.case
        if case is None:
            return GoOn()
        if self.was_hit:
            return Fail(case.fault.code) if case.fault.stays and needs_room(key) else GoOn()
        if key != case.key:
            return GoOn()
        self._count += 1
        if self._count < case.ordinal:
            return GoOn()
        self.was_hit = True
        if case.fault.kills_with:
            return Kill(case.fault.kills_with)
        return Shorten() if case.fault.is_short else Fail(case.fault.code)


class Run:
    """A run of dray that has ended."""

    def __init__(self, outcome, stdout, stderr, injection):
        self.outcome = outcome
        self.stdout = stdout
        self.stderr = stderr
        self.keys = injection.keys
        self.was_hit = injection.was_hit


def supervised(arguments, place, injection):
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        program = Program(
            arguments, injection, environment=environment(place), directory=place, stdout=stdout.fileno(),
            stderr=stderr.fileno())  # fmt: skip
        outcome = program.serve(TIMEOUT)
        texts = []
        for file in (stdout, stderr):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Run(outcome, *texts, injection)


def one_line(text):
    return " / ".join(line for line in text.splitlines() if line)[-400:]


def unclear(text, code, place):
    """What is wrong with the message of a run that failed."""
    problems = []
    if not text.strip():
        return ["says nothing"]
    found = _UNCLEAR.search(text)
    if found:
        problems.append(f"speaks of '{found[0]}'")
    causes = (os.strerror(code), *_CAUSES.get(code, ()))
    if not any(cause in text for cause in causes):
        problems.append(f"does not say why ({causes[0]})")
    if place not in text and "127.0.0.1" not in text and "standard output" not in text:
        problems.append("does not say on what")
    return problems


class Trials:
    """The trials of one operation, in a place of their own."""

    def __init__(self, operation, place):
        self.operation = operation
        self.place = place
        self.pristine = f"{place}.pristine"
        os.makedirs(place)
        operation.make(place)
        self.original = Tree(place)
        self.source = self.original.below("source")
        self.before = self._visible(self.original)
        replace_tree(place, self.pristine)
        operation.begin(place)
        clean = self._run()
        if clean.outcome.status != operation.status:
            raise RuntimeError(f"{operation.name} without a fault: {clean.outcome.status}: {clean.stderr}")
        self.keys = clean.keys
        self.after = self._visible(Tree(place))
        self._known = {}  # what became of states that were seen before
        self._reset()

    def close(self):
        self.operation.end(self.place)

    def _visible(self, everything):
        # What waits for its name is looked for by itself.
        return everything.below("target").only(
            lambda path: self.operation.counts(path) and not path.endswith(".part") and ".part/" not in path)

    def _run(self, case=None):
        arguments = [self.operation.dray, *self.operation.arguments(self.place)]
        return supervised(arguments, self.place, Injection(self.place, case))

    def _reset(self):
        if Tree(self.place).state != self.original.state:
            self.operation.end(self.place)
            replace_tree(self.pristine, self.place)
            self.operation.begin(self.place)

    def try_out(self, case):
        """Whether the call came, and what is wrong."""
        for _ in range(ATTEMPTS):
            run = self._run(case)
            if run.was_hit:
                break
            self._reset()
        else:
            return False, []
        problems = self._judge_end(case, run)
        problems += self._judge_state(case, run)
        self._reset()
        return True, [f"{problem} [{one_line(run.stderr)}]" for problem in problems]

    def _judge_end(self, case, run):
        outcome, fault = run.outcome, case.fault
        if outcome.timed_out:
            return ["does not end"]
        if fault.is_deadly:
            return []
        if outcome.killed_by:
            return [f"crashes with {signal.Signals(outcome.killed_by).name}"]
        if fault.kills_with:
            allowed = {0, 128 + fault.kills_with}
            return [] if outcome.status in allowed else [f"ends in {outcome.status} when told to stop"]
        if fault.must_work:
            return [] if outcome.status == self.operation.status else [f"ends in {outcome.status}"]
        if outcome.status == 0:
            return []
        problems = []
        if outcome.status not in ({1, 3} if self.operation.leaves_damage else {1}):
            problems.append(f"ends in {outcome.status}, though nothing is wrong but a call")
        return problems + unclear(run.stderr + run.stdout, fault.code, self.place)

    def _judge_state(self, case, run):
        problems = []
        everything = Tree(self.place)
        visible = self._visible(everything)
        if run.outcome.status == 0:
            problems += [f"is done, and {text}" for text in visible.neither(self.after)]
        else:
            problems += [f"leaves what is neither old nor new: {text}" for text in visible.neither(self.before, self.after)]
        problems += [f"changes its source: {text}" for text in everything.below("source").neither(self.source)]
        # Whoever could clean up has done so, unless it was just that which failed.
        if not case.fault.is_deadly and not _CLEARING.match(case.key) and not run.outcome.timed_out:
            left = everything.leftovers()
            if case.fault.kills_with:
                # Whoever is told to stop takes files away, and leaves a directory to the next run.
                left = [path for path in left if "a directory" not in everything.entries[path]]
            problems += [f"leaves {path}" for path in left]
        if everything.state not in self._known:
            self._known[everything.state] = self._judge_future()
        return problems + self._known[everything.state]

    def _judge_future(self):
        """Whether what was there is sound, and the next run brings everything to its end."""
        problems = []
        for reference in self.operation.verified(self.place):
            problems += self._clean("verify", "--deep", "-q", reference)
        problems += [f"the next run: {text}" for text in self._clean(*self.operation.arguments(self.place))]
        self.operation.clear(self.place)
        everything = Tree(self.place)
        problems += [f"after the next run {text}" for text in self._visible(everything).neither(self.after)]
        problems += [f"the next run leaves {path}" for path in everything.leftovers()]
        return problems

    def _clean(self, *arguments):
        done = subprocess.run(
            [self.operation.dray, *arguments], cwd=self.place, env=environment(self.place), capture_output=True,
            text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)  # fmt: skip
        if done.returncode == 0 or (arguments[0] != "verify" and done.returncode in self.operation.repeated):
            return []
        return [f"{arguments[0]} ends in {done.returncode}: {one_line(done.stderr + done.stdout)}"]
