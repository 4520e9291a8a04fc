"""recus/: where taken files go. Held open while it is used, so that nobody can put a link in its place meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from adapters import names
from gateway.errors import Denied
from gateway.platform import WINDOWS

_MAKE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_ENTER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_AS_IT_IS = {"follow_symlinks": False} if os.link in os.supports_follow_symlinks else {}  # a link is given back as one


class Settled:
    """The folder, open. Files in it are meant by their names alone."""

    def __init__(self, path: Path, folder: int | None) -> None:
        self._path, self._folder = path, folder  # no descriptor on Windows, which cannot open folders

    def place(self, name: str, mode: int) -> str:
        """A free name, held by an empty file of ours, so that a rename to it cannot hit anybody else's."""
        for number in count(1):
            free = names.numbered(name, number)
            with suppress(FileExistsError):
                os.close(os.open(self._where(free), _MAKE, mode, dir_fd=self._folder))
                return free
        raise AssertionError("count() never ends")

    def take(self, path: Path, name: str) -> os.stat_result:
        """Rename a file to a place in here, and look at what came."""
        os.replace(path, self._where(name), dst_dir_fd=self._folder)
        return os.stat(self._where(name), dir_fd=self._folder, follow_symlinks=False)

    def give_back(self, name: str, path: Path) -> None:
        """Rename it back, never over another one. Raises FileExistsError when the name was taken meanwhile."""
        here = self._where(name)
        try:
            os.link(here, path, src_dir_fd=self._folder, **_AS_IT_IS)
        except FileExistsError:
            raise
        except OSError:  # no hard links here, or not to such a thing: the next best
            if os.path.lexists(path):
                raise FileExistsError(f"{path} exists") from None
            os.rename(here, path, src_dir_fd=self._folder)
        else:
            os.unlink(here, dir_fd=self._folder)

    def sync(self) -> None:
        """Make what came durable."""
        if self._folder is not None:
            os.fsync(self._folder)

    def _where(self, name: str) -> str:
        return name if self._folder is not None else str(self._path / name)


@contextmanager
def opened(mailbox: Path) -> Iterator[Settled]:
    """recus/ of a mailbox, made where it is not there. Raises Denied when it is a link."""
    path = mailbox / names.SETTLED
    with suppress(FileExistsError):
        path.mkdir()
    if path.is_symlink():
        raise Denied(f"{path} is a link; what was taken would leave the agency's own folder")
    if WINDOWS:
        yield Settled(path, None)
        return
    folder = os.open(path, _ENTER)
    try:
        yield Settled(path, folder)
    finally:
        os.close(folder)
