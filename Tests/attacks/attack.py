"""What an attack is: something made in a directory, commands that take it, and how each has to end."""
from dataclasses import dataclass, field
from typing import Callable

OUT = "out"  # where every command writes, if anywhere


@dataclass
class End:
    """How a command ends: its exit code, or one of several, and a part of what it says."""
    status: int | tuple = 0
    says: str = ""

    @property
    def statuses(self):
        return self.status if isinstance(self.status, tuple) else (self.status,)


@dataclass
class Way:
    """A command of dray's, as its arguments; `serve` is stopped when all that it serves was asked for."""
    arguments: list
    stdin: str = None
    is_raw: bool = False  # what it prints are bytes as they are


def ways(reference, *, pipe=None, target="store:" + OUT, **more):
    """The commands that take a reference as a source."""
    result = {
        "copy": Way(["copy", reference, target]),
        "ls": Way(["ls", reference]),
        "inspect": Way(["inspect", reference]),
        "verify": Way(["verify", "--deep", reference]),
        "serve": Way(["serve", "--addr", "127.0.0.1:0", reference]),
    }
    if pipe:
        result["pipe"] = Way(["copy", pipe, target], stdin=reference.split(":", 1)[1])
    for name, arguments in more.items():
        result[name.replace("_", " ")] = Way(arguments)
    return result


DOCKER_ARCHIVE = ways(
    "docker-archive:x.tar", pipe="docker-archive:-", to_oci=["copy", "docker-archive:x.tar", "oci:" + OUT],
    to_archive=["copy", "docker-archive:x.tar", f"oci-archive:{OUT}"])
OCI = ways(
    "oci:x", to_archive=["copy", "oci:x", f"docker-archive:{OUT}"], to_dir=["copy", "oci:x", "dir:" + OUT],
    to_oci=["copy", "oci:x", "oci:" + OUT])
OCI_ARCHIVE = ways("oci-archive:x.tar", pipe="oci-archive:-")
STORE = ways("store:x", gc=["gc", "--dry-run", "store:x"], to_oci=["copy", "store:x", "oci:" + OUT])
STORE_ARCHIVE = ways("store:x.tar")
DIRECTORY = ways("dir:x", to_oci=["copy", "dir:x", "oci:" + OUT])


@dataclass
class Attack:
    name: str
    made: str  # in words
    make: Callable  # in the current directory
    ways: dict  # name -> Way
    ends: dict  # name of a way -> End, the others' under ""; a way that is not there is not gone
    is_slow: bool = False
    registry: Callable = None  # serves hostile answers: see registries.py


attacks = []


def attack(name, ways, made, make, *, then=None, only=None, but=None, **more):
    """Adds an attack.

    then: (status, part of what is said) of all ways, or of `only` these; but: {way: (status, says)} of others.
    """
    chosen = {each: ways[each] for each in (only or ways)}
    for each in but or {}:
        chosen[each] = ways[each]
    ends = {each: End(*((but or {}).get(each) or then)) for each in chosen}
    assert all(name != each.name for each in attacks), name
    attacks.append(Attack(name, made, make, chosen, ends, **more))
