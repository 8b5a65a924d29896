"""System calls: their numbers, what a call is about, and how it can fail."""
import ctypes
import errno
import os
import platform
import re
import signal

ARCHITECTURE = platform.machine()

# name: (x86_64, aarch64)
_TABLE = {
    "read": (0, 63), "write": (1, 64), "open": (2, None), "stat": (4, None), "fstat": (5, 80), "lstat": (6, None),
    "ioctl": (16, 29), "pread64": (17, 67), "pwrite64": (18, 68), "readv": (19, 65), "writev": (20, 66),
    "access": (21, None), "sendfile": (40, 71), "socket": (41, 198), "connect": (42, 203), "accept": (43, 202),
    "bind": (49, 200), "listen": (50, 201), "flock": (73, 32), "fsync": (74, 82), "fdatasync": (75, 83), "truncate": (76, 45),
    "ftruncate": (77, 46), "rename": (82, None), "mkdir": (83, None), "rmdir": (84, None), "creat": (85, None),
    "link": (86, None), "unlink": (87, None), "symlink": (88, None), "readlink": (89, None), "chmod": (90, None),
    "fchmod": (91, 52), "chown": (92, None), "fchown": (93, 55), "statfs": (137, 43), "fstatfs": (138, 44),
    "getdents64": (217, 61), "exit_group": (231, 94), "openat": (257, 56), "mkdirat": (258, 34),
    "fchownat": (260, 54), "newfstatat": (262, 79), "unlinkat": (263, 35), "renameat": (264, 38), "linkat": (265, 37),
    "symlinkat": (266, 36), "readlinkat": (267, 78), "fchmodat": (268, 53), "faccessat": (269, 48),
    "sync_file_range": (277, 84), "utimensat": (280, 88), "fallocate": (285, 47), "accept4": (288, 242),
    "syncfs": (306, 267), "renameat2": (316, 276), "copy_file_range": (326, 285), "statx": (332, 291), "openat2": (437, 437), "faccessat2": (439, 439),
}  # fmt: skip
_COLUMN = {"x86_64": 0, "aarch64": 1}.get(ARCHITECTURE, 0)
NUMBERS = {numbers[_COLUMN]: name for name, numbers in _TABLE.items() if numbers[_COLUMN] is not None}

