"""What is done under faults: each a small run of dray, on files that are the same each time.

A place has `source`, which nothing may change, `target`, and what belongs to the user: `home`, `cache`.
"""
import os
import socket
import subprocess

from images import write_archive


class Operation:
    """A run of dray that changes `target`, which holds an image already."""

    name = ""
    #: Whether it ends in exit code 3 when something damaged is left as it is.
    leaves_damage = False
    #: Exit code of a run that nothing happens to.
    status = 0
    #: Exit codes of a run that finds nothing left to be done, beside 0.
    repeated = ()

    def __init__(self, dray):
        self.dray = dray

    def run(self, place, *arguments, status=0):
        done = subprocess.run(
            [self.dray, *arguments], cwd=place, env=environment(place), capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL)  # fmt: skip
        if done.returncode != status:
            raise RuntimeError(f"dray {' '.join(arguments)}: {done.returncode}: {done.stderr}")
        return done.stdout

    def make(self, place):
        """Makes the place as it is before the run."""
        for directory in ("source", "target", "home", "cache"):
            os.makedirs(f"{place}/{directory}")
        write_archive(f"{place}/source/base.tar", "team/base:1", [100, 7])
        write_archive(f"{place}/source/app.tar", "team/app:1", [100, 2000, 3])
        self.prepare(place)

    def prepare(self, place):
        raise NotImplementedError

    def arguments(self, place):
        raise NotImplementedError

    def verified(self, place):
        """References in the place that are always sound."""
        return [f"store:{place}/target"]

    def counts(self, path):
        """Whether a path below `target` is what the user sees, and not dray's own."""
        return not path.startswith(".dray")

    def clear(self, place):
        """Writes something else, which takes leftovers away, where the run itself finds nothing to write."""

    def begin(self, place):
        """Starts what the run needs beside it."""

    def end(self, place):
        """Ends it."""


def environment(place):
    keep = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return keep | {"HOME": f"{place}/home", "XDG_CACHE_HOME": f"{place}/cache", "XDG_RUNTIME_DIR": f"{place}/home"}


class Import(Operation):
    name = "import"

    def prepare(self, place):
        self.run(place, "copy", "docker-archive:source/base.tar", "store:target")

    def arguments(self, place):
        return ["copy", f"docker-archive:{place}/source/app.tar", f"store:{place}/target"]


class Export(Operation):
    name = "export"

    def prepare(self, place):
        for image in ("base", "app"):
            self.run(place, "copy", f"docker-archive:source/{image}.tar", "store:source/store")
        self.run(place, "copy", "store:source/store:team/base:1", "oci-archive:target/app.tar")

    def arguments(self, place):
        return [
            "copy", "--on-existing", "overwrite", f"store:{place}/source/store:team/app:1",
            f"oci-archive:{place}/target/app.tar",
        ]  # fmt: skip

    def verified(self, place):
        return [f"oci-archive:{place}/target/app.tar"]


class Backup(Operation):
    name = "backup"

    def prepare(self, place):
        self.run(place, "copy", "docker-archive:source/base.tar", "store:source/store")
        self.run(place, "backup", "store:source/store", "target")
        self.run(place, "copy", "docker-archive:source/app.tar", "store:source/store")

    def arguments(self, place):
        return ["backup", f"store:{place}/source/store", f"{place}/target"]

    def verified(self, place):
        snapshots = f"{place}/target/snapshots"
        return [
            f"oci:{directory}"
            for snapshot in sorted(os.listdir(snapshots)) if snapshot != "latest"
            for directory, _, files in os.walk(f"{snapshots}/{snapshot}") if "oci-layout" in files
        ]  # fmt: skip


class Restore(Operation):
    name = "restore"

    def prepare(self, place):
        for image in ("base", "app"):
            self.run(place, "copy", f"docker-archive:source/{image}.tar", "store:source/store")
        self.run(place, "backup", "store:source/store", "source/backup")
        self.run(place, "copy", "docker-archive:source/base.tar", "store:target")

    def arguments(self, place):
        return ["restore", f"{place}/source/backup", f"store:{place}/target"]


class Collect(Operation):
    name = "gc"
    options = ()

    def prepare(self, place):
        for image in ("base", "app"):
            self.run(place, "copy", f"docker-archive:source/{image}.tar", "store:target")
        self.run(place, "copy", "docker-archive:source/app.tar", "store:target:team/other:1")
        self.run(place, "delete", "store:target:team/app:1")
        self.run(place, "delete", "store:target:team/other:1")

    def arguments(self, place):
        return ["gc", "--grace", "0", "--delete-untagged", *self.options, f"store:{place}/target"]


class CollectAside(Collect):
    name = "gc-quarantine"
    options = ("--quarantine",)


