"""Runs a program and decides about each of its system calls, as they come, whichever thread makes them.

The kernel tells of each call before it is made (seccomp's user notification) and waits for what is to be done: go
on, fail with an error, or do a part. strace's `inject` counts the calls of each thread for itself, so that with
a pool of threads nobody could say which call of a run is going to fail; here it is one count for the process. And a
short write is a true one: the bytes that are said to be written are.
"""
import ctypes
import errno
import fcntl
import os
import select
import signal
import struct
import time

from calls import ARCHITECTURE, NUMBERS, Call

_libc = ctypes.CDLL(None, use_errno=True)
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_PIDFD_GETFD = 438
_RECEIVE, _SEND, _SET_FLAGS = 0xC0502100, 0xC0182101, 0x40082104
_CONTINUE = 1


class Unsupported(Exception):
    """This machine's kernel does not tell of calls."""


class Outcome:
    """How a run ended."""

    def __init__(self, status, killed_by, timed_out, held):
        self.status = status
        self.killed_by = killed_by
        self.timed_out = timed_out
        self.held = held  # what its descriptors led to when it ended


class GoOn:
    """The call is made as it is."""


class Fail:
    """The call is not made, and ends in an error."""

    def __init__(self, code):
        self.code = code


class Shorten:
    """One byte is moved, however many were asked for."""


class Kill:
    """The process gets a signal before the call is made."""

    def __init__(self, number):
        self.number = number


class Program:
    """A program under supervision.

    `decide(call)` is asked about each call and returns one of the above. `serve` has to run for as long as the
    program does: it is what answers the kernel.
    """

    def __init__(self, arguments, decide, *, environment, directory, stdout, stderr):
        if ARCHITECTURE not in _SECCOMP:
            raise Unsupported(f"no table of system calls for {ARCHITECTURE}")
        self._decide = decide
        self._held = []
        told, tell = os.pipe()
        wait, go = os.pipe()
        filter_code = _filter()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(go)
            _become(arguments, environment, directory, stdout, stderr, tell, wait, filter_code)
        os.close(tell)
        os.close(wait)
        number = os.read(told, 16)
        os.close(told)
        self._pidfd = os.pidfd_open(self.pid)
        try:
            self._listener = self._fetch(int(number or -1))
        finally:
            os.close(go)
        try:
            # Hands over to the one who is waited for at once. Kernels before 6.6 do not know it.
            fcntl.ioctl(self._listener, _SET_FLAGS, 1)
        except OSError:
            pass

    def _fetch(self, number):
        deadline = time.monotonic() + 10
        while number >= 0 and time.monotonic() < deadline:
            found = _libc.syscall(_PIDFD_GETFD, self._pidfd, number, 0)
            if found >= 0:
                return found
            if select.select([self._pidfd], [], [], 0.0002)[0]:
                break
        os.waitpid(self.pid, 0)
        os.close(self._pidfd)
        raise Unsupported("the kernel refuses seccomp's user notification")

    def serve(self, timeout):
        """Answers the kernel until the program ends, and returns how it did."""
        deadline = time.monotonic() + timeout
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        buffer = bytearray(80)
        timed_out = False
        while True:
            events = poll.poll(max(0, (deadline - time.monotonic()) * 1000))
            if not events:
                if timed_out:
                    break
                timed_out = True
                deadline = time.monotonic() + 10
                os.kill(self.pid, signal.SIGKILL)
                continue
            if not events[0][1] & select.POLLIN:
                break
            buffer[:] = bytes(80)
            try:
                fcntl.ioctl(self._listener, _RECEIVE, buffer)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):  # whoever made the call is gone
                    continue
                raise
            identity, thread, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", buffer)
            self._answer(identity, Call(self.pid, thread, NUMBERS[number], arguments))
        os.close(self._listener)
        _, status = os.waitpid(self.pid, 0)
        os.close(self._pidfd)
        killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        code = None if killed_by else os.WEXITSTATUS(status)
        return Outcome(code, killed_by, timed_out, self._held)

    def _answer(self, identity, call):
        value, error, flags = 0, 0, _CONTINUE
        if call.name == "exit_group":
            self._held = call.held_descriptors()
        else:
            try:
                decision = self._decide(call)
            except ProcessLookupError:  # it is ending, and has no memory any more
                decision = GoOn()
            if isinstance(decision, Fail):
                error, flags = -decision.code, 0
            elif isinstance(decision, Kill):
                os.kill(self.pid, decision.number)
            elif isinstance(decision, Shorten):
                try:
                    value, flags = self._move_one_byte(call), 0
                except OSError as failure:
                    error, flags = -failure.errno, 0
        try:
            fcntl.ioctl(self._listener, _SEND, struct.pack("QqiI", identity, value, error, flags))
        except OSError as failure:
            if failure.errno != errno.ENOENT:  # it was killed meanwhile
                raise

    def _move_one_byte(self, call):
        def descriptor(number):
            found = _libc.syscall(_PIDFD_GETFD, self._pidfd, number, 0)
            if found < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            return found

        opened = [descriptor(call.descriptor)]
        try:
            file = opened[0]
            if call.name == "read":
                data = os.read(file, 1)
                call.write_memory(call.arguments[1], data)
                return len(data)
            if call.name == "pread64":
                data = os.pread(file, 1, call.arguments[3])
                call.write_memory(call.arguments[1], data)
                return len(data)
            if call.name == "write":
                return os.write(file, call.read_memory(call.arguments[1], 1))
            if call.name == "pwrite64":
                return os.pwrite(file, call.read_memory(call.arguments[1], 1), call.arguments[3])
            if call.name == "writev":
                base = struct.unpack("Q", call.read_memory(call.arguments[1], 8))[0]
                return os.write(file, call.read_memory(base, 1))
            if call.name == "copy_file_range":
                opened.append(descriptor(call.arguments[2]))
                places = []
                for pointer in (call.arguments[1], call.arguments[3]):
                    places.append(struct.unpack("q", call.read_memory(pointer, 8))[0] if pointer else None)
                count = os.copy_file_range(file, opened[1], 1, *places)
                for pointer, place in zip((call.arguments[1], call.arguments[3]), places):
                    if pointer:
                        call.write_memory(pointer, struct.pack("q", place + count))
                return count
            raise ValueError(f"no short {call.name}")
        finally:
            for each in opened:
                os.close(each)


