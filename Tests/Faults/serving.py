"""A registry that serves under faults, and its clients."""
import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time

from operations import Operation, environment
from supervision import Program
from trials import ATTEMPTS, TIMEOUT, Injection, one_line, unclear
from trees import Tree, replace_tree

PATIENCE = 20


class _Store(Operation):
    def prepare(self, place):
        self.run(place, "copy", "docker-archive:source/base.tar", "store:target")
        self.run(place, "copy", "docker-archive:source/app.tar", "oci:source/layout:1")
        with open(f"{place}/home/registry.yml", "w") as file:
            file.write(
                "version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\n"
                f"storage: {{filesystem: {{rootdirectory: {place}/target}}, delete: {{enabled: true}}}}\n"
                'http: {addr: "127.0.0.1:0"}\n')


class Answer:
    def __init__(self, what, status, headers=None, body=b"", problem=""):
        self.what = what
        self.status = status  # None where there was no whole answer
        self.headers = headers or {}
        self.body = body
        self.problem = problem


class Client:
    """Pushes an image in all the ways that there are, pulls it, lists and deletes: one request after the other."""

    def __init__(self, layout):
        index = json.load(open(f"{layout}/index.json"))
        self.manifest_digest = index["manifests"][0]["digest"]
        self.manifest = self._blob(layout, self.manifest_digest)
        manifest = json.loads(self.manifest)
        self.type = manifest["mediaType"]
        self.config = manifest["config"]["digest"]
        self.shared, self.large, self.small = (each["digest"] for each in manifest["layers"])
        self.blobs = {
            digest: self._blob(layout, digest) for digest in (self.config, self.shared, self.large, self.small)
        }  # fmt: skip
        self.port = None

    @staticmethod
    def _blob(layout, digest):
        with open(f"{layout}/blobs/{digest.replace(':', '/')}", "rb") as file:
            return file.read()

    def _ask(self, method, path, body=None, **headers):
        what = f"{method} {re.sub('[0-9a-f]{8}-[0-9a-f-]{27}.*', 'UUID', path)}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(
                method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Answer(what, answer.status, dict(answer.headers), answer.read())
        except TimeoutError:
            return Answer(what, None, problem="no answer in time")
        except (OSError, http.client.HTTPException) as error:
            return Answer(what, None, problem=f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    def _next(self, method, last, suffix="", body=None, **headers):
        location = last.headers.get("Location")
        if location is None:
            return Answer(f"{method} UUID", None, problem="no upload to go on with")
        path = location.split(f":{self.port}", 1)[-1]
        return self._ask(method, path + (("&" if "?" in path else "?") + suffix if suffix else ""), body, **headers)

    def run(self):
        """The answers to everything."""
        app, answers = "/v2/team/app", []

        def note(answer):
            answers.append(answer)
            return answer

        note(self._ask("GET", "/v2/"))
        note(self._ask("HEAD", f"{app}/blobs/{self.large}"))
        large = self.blobs[self.large]
        half = len(large) // 2
        last = note(self._ask("POST", f"{app}/blobs/uploads/"))
        last = note(self._next("PATCH", last, "", large[:half], Content_Range=f"0-{half - 1}"))
        note(self._next("GET", last))
        last = note(self._next("PATCH", last, "", large[half:], Content_Range=f"{half}-{len(large) - 1}"))
        note(self._next("PUT", last, f"digest={self.large}"))
        for digest in (self.config, self.small):
            last = note(self._ask("POST", f"{app}/blobs/uploads/"))
            note(self._next("PUT", last, f"digest={digest}", self.blobs[digest]))
        note(self._ask("POST", f"{app}/blobs/uploads/?mount={self.shared}&from=team/base"))
        for tag in ("1", "old"):
            note(self._ask("PUT", f"{app}/manifests/{tag}", self.manifest, Content_Type=self.type))
        note(self._ask("GET", f"{app}/manifests/1", Accept=self.type))
        note(self._ask("HEAD", f"{app}/manifests/{self.manifest_digest}", Accept=self.type))
        note(self._ask("GET", f"{app}/blobs/{self.large}"))
        note(self._ask("GET", f"{app}/blobs/{self.small}", Range="bytes=10-99"))
        note(self._ask("GET", f"{app}/tags/list"))
        note(self._ask("GET", "/v2/_catalog"))
        note(self._ask("GET", f"{app}/referrers/{self.manifest_digest}"))
        note(self._ask("DELETE", f"{app}/manifests/old"))
        last = note(self._ask("POST", f"{app}/blobs/uploads/"))
        note(self._next("DELETE", last))
        return answers

    def acknowledged(self, answers):
        """What was promised, and is not there."""
        problems = []
        promised = {
            answer.what: answer.headers.get("Docker-Content-Digest") for answer in answers
            if answer.status == 201 and answer.what.split()[0] in ("PUT", "POST")
        }  # fmt: skip
        for digest in set(promised.values()) & set(self.blobs):
            answer = self._ask("GET", f"/v2/team/app/blobs/{digest}")
            if answer.body != self.blobs[digest]:
                problems.append(f"had taken {digest[:19]}, and answers {answer.status} {answer.problem}")
        if "PUT /v2/team/app/manifests/1" in promised:
            answer = self._ask("GET", "/v2/team/app/manifests/1", Accept=self.type)
            if answer.body != self.manifest:
                problems.append(f"had taken the manifest, and answers {answer.status} {answer.problem}")
        answer = self._ask("GET", "/v2/team/base/manifests/1")
        if answer.status != 200:
            problems.append(f"served team/base:1, and answers {answer.status} {answer.problem}")
        return problems


class Server:
    """`dray serve`, under supervision or not."""

    def __init__(self, dray, place, injection=None):
        self.log = f"{place}.log"
        self.outcome = None
        self.place = place
        arguments = [dray, "serve", f"{place}/home/registry.yml"]
        with open(self.log, "wb") as log, tempfile.TemporaryFile() as out:
            if injection:
                self._program = Program(
                    arguments, injection, environment=environment(place), directory=place, stdout=out.fileno(),
                    stderr=log.fileno())  # fmt: skip
                self.pid = self._program.pid
                self._thread = threading.Thread(target=self._supervise)
                self._thread.start()
            else:
                self._program = subprocess.Popen(
                    arguments, cwd=place, env=environment(place), stdin=subprocess.DEVNULL, stdout=out, stderr=log)
                self.pid = self._program.pid
                self._thread = None
        self.port = self._listening()

    def _supervise(self):
        self.outcome = self._program.serve(4 * TIMEOUT)

    def text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    @property
    def has_ended(self):
        return self.outcome is not None if self._thread else self._program.poll() is not None

    def _listening(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ended = self.has_ended
            found = re.search(r"listening on \S+?:(\d+)", self.text())
            if found:
                return int(found[1])
            if ended:
                return None
            time.sleep(0.002)
        return None

    def held(self):
        """What its descriptors lead to, of its own files and the network, once it has had time to close them."""
        try:
            names = os.listdir(f"/proc/{self.pid}/fd")
        except OSError:
            return []
        found = []
        for name in names:
            try:
                path = os.readlink(f"/proc/{self.pid}/fd/{name}")
            except OSError:
                continue
            if path.startswith((self.place, "socket:")):
                found.append("a socket" if path.startswith("socket:") else path.removeprefix(self.place))
        return sorted(found)

    def stop(self):
        """Its exit status; None if it had to be killed."""
        try:
            if not self.has_ended:
                os.kill(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass  # it has ended in between
        if self._thread:
            self._thread.join()
            return None if self.outcome.timed_out or self.outcome.killed_by else self.outcome.status
        try:
            return self._program.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
            return None


class Serving:
    """The trials of the server."""

    def __init__(self, dray, place):
        self.dray = dray
        self.place = place
        self.pristine = f"{place}.pristine"
        os.makedirs(place)
        _Store(dray).make(place)
        replace_tree(place, self.pristine)
        self.client = Client(f"{place}/source/layout")
        self.before = self._visible()
        injection = Injection(place)
        server = Server(dray, place, injection)
        first = self._requests(server)
        self.keys = list(injection.keys)
        second = self._requests(server)
        self.baseline = server.held()
        if server.stop() != 0:
            raise RuntimeError(f"dray serve without a fault: {server.text()}")
        self.expected = [
            (answer.what, {answer.status, again.status}) for answer, again in zip(first, second)
        ]  # fmt: skip
        self.after = self._visible()
        self._sound = {}
        self._reset()

    def close(self):
        pass

    def _visible(self):
        return Tree(f"{self.place}/target").only(lambda path: not path.startswith(".dray") and "/_uploads" not in path)

    def _reset(self):
        replace_tree(self.pristine, self.place)

    def _requests(self, server):
        self.client.port = server.port
        return self.client.run()

    def try_out(self, case):
        """Whether the call came, and what is wrong."""
        for _ in range(ATTEMPTS):
            injection = Injection(self.place, case)
            server = Server(self.dray, self.place, injection)
            problems = self._judge(case, server, injection)
            self._reset()
            if injection.was_hit:
                return True, [f"{problem} [{one_line(server.text())}]" for problem in problems]
        return False, []

    def _judge(self, case, server, injection):
        fault = case.fault
        if server.port is None:
            return self._judge_start(case, server)
        answers = self._requests(server)
        injection.is_over = True
        problems = []
        if fault.kills_with:
            server.stop()
            if fault.is_deadly != (server.outcome.killed_by == signal.SIGKILL):
                problems.append(f"ends by {server.outcome.killed_by} in {server.outcome.status}")
            server = Server(self.dray, self.place)
            if server.port is None:
                return problems + [f"does not start again: {one_line(server.text())}"]
            self.client.port = server.port
        problems += self.client.acknowledged(answers)
        again = self._requests(server)
        for answer, (what, allowed) in zip(again, self.expected):
            if answer.status not in allowed:
                problems.append(f"afterwards, answers {what} with {answer.status} {answer.problem} {one_line(answer.body.decode(errors='replace'))[:100]}")
        problems += self._judge_descriptors(server)
        if server.stop() != 0:
            problems.append("does not end well")
        if not fault.kills_with:
            # By now all of the log is written: a line may come after the answer that it is about.
            problems += self._judge_answers(case, answers, server.text())
        visible = self._visible()
        problems += [f"afterwards, {text}" for text in visible.neither(self.after)]
        if visible.state not in self._sound:
            done = subprocess.run(
                [self.dray, "verify", "--deep", "-q", f"store:{self.place}/target"], cwd=self.place,
                env=environment(self.place), capture_output=True, text=True)  # fmt: skip
            self._sound[visible.state] = (
                [] if done.returncode == 0 else [f"leaves a damaged store: {one_line(done.stdout + done.stderr)}"])
        return problems + self._sound[visible.state]

    def _judge_start(self, case, server):
        status = server.stop()
        fault, outcome = case.fault, server.outcome
        if fault.kills_with:
            return []
        if outcome.timed_out:
            return ["neither listens nor ends"]
        if outcome.killed_by:
            return [f"crashes with {signal.Signals(outcome.killed_by).name}"]
        problems = [] if status == 1 and not fault.must_work else [f"does not start, and ends in {status}"]
        return problems + (unclear(server.text(), fault.code, self.place) if fault.code else [])

    def _judge_answers(self, case, answers, log):
        for answer, (what, allowed) in zip(answers, self.expected):
            if answer.status in allowed:
                continue
            # What follows a failure may be refused because of it.
            if answer.status is None:
                return [f"answers {what} not at all: {answer.problem}"] if answer.problem == "no answer in time" else []
            if case.fault.must_work:
                return [f"answers {what} with {answer.status}"]
            if answer.status < 500:
                return [f"answers {what} with {answer.status}, as if that were so"]
            problems = unclear(log, case.fault.code, self.place)
            if not what.startswith("HEAD") and b'"errors"' not in answer.body:
                problems.append(f"answers {what} with {answer.status} and no error")
            return problems
        return []

    def _judge_descriptors(self, server):
        deadline = time.monotonic() + 5
        while True:
            more = list(server.held())
            for each in self.baseline:
                if each in more:
                    more.remove(each)
            if not more:
                return []
            if time.monotonic() > deadline:
                return [f"keeps {each} open" for each in more]
            time.sleep(0.01)
