"""Differences between systems, and the order in which bytes become durable. Everything else calls these."""

from __future__ import annotations

import errno
import os
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


def replace(temporary: Path, final: Path) -> None:
    """Give a synced file the name of another one, in whose place it is from then on, durably."""
    temporary.replace(final)
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


def replace_private(path: Path, data: bytes) -> None:
    """Write a small file durably in the place of the one that may be there: whole the old one, or whole the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open_private(temporary, exclusive=False) as file:
            file.write(data)
            sync_file(file)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_dir(path.parent)


def append_private(path: Path, line: bytes) -> None:
    """Add a line to a file, durably; make it, readable by its owner only, when it is not there. Nothing that stands in
    the file is touched: the system may have been told to allow no more than that. After a line that a crash cut short
    it begins on one of its own."""
    new = not path.exists()
    line = b"\n" + line if not new and _cut_short(path) else line
    flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "ab", buffering=0) as file:
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(file.fileno())
    if new:
        sync_dir(path.parent)


def _cut_short(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
