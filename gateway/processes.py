"""Processes, where systems differ: how ours ends, what it may use, and how another one is started apart from it."""

from __future__ import annotations

import errno
import io
import math
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from gateway.platform import WINDOWS

_M_ARENA_MAX = -8  # of glibc's malloc.h


def on_stop(stop: Callable[[], None]) -> None:
    """Call `stop` on Ctrl-C and on SIGTERM."""

    def handle(_signal: int, _frame: object) -> None:
        stop()

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


@contextmanager
def stops_noted() -> Iterator[Callable[[], None]]:
    """Meanwhile Ctrl-C, SIGTERM and a terminal that closes are only noted. What this gives raises KeyboardInterrupt
    once one was; it is called between two steps. In the middle of one, Python may swallow what a signal raises (in a
    callback of the garbage collector), or leave a thread behind that nobody waits for. Only a second Ctrl-C stops at
    once, for somebody before whom a step hangs; nothing interrupts what tidies up after either. For the main thread."""
    wanted = [signal.SIGINT, signal.SIGTERM, *([] if WINDOWS else [signal.SIGHUP])]
    noted: list[int] = []

    def stop() -> None:
        for one in wanted:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    def note(one: int, _frame: object) -> None:
        noted.append(one)
        if noted.count(signal.SIGINT) > 1:
            stop()

    before = {one: signal.signal(one, note) for one in wanted}
    try:
        yield lambda: stop() if noted else None
    finally:
        for one, was in before.items():
            signal.signal(one, was)


def tell_manager(state: str) -> bool:
    """Say `state` ("READY=1", "WATCHDOG=1", "STOPPING=1") to the service manager that started this process, as
    sd_notify(3) of systemd does. Nothing happens without one, or when it does not listen. Gives whether it was said."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if WINDOWS or where[:1] not in ("/", "@"):
        return False
    address = "\0" + where[1:] if where[0] == "@" else where  # "@": a name the kernel keeps, in no folder
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0)) as line:
            line.setblocking(False)  # a manager that does not read is no reason to stand still
            line.sendto(state.encode(), address)
    except OSError:
        return False
    return True


def limit_memory(size: int) -> None:
    """Let this process have no more than `size` bytes of address space, where the system can hold it to that."""
    if WINDOWS:
        return
    import resource  # not on Windows

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))


def use_one_heap() -> None:
    """Let all threads of this process take their memory from one heap; before there are others. glibc gives each thread
    one of its own, and each of these keeps, for months, what its thread once needed at most. Python has its threads
    take turns: they do not wait for one another here. Elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    from ctypes import CDLL  # loaded only here: a check of one file starts without it

    with suppress(AttributeError):  # another C library
        CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_back_memory() -> None:
    """Let the system have what was freed here. glibc keeps it, between what is still held: a process that lives for
    months grows by that, though it holds no more than before. Elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    from ctypes import CDLL  # loaded only here: a check of one file starts without it

    with suppress(AttributeError):  # another C library
        CDLL(None).malloc_trim(0)


# -- a process that works on what nobody trusts --


def start_apart(module: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Run a module of ours in a new process that has nothing of this one but two pipes (its input and output): no open
    file, no variable of the environment, no terminal, and no module found in the current folder."""
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "PYTHONUTF8": "1"}
    kept = ("SYSTEMROOT", "LD_LIBRARY_PATH")  # without these some systems could not even start Python
    environment |= {name: os.environ[name] for name in kept if name in os.environ}
    return subprocess.Popen(  # noqa: S603 - our own Python and our own module; no shell
        [sys.executable, "-P", "-s", "-B", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback might quote a document
        env=environment,
        cwd=Path(__file__).anchor,
        start_new_session=True,  # Ctrl-C is for whoever waits for it
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def output_of(words: Sequence[str], seconds: float, most: int) -> tuple[int, bytes]:
    """Run a program the operator named, without a shell and without input; its exit code and the first `most` bytes it
    printed. It gets this process's environment: a key service is told by it where to go. Raises OSError when it cannot
    be started, or when it takes longer than `seconds`."""
    try:  # what it complains of may quote what it was given: taken, and told to nobody
        done = subprocess.run(words, input=b"", capture_output=True, timeout=seconds, check=False)  # noqa: S603 - as named
    except subprocess.TimeoutExpired:  # from None: it carries what was printed
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), words[0]) from None
    return done.returncode, done.stdout[:most]


def detach_pipes() -> tuple[BinaryIO, BinaryIO]:
    """In such a process: its two pipes, out of the way of anything that prints."""
    pipes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return pipes


def memory_file(size: int) -> BinaryIO:
    """A seekable file of about `size` bytes that is on no disk: the kernel's where it has such files and that pays,
    else this process's own memory."""
    if size >= 1 << 20 and sys.platform == "linux":
        return cast(BinaryIO, os.fdopen(os.memfd_create("document"), "w+b"))
    return io.BytesIO()


def leave_no_core() -> None:
    """When this process crashes, nothing of its memory is written to a disk."""
    if WINDOWS:
        return
    import resource  # not on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def confined(seconds: float, lifeline: BinaryIO) -> Iterator[None]:
    """Meanwhile this process dies by SIGXCPU when it works longer than `seconds` (whole seconds are what the system
    counts in: up to one more) and can write to no file. On Linux it also dies at once when the other end of `lifeline`
    closes; nothing may be sent there meanwhile. Windows has none of this: there only whoever waits can end it."""
    if WINDOWS:
        yield
        return
    import fcntl  # not on Windows
    import resource
    import select

    used = resource.getrusage(resource.RUSAGE_SELF)
    processor = math.ceil(used.ru_utime + used.ru_stime + seconds)
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    wanted = {resource.RLIMIT_CPU: processor, resource.RLIMIT_FSIZE: 0}
    before = {limit: resource.getrlimit(limit) for limit in wanted}
    for limit, (_, hard) in before.items():
        most = wanted[limit]
        resource.setrlimit(limit, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    if sys.platform == "linux":
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
        closed = select.poll()
        closed.register(lifeline, 0)
        if closed.poll(0):  # it closed before anybody would have told
            raise EOFError("whoever waits for this process is gone")
    try:
        yield
    finally:
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags)
        for limit, was in before.items():
            resource.setrlimit(limit, was)


def why_ended(code: int) -> str:
    """What ended a process, of its exit code: "SIGXCPU", "exit 1"."""
    if code >= 0:
        return f"exit {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def address_space() -> int:
    """Bytes of address space this process has, where the system tells; else 0."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
