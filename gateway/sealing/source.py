"""Where the master key comes from: a file that only its owner can read, or a command that prints it."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from gateway.errors import SealingError
from gateway.messages import side_by_side
from gateway.platform import WINDOWS, private_dir, write_private
from gateway.sealing.box import KEY_SIZE, Sealing

_HEADING = b"gateway-master-key-1 "  # the first words of a key file; then the key in base64
_LONGEST = 200  # bytes of a key file that are looked at
NEXT = ".next"  # while one takes another's place, the new key lies beside the old one


class KeySource(Protocol):
    """Gives the master keys there are. Nothing of it shows in a repr."""

    def read(self) -> list[bytes]:
        """The key, then the one that takes or took its place where there is such. Raises SealingError."""
        ...

    def where(self) -> str:
        """What a person is told of it."""
        ...


class KeyFile:
    """A file of one line, 0600, in a folder that is 0700."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.next = path.with_name(path.name + NEXT)

    def make(self) -> None:
        """Make a new key where there is none."""
        if not self.path.exists():
            write_key(self.path, os.urandom(KEY_SIZE))

    def read(self) -> list[bytes]:
        """The key, and the next one while a rotation is under way.

        Raises SealingError when it is missing, is not a key file, or others than its owner can read or write it.
        """
        following = _read(self.next) if self.next.exists() else None  # first: it may be about to become the key
        return [_read(self.path), *([following] if following else [])]

    def where(self) -> str:
        """The file's name."""
        return str(self.path)


class Masters:
    """The master keys of this process, by fingerprint; read again from their source when another one is asked for."""

    def __init__(self, source: KeySource) -> None:
        self.source = source
        self._known: dict[str, Sealing] = {}
        self.reload()

    def reload(self) -> None:
        """Ask the source again. Raises SealingError."""
        for key in self.source.read():
            one = Sealing(key)
            self._known[one.fingerprint] = one

    def find(self, fingerprint: str) -> Sealing | None:
        """The key of that fingerprint, if the source has it. Raises SealingError."""
        if fingerprint not in self._known:
            self.reload()
        return self._known.get(fingerprint)

    def fingerprints(self) -> list[str]:
        """Those there are, in the source's order."""
        return list(self._known)


def write_key(path: Path, key: bytes) -> None:
    """Keep a key in a new file, 0600. One that is there already stays as it is."""
    private_dir(path.parent)
    with suppress(FileExistsError):  # another process made it at the same moment: that one counts
        write_private(path, _HEADING + base64.b64encode(key) + b"\n")


def key_in(text: bytes, complain: Callable[[], SealingError]) -> bytes:
    """The key in a key file's line, or in bare base64."""
    try:
        key = base64.b64decode(text.strip().removeprefix(_HEADING).strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_SIZE:
        raise complain()
    return key


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read(_LONGEST)
    except OSError as error:
        raise SealingError(side_by_side("sealing.missing", where=path)) from error
    if not WINDOWS and (found.st_mode & 0o077 or found.st_uid != os.geteuid()):
        raise SealingError(side_by_side("sealing.exposed", where=path))

    def not_a_key() -> SealingError:
        return SealingError(side_by_side("sealing.not_a_key", where=path))

    if not text.startswith(_HEADING) or not stat.S_ISREG(found.st_mode):
        raise not_a_key()
    return key_in(text, not_a_key)