class Delete(Operation):
    name = "delete"
    repeated = (4,)

    def clear(self, place):
        self.run(place, "copy", "docker-archive:source/base.tar", "store:target")

    def prepare(self, place):
        for image in ("base", "app"):
            self.run(place, "copy", f"docker-archive:source/{image}.tar", "store:target")

    def arguments(self, place):
        return ["delete", "--all", f"store:{place}/target:team/app"]


class Mend(Operation):
    name = "mend"
    leaves_damage = True

    def prepare(self, place):
        for image in ("base", "app"):
            for store in ("source/store", "target"):
                self.run(place, "copy", f"docker-archive:source/{image}.tar", f"store:{store}")
        root = f"{place}/target/docker/registry/v2"
        blobs = sorted(
            (os.path.getsize(f"{directory}/data"), f"{directory}/data")
            for directory, _, files in os.walk(f"{root}/blobs") if "data" in files
        )  # fmt: skip
        os.unlink(blobs[-1][1])
        with open(blobs[-2][1], "r+b") as file:
            file.write(b"damaged")
        app = f"{root}/repositories/team/app"
        os.unlink(f"{app}/_manifests/tags/1/current/link")
        layer = sorted(os.listdir(f"{app}/_layers/sha256"))[0]
        os.unlink(f"{app}/_layers/sha256/{layer}/link")

    def arguments(self, place):
        return ["verify", "--repair-from", f"store:{place}/source/store", f"store:{place}/target"]

    def verified(self, place):
        return []


class Verify(Operation):
    name = "verify"
    leaves_damage = True

    def prepare(self, place):
        for image in ("base", "app"):
            self.run(place, "copy", f"docker-archive:source/{image}.tar", "store:target")

    def arguments(self, place):
        return ["verify", "--deep", f"store:{place}/target"]


class Networked(Operation):
    """Has `dray serve` at the other side; `store` below the place is its storage."""

    def __init__(self, dray):
        super().__init__(dray)
        self.server = None
        # Always the same one: it is part of the names in what is pulled.
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def serve(self, root, place):
        """Serves a storage directory, and returns when it listens."""
        config = f"{place}/home/registry.yml"
        with open(config, "w") as file:
            file.write(
                "version: 0.1\nlog: {level: warn, accesslog: {disabled: true}}\n"
                f"storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}\n"
                f'http: {{addr: "127.0.0.1:{self.port}"}}\n')
        self.server = start_server(self.dray, config, place)

    def end(self, place):
        if self.server:
            self.server.terminate()
            self.server.communicate()
            self.server = None


def start_server(dray, config, place):
    server = subprocess.Popen(
        [dray, "serve", config], env=environment(place) | {"REGISTRY_LOG_LEVEL": "info"}, cwd=place,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
    said = []
    for line in server.stderr:
        said.append(line)
        if "listening on" in line:
            return server
    raise RuntimeError(f"dray serve: {''.join(said)}")


class Push(Networked):
    name = "push"

    def prepare(self, place):
        self.run(place, "copy", "docker-archive:source/base.tar", "store:target")
        self.run(place, "copy", "docker-archive:source/app.tar", "oci:source/layout")

    def begin(self, place):
        self.serve(f"{place}/target", place)

    def arguments(self, place):
        return [
            "copy", "--retry-times", "1", f"oci:{place}/source/layout", f"docker://127.0.0.1:{self.port}/team/app:1"
        ]  # fmt: skip

    def counts(self, path):
        # An upload that was given up stays until the registry purges it, for whoever may go on with it.
        return super().counts(path) and "/_uploads" not in path


class Pull(Networked):
    name = "pull"
    destination = "oci:{place}/target/layout:1"

    def prepare(self, place):
        for image in ("base", "app"):
            self.run(place, "copy", f"docker-archive:source/{image}.tar", "store:source/store")
        self.run(place, "copy", "docker-archive:source/base.tar", "oci:target/layout:old")

    def begin(self, place):
        self.serve(f"{place}/source/store", place)

    def arguments(self, place):
        return [
            "copy", "--retry-times", "1", "--on-existing", "overwrite", f"docker://127.0.0.1:{self.port}/team/app:1",
            self.destination.format(place=place),
        ]  # fmt: skip

    def verified(self, place):
        return [f"oci:{place}/target/layout"]

    def counts(self, path):
        return "/.dray" not in path


class PullArchive(Pull):
    name = "pull-archive"
    destination = "docker-archive:{place}/target/app.tar"

    def prepare(self, place):
        super().prepare(place)
        self.run(place, "copy", "store:source/store:team/base:1", "docker-archive:target/app.tar")

    def verified(self, place):
        return super().verified(place) + [f"docker-archive:{place}/target/app.tar"]


OPERATIONS = {
    each.name: each
    for each in (
        Import, Export, Push, Pull, PullArchive, Backup, Restore, Collect, CollectAside, Delete, Mend, Verify,
    )
}  # fmt: skip
