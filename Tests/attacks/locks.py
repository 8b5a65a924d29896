"""Locks of a user who may read a place, but not write in it: flock(2) asks for no more than that."""
import contextlib
import fcntl
import http.client
import os
import signal

from races import trap

READER = 65533


class Locker:
    """Holds a lock on every file and directory at a path that the reader can open."""

    def __init__(self, path):
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                as_reader()
                held = []
                for directory, _, files in os.walk(path):
                    for name in [".", *files]:
                        with contextlib.suppress(OSError):
                            held.append(os.open(f"{directory}/{name}", os.O_RDONLY | os.O_NONBLOCK))
                            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(writing, b"x")
                signal.pause()
            finally:
                os._exit(1)
        os.close(writing)
        if os.read(reading, 1) != b"x":
            raise OSError("nothing can be locked")
        os.close(reading)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def as_reader():
    os.setgroups([])
    os.setresgid(READER, READER, READER)
    os.setresuid(READER, READER, READER)


def results(runs):
    """0, or the code of the first that fails, and what it says."""
    for words, (status, said) in runs:
        if status != 0:
            return status, f"{words}: {said}"
    return 0, ""


def works_beside_locks(place, prepare, *commands):
    place.clear()
    status, said = results((" ".join(each), place.run(*each)) for each in prepare)
    if status:
        return -2, said
    with Locker("place"):
        return results((" ".join(each), place.run(*each)) for each in commands)


@trap("locked store", "another user, who may read a store, locks all that they can open", 0)
def _(place):
    return works_beside_locks(
        place, [["copy", "oci:x", "store:place"], ["gc", "store:place"]],
        ["tag", "store:place:good:1", "2"], ["gc", "store:place"], ["copy", "oci:x", "store:place"], ["delete", "store:place:good:2"])


@trap("locked layout", "another user, who may read a layout, locks all that they can open", 0)
def _(place):
    return works_beside_locks(place, [["copy", "oci:x", "oci:place"]], ["tag", "oci:place:good:1", "2"], ["copy", "oci:x", "oci:place"])


@trap("locked directory", "another user, who may read a dir:, locks all that they can open", 0)
def _(place):
    return works_beside_locks(place, [["copy", "oci:x:good:1", "dir:place"]], ["copy", "oci:x:good:1", "dir:place"])


@trap("locked backup", "another user, who may read a backup, locks all that they can open; they can verify it", 0)
def _(place):
    status, said = works_beside_locks(
        place, [["backup", "oci:x", "place"], ["backup", "oci:x", "place"]],
        ["backup", "oci:x", "place"], ["forget", "--keep-last", "1", "place"], ["prune", "place"], ["restore", "place", "oci:restored"])
    return (status, said) if status else place.run("verify", "--progress", "none", "place", before=as_reader)


@trap("locked server", "another user, who may read a server's store, locks all that they can open, and an upload", 0)
def _(place):
    place.clear()
    with place.server("place") as (_, address):
        def ask(method, path, body=None):
            connection = http.client.HTTPConnection(address, timeout=20)
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location")
        before = place.run("copy", "oci:x", f"docker://{address}")
        # With what is there, and is made when it is first needed.
        deleted = place.run("delete", f"docker://{address}/good/two:2")
        upload = ask("POST", "/v2/good/blobs/uploads/")[1]
        with Locker("place"):
            status, said = results([
                ("copy", before), ("delete", deleted), ("tag", place.run("tag", f"docker://{address}/good:1", "2")),
                ("delete", place.run("delete", f"docker://{address}/good:2"))])
            closed = ask("PATCH", upload, b"more")[0]
            return (status, said) if status or closed == 202 else (-2, f"upload {closed}")
