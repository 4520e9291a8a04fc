"""Differences between systems, and the order in which bytes become durable. Everything else calls these."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

WINDOWS = sys.platform == "win32"

# Tests stop the program at a named point between two durable writes; in production nobody listens.
_listener: Callable[[str], None] | None = None


def passing(point: str) -> None:
    """Say that the flow passes `point`, a place between two durable writes."""
    if _listener is not None:
        _listener(point)


def listen(listener: Callable[[str], None] | None) -> None:
    """Let a test hear every `passing` (and kill the process there)."""
    global _listener
    _listener = listener


def as_text(path: Path | str) -> str:
    """A file's name as a report can carry it: some systems hold bytes in names that are no text."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def private_dir(path: Path) -> Path:
    """Make the folder (and its parents) readable by its owner only."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not WINDOWS:
        path.chmod(0o700)
    return path


def open_private(path: Path, *, exclusive: bool = True) -> BinaryIO:
    """A new file only its owner can read, whatever the umask."""
    flags = os.O_CREAT | os.O_RDWR | (os.O_EXCL if exclusive else os.O_TRUNC) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600), "w+b")


def sync_file(file: BinaryIO) -> None:
    """Make the bytes durable. An error here is final: the copy is not to be trusted (RELIABILITY section 1)."""
    file.flush()
    os.fsync(file.fileno())


def sync_dir(path: Path) -> None:
    """Make names in a folder durable. Windows has no such call and needs none."""
    if WINDOWS:
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def publish(temporary: Path, final: Path) -> None:
    """Give a synced file its final name, never over another one. Raises FileExistsError when the name is taken."""
    if WINDOWS:
        temporary.rename(final)  # fails when the name exists
        return
    try:
        os.link(temporary, final)
    except FileExistsError:
        raise
    except OSError:  # a share without hard links: the next best thing
        if final.exists():
            raise FileExistsError(f"{final} exists") from None
        temporary.rename(final)
    else:
        temporary.unlink()
    sync_dir(final.parent)


def write_private(path: Path, data: bytes) -> None:
    """Write a small file durably under its final name. Raises FileExistsError when it is there already."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open_private(temporary, exclusive=False) as file:
        file.write(data)
        sync_file(file)
    try:
        publish(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def on_stop(stop: Callable[[], None]) -> None:
    """Call `stop` on Ctrl-C and on SIGTERM."""

    def handle(_signal: int, _frame: object) -> None:
        stop()

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


def limit_memory(size: int) -> None:
    """Let this process have no more than `size` bytes of address space, where the system can hold it to that."""
    if WINDOWS:
        return
    import resource  # not on Windows

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))
