"""A process whose chosen system calls wait for the word of another one before they are done (seccomp, Linux 5.5)."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle

# The kernel's numbers, by machine: (what it calls itself to a filter, the call `seccomp`, the calls by name).
_X86 = {
    "write": 1, "pwrite64": 18, "fsync": 74, "fdatasync": 75, "ftruncate": 77, "rename": 82, "renameat": 264,
    "renameat2": 316, "link": 86, "linkat": 265, "unlink": 87, "unlinkat": 263, "connect": 42, "sendto": 44,
}  # fmt: skip
_ARM = {
    "write": 64, "pwrite64": 68, "fsync": 82, "fdatasync": 83, "ftruncate": 46, "renameat": 38, "renameat2": 276,
    "linkat": 37, "unlinkat": 35, "connect": 203, "sendto": 206,
}  # fmt: skip
_MACHINES = {"x86_64": (0xC000003E, 317, _X86), "aarch64": (0xC00000B7, 277, _ARM)}
_NO_NEW_PRIVILEGES, _SET_FILTER, _NEW_LISTENER = 38, 1, 1 << 3
_ASK, _ALLOW = 0x7FC00000, 0x7FFF0000  # what a filter says of a call
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # instructions of a filter
_CONTINUE = 1
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_ASKED, _ANSWER = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that waits. `thread`: the one that makes it."""

    id: int
    thread: int
    name: str


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("what", ctypes.c_uint)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction))]


def missing() -> str:
    """What this system lacks for it."""
    if platform.system() != "Linux" or platform.machine() not in _MACHINES:
        return "system calls can only be stopped on Linux (x86_64, aarch64)"
    release = tuple(int(part) for part in platform.release().split(".")[:2] if part.isdigit())
    return "" if release >= (5, 5) else "system calls can only be stopped since Linux 5.5"


def submit(names: Sequence[str], parent: Connection) -> None:
    """In the process itself, before it has a second thread: from here on these calls wait for whoever is at the other
    end. Raises OSError when the system does not allow it."""
    listener = _filter(names)
    send_handle(parent, listener, os.getppid())
    os.close(listener)


def _filter(names: Sequence[str]) -> int:
    mine, seccomp, numbers = _MACHINES[platform.machine()]
    wanted = [numbers[name] for name in names if name in numbers]
    last = len(wanted) + 1  # the instruction that asks, counted from the first comparison
    code = [(_LOAD, 0, 0, 4), (_EQUAL, 0, last, mine), (_LOAD, 0, 0, 0)]
    code += [(_EQUAL, len(wanted) - at, 0, number) for at, number in enumerate(wanted)]
    code += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ASK)]
    instructions = (_Instruction * len(code))(*code)
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(code), instructions)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    listener = int(libc.syscall(seccomp, _SET_FILTER, _NEW_LISTENER, ctypes.byref(program)))
    if listener < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")
    return listener


class Door:
    """The other end: hears each call of a process, and says what becomes of it."""

    def __init__(self, child: Connection) -> None:
        """Raises OSError when the process could not submit."""
        try:
            self._listener = recv_handle(child)
        except (EOFError, RuntimeError) as error:
            raise OSError(f"nobody submits: {error}") from error
        self._poll = select.poll()
        self._poll.register(self._listener, select.POLLIN)

    def close(self) -> None:
        """Whoever still asks is told that there is no such call (ENOSYS)."""
        os.close(self._listener)

    def next(self, patience: float) -> Call | None:
        """The next call that waits; None when the process is no more. Raises TimeoutError after so many seconds."""
        while True:
            happened = self._poll.poll(patience * 1000)
            if not happened:
                raise TimeoutError
            if not happened[0][1] & select.POLLIN:
                return None
            asked = bytearray(_ASKED.size)
            try:
                fcntl.ioctl(self._listener, _RECEIVE, asked)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):  # it died while it asked
                    continue
                raise
            number, thread, _, call = _ASKED.unpack(asked)[:4]
            return Call(number, thread, _names()[call])

    def let(self, call: Call) -> None:
        """It is done as if nobody had asked."""
        self._say(call, 0, _CONTINUE)

    def fail(self, call: Call, error: int) -> None:
        """It is not done, and fails with this errno."""
        self._say(call, -error, 0)

    def _say(self, call: Call, error: int, flags: int) -> None:
        try:
            fcntl.ioctl(self._listener, _SEND, _ANSWER.pack(call.id, 0, error, flags))
        except OSError as gone:
            if gone.errno not in (errno.ENOENT, errno.EINPROGRESS):  # it died meanwhile
                raise


@cache
def _names() -> dict[int, str]:
    return {number: name for name, number in _MACHINES[platform.machine()][2].items()}