# Where a call's path is: the position of its directory's descriptor (None: there is none) and of the text.
_PATHS = {
    "open": (None, 0), "stat": (None, 0), "lstat": (None, 0), "access": (None, 0), "truncate": (None, 0),
    "mkdir": (None, 0), "rmdir": (None, 0), "creat": (None, 0), "unlink": (None, 0), "readlink": (None, 0),
    "chmod": (None, 0), "chown": (None, 0), "statfs": (None, 0), "openat": (0, 1), "openat2": (0, 1),
    "mkdirat": (0, 1), "fchownat": (0, 1), "newfstatat": (0, 1), "unlinkat": (0, 1), "readlinkat": (0, 1),
    "fchmodat": (0, 1), "faccessat": (0, 1), "faccessat2": (0, 1), "utimensat": (0, 1), "statx": (0, 1),
    # The new name of two: what appears, or does not.
    "rename": (None, 1), "link": (None, 1), "symlink": (None, 1), "renameat": (2, 3), "renameat2": (2, 3),
    "linkat": (2, 3), "symlinkat": (1, 2),
}  # fmt: skip
_SOCKETS = {"socket", "connect", "accept", "accept4", "bind", "listen"}
_HEX = re.compile(r"[0-9a-f]{64}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TIME = re.compile(r"\d{8}T\d{6}(\.\d+)?Z(-\d+)?")


def normalised(text):
    """Without what differs from run to run."""
    return _TIME.sub("TIME", _UUID.sub("UUID", text))


class Call:
    """A system call that is about to be made."""

    def __init__(self, process, thread, name, arguments):
        self.process = process
        self.thread = thread
        self.name = name
        self.arguments = arguments

    def read_memory(self, address, count):
        file = os.open(f"/proc/{self.process}/mem", os.O_RDONLY)
        try:
            return os.pread(file, count, address)
        finally:
            os.close(file)

    def write_memory(self, address, data):
        file = os.open(f"/proc/{self.process}/mem", os.O_WRONLY)
        try:
            os.pwrite(file, data, address)
        finally:
            os.close(file)

    def _text(self, address):
        if address == 0:
            return ""  # utimensat(2) of the descriptor itself
        return os.fsdecode(self.read_memory(address, 4096).split(b"\0")[0])

    def _descriptor_path(self, number):
        number = ctypes.c_int32(number & 0xFFFFFFFF).value
        try:
            return os.readlink(f"/proc/{self.process}/" + ("cwd" if number == -100 else f"fd/{number}"))
        except OSError:
            return ""

    @property
    def descriptor(self):
        return self.arguments[1] if self.name == "sendfile" else self.arguments[0]

    def path(self):
        """What the call is about: a path, or what a descriptor leads to (`socket:[1]`, `pipe:[2]`)."""
        if self.name in _SOCKETS:
            return "socket:"
        if self.name not in _PATHS:
            return self._descriptor_path(self.descriptor)
        base, position = _PATHS[self.name]
        text = self._text(self.arguments[position])
        if text.startswith("/"):
            return text
        directory = self._descriptor_path(-100 if base is None else self.arguments[base])
        return f"{directory}/{text}" if text else directory

    def creates(self):
        """Whether it opens a file that it may have to make."""
        flags = {"open": 1, "openat": 2}.get(self.name)
        return self.name == "creat" or (flags is not None and bool(self.arguments[flags] & os.O_CREAT))

    def key(self, place):
        """The call's kind: what it does to what; None if it is on nothing of dray's own."""
        path = self.path()
        if path.startswith("socket:"):
            what = "socket"
        elif path == place or path.startswith(place + "/"):
            what = "." + path[len(place):].removesuffix(" (deleted)")
        elif self.name == "write" and self.arguments[0] == 1:
            what = "standard output"
        else:
            return None
        name = self.name + ("+" if self.creates() else "")
        return f"{name} {_HEX.sub(lambda found: found[0][:12], normalised(what))}"

    def held_descriptors(self):
        held = []
        for number in os.listdir(f"/proc/{self.process}/fd"):
            held.append(self._descriptor_path(int(number)))
        return held


class Fault:
    """A way in which a call ends otherwise than usual."""

    def __init__(self, label, code=None, *, must_work=False, is_short=False, kills_with=None, stays=False):
        self.label = label
        self.code = code
        self.must_work = must_work  # whether the run is to end well all the same
        self.is_short = is_short
        self.kills_with = kills_with
        self.stays = stays  # whether from then on all calls that need room on the disk fail

    @property
    def is_deadly(self):
        return self.kills_with == signal.SIGKILL


def _errors(*names, must_work=False):
    return [Fault(name, getattr(errno, name), must_work=must_work) for name in names]


_SHORT = [Fault("short", is_short=True, must_work=True)]
_FULL = [Fault("full", errno.ENOSPC, stays=True)]
_AGAIN = _errors("EINTR", must_work=True)
_DEATH = [Fault("SIGKILL", kills_with=signal.SIGKILL)]
_STOP = [Fault("SIGTERM", kills_with=signal.SIGTERM)]
_STATUS = _errors("EIO", "EACCES")
_NAMING = _errors("EIO", "EACCES", "ENOSPC") + _DEATH + _STOP
_FILES = {
    **dict.fromkeys(("stat", "lstat", "fstat", "newfstatat", "statx", "access", "faccessat", "faccessat2"), _STATUS),
    **dict.fromkeys(("open", "openat"), _errors("EIO", "EACCES", "EMFILE") + _AGAIN),
    # What it is asked for can be done without it.
    "openat2": _errors("EIO", "EACCES", "EMFILE", "ENOSYS", must_work=True) + _AGAIN,
    **dict.fromkeys(("read", "pread64"), _errors("EIO") + _SHORT + _AGAIN),
    "readv": _errors("EIO") + _AGAIN,
    **dict.fromkeys(("write", "pwrite64"), _errors("EIO") + _FULL + _SHORT + _AGAIN + _DEATH + _STOP),
    "writev": _errors("EIO") + _FULL + _SHORT + _AGAIN + _DEATH,
    "copy_file_range": _errors("EIO") + _FULL + _SHORT + _errors("EXDEV", "ENOSYS", must_work=True) + _DEATH,
    "ioctl": _errors("EOPNOTSUPP", must_work=True) + _errors("EIO"),
    **dict.fromkeys(("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"), _NAMING),
    **dict.fromkeys(("mkdir", "mkdirat"), _errors("EIO", "EACCES") + _FULL + _DEATH),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), _errors("EIO", "EACCES") + _DEATH),
    **dict.fromkeys(("fsync", "fdatasync", "syncfs"), _errors("EIO", "ENOSPC") + _AGAIN + _DEATH + _STOP),
    "sync_file_range": _errors("EIO", must_work=True),
    **dict.fromkeys(("truncate", "ftruncate", "fallocate"), _errors("EIO", "ENOSPC") + _AGAIN + _DEATH),
    "getdents64": _errors("EIO"),
    "flock": _errors("EIO", "ENOLCK") + _AGAIN + _DEATH,
    "utimensat": _errors("EIO", "EACCES") + _DEATH,
    **dict.fromkeys(("chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat"), _errors("EIO", "EPERM") + _DEATH),
    **dict.fromkeys(("statfs", "fstatfs", "readlink", "readlinkat"), _errors("EIO")),
    "sendfile": _errors("EIO") + _AGAIN,
}
_CREATION = _errors("EIO", "EACCES", "EMFILE") + _FULL + _AGAIN + _DEATH + _STOP
_NETWORK = {
    "socket": _errors("EMFILE", "EACCES"),
    "connect": _errors("ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH"),
    "bind": _errors("EADDRINUSE", "EACCES"),
    "listen": _errors("EADDRINUSE"),
    **dict.fromkeys(("accept", "accept4"), _errors("EMFILE", "ECONNABORTED") + _AGAIN),
    # Messages (sendto, recvmsg) are the C library's own, which looks for addresses.
    **dict.fromkeys(("read", "readv"), _errors("ECONNRESET", "ETIMEDOUT") + _AGAIN),
    **dict.fromkeys(("write", "writev", "sendfile"), _errors("EPIPE", "ECONNRESET") + _AGAIN),
}
for _name in ("read", "write", "writev"):
    _NETWORK[_name] = _NETWORK[_name] + _SHORT
_OUTPUT = _errors("EIO", "ENOSPC") + _SHORT + _AGAIN
ROOM = {
    "write", "pwrite64", "writev", "copy_file_range", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link",
    "linkat", "symlink", "symlinkat", "fallocate",
}  # fmt: skip


def needs_room(key):
    """Whether a call of this kind fails on a full disk."""
    name, _, what = key.partition(" ")
    return what.startswith(".") and (name in ROOM or name.endswith("+"))


def faults(key):
    """The ways in which calls of this kind can fail."""
    name, _, what = key.partition(" ")
    if what == "socket":
        return _NETWORK.get(name, [])
    if what == "standard output":
        return _OUTPUT
    if name.endswith("+"):
        return _CREATION
    return _FILES.get(name, [])
