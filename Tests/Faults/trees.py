"""What lies in a directory, without what differs from run to run."""
import hashlib
import os
import re
import shutil

from calls import normalised

_CLOCK = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


_known = {}  # by what changes whenever a file's bytes do


def _content(path):
    status = os.stat(path)
    stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if stamp not in _known:
        _known[stamp] = _read(path)
    return _known[stamp]


def _read(path):
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 1 << 16:
        try:
            data = normalised(_CLOCK.sub(b"CLOCK", data).decode()).encode()
        except UnicodeDecodeError:
            pass
    return f"{len(data)} bytes, {hashlib.sha256(data).hexdigest()[:12]}"


class Tree:
    """Paths below a root, and what is there: where several have one name but for a time, everything that is."""

    def __init__(self, root):
        found = {}
        for directory, names, files in os.walk(root):
            relative = os.path.relpath(directory, root)
            for name in names + files:
                path = os.path.join(directory, name)
                if os.path.islink(path):
                    what = f"a link to {normalised(os.readlink(path))}"
                elif os.path.isdir(path):
                    what = "a directory"
                else:
                    what = _content(path)
                found.setdefault(normalised(os.path.normpath(f"{relative}/{name}")), set()).add(what)
        self.entries = {path: frozenset(whats) for path, whats in found.items()}

    @property
    def state(self):
        """The same for trees that are the same."""
        return frozenset(self.entries.items())

    def leftovers(self):
        """Files that wait for their names."""
        return sorted(path for path in self.entries if path.endswith(".part"))

    def below(self, directory):
        """The part that lies in a directory, by the paths in there."""
        prefix = f"{directory}/"
        part = Tree.__new__(Tree)
        part.entries = {
            path.removeprefix(prefix): what for path, what in self.entries.items() if path.startswith(prefix)
        }  # fmt: skip
        return part

    def only(self, counts):
        """A tree without the paths that do not count."""
        part = Tree.__new__(Tree)
        part.entries = {path: what for path, what in self.entries.items() if counts(path)}
        return part

    def neither(self, *others):
        """What is as in none of the others: neither there as it is there, nor missing as it is missing there."""
        problems = []
        paths = set(self.entries).union(*(other.entries for other in others))
        for path in sorted(paths):
            known = set().union(*(other.entries.get(path, {None}) for other in others))
            strange = self.entries.get(path, {None}) - known
            if strange:
                problems.append(f"{path} is {', '.join(str(each or 'missing') for each in strange)}")
        return problems


def replace_tree(source, target):
    """Makes a directory the same as another one."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