def _filter():
    """A program for the kernel: calls that are in the table are told, all others made."""
    numbers = sorted(NUMBERS)
    code = [struct.pack("HBBI", 0x20, 0, 0, 4)]  # load the architecture
    code.append(struct.pack("HBBI", 0x15, 0, len(numbers) + 1, _AUDIT[ARCHITECTURE]))
    code.append(struct.pack("HBBI", 0x20, 0, 0, 0))  # load the number
    for position, number in enumerate(numbers):
        code.append(struct.pack("HBBI", 0x15, len(numbers) - position, 0, number))
    code.append(struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000))  # make it
    code.append(struct.pack("HBBI", 0x06, 0, 0, 0x7FC00000))  # tell
    return b"".join(code)


def _become(arguments, environment, directory, stdout, stderr, tell, wait, code):
    """The child: what is called after the filter is in place must not be told, for nobody listens yet."""
    try:
        os.chdir(directory)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        text = ctypes.create_string_buffer(code, len(code))
        program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(text)))
        free = os.dup(null)
        os.close(free)
        os.write(tell, str(free).encode())
        _libc.prctl(38, 1, 0, 0, 0)
        # A listener of its own; only a deadly signal gets a thread out of waiting for an answer.
        _libc.syscall(_SECCOMP[ARCHITECTURE], 1, (1 << 3) | (1 << 5), program)
        select.select([wait], [], [])
        os.execve(arguments[0], arguments, environment)
    finally:
        os._exit(127)
