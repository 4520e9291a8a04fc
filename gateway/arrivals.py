"""Files that arrive in a mailbox: which of them are finished, and the bytes of one, whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import BinaryIO, cast

from gateway.errors import Gone
from gateway.ports import Pickup, WaitingFile
from gateway.sealing.spool import spool

# Names in lower case: those under which editors and transfer programs still write …
_UNFINISHED = (".*", "~$*", "*.part", "*.partial", "*.filepart", "*.tmp")
# … and what editors, desktops and we ourselves leave beside real files.
_CLUTTER = ("*~", "thumbs.db", "desktop.ini", "icon\\r", "recus")


def is_unfinished(name: str) -> bool:
    """Whether somebody still writes under this name: a whole file gets another one."""
    return _like(name, _UNFINISHED)


def is_clutter(name: str) -> bool:
    """Whether a file of this name is nobody's deposit."""
    return _like(name, _CLUTTER)


def _like(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in patterns)


class Looks:
    """What one mailbox looked like before. Kept in memory; a restart begins again."""

    def __init__(self) -> None:
        self._files, self._refused = _Unchanged(), _Unchanged()

    def finished(
        self, files: Sequence[WaitingFile], rule: str, seconds: float, now: float
    ) -> tuple[list[WaitingFile], float | None]:
        """The finished files, and after how many seconds another look may finish one more. `now`: monotonic.

        `rule` is rename (a name is given to whole files only), marker (a companion says so) or settle: two looks, at
        least `seconds` apart, show the file unchanged.
        """
        files = [file for file in files if file.refused is None]
        if rule == "rename":
            return files, None
        if rule == "marker":
            return [file for file in files if file.marker], None
        return self._files.among(files, seconds, now)

    def refused(
        self, files: Sequence[WaitingFile], seconds: float, now: float
    ) -> tuple[list[WaitingFile], float | None]:
        """The entries that are never taken and stay as they are, by two looks at least `seconds` apart: a file that
        gets its name by a link has two names for a moment, and nothing is wrong with it."""
        return self._refused.among([file for file in files if file.refused is not None], seconds, now)


class _Unchanged:
    """Since when each entry of one mailbox has looked the same."""

    def __init__(self) -> None:
        self._since: dict[WaitingFile, float] = {}  # the entry exactly as it looked → monotonic seconds

    def among(self, files: Sequence[WaitingFile], seconds: float, now: float) -> tuple[list[WaitingFile], float | None]:
        """Those that were the same at least `seconds` ago, and after how many seconds one more may be."""
        before, self._since = self._since, {file: self._since.get(file, now) for file in files}
        done: list[WaitingFile] = []
        waits: list[float] = []
        for file in files:
            left = self._since[file] + seconds - now
            if file in before and left <= 0:
                done.append(file)
            else:
                waits.append(max(left, 0.0))
        return done, min(waits, default=None)


@dataclass(frozen=True, slots=True)
class Whole:
    """A file's bytes, at their beginning, and their sha256 (hex)."""

    stream: BinaryIO
    sha256: str


@contextmanager
def taken(box: Pickup, file: WaitingFile) -> Iterator[Whole]:
    """Read a waiting file. Raises Gone when it is longer or shorter than it was listed: it is not finished."""
    with spool() as stream:
        sink = _Sized(stream, file.size)
        box.read(file, cast(BinaryIO, sink))
        if sink.size != file.size:
            raise Gone("shorter than it was listed")
        stream.seek(0)
        yield Whole(stream, sink.sha256)


class _Sized:
    """A sink that takes no more than a file was listed with, and hashes what it takes."""

    def __init__(self, sink: BinaryIO, listed: int) -> None:
        self._sink, self._listed, self._digest = sink, listed, hashlib.sha256()
        self.size = 0  # bytes so far

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        if self.size > self._listed:
            raise Gone("longer than it was listed")
        self._digest.update(data)
        return self._sink.write(data)
