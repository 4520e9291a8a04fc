"""Where the master key comes from: a file that only its owner can read, or a command that prints it."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from gateway.config.key import KeyConfig
from gateway.errors import SealingError
from gateway.messages import side_by_side
from gateway.platform import WINDOWS, private_dir, replace, write_private
from gateway.processes import output_of
from gateway.sealing.box import KEY_SIZE, Sealing

_HEADING = b"gateway-master-key-1 "  # the first words of a key file; then the key in base64
_LONGEST = 200  # bytes of a key file, or of what a command prints, that are looked at
_NEXT = ".next"  # while one key takes another's place, the new one lies beside it


class KeySource(Protocol):
    """Gives the master keys there are. Nothing of them shows in a repr."""

    makes: bool  # whether it makes a new key by itself

    def read(self) -> list[bytes]:
        """The key; then others that may still be wanted, while one takes another's place. Raises SealingError."""
        ...

    def successor(self) -> bytes:
        """The key that is to be the master from now on; made where this source makes them. Raises SealingError."""
        ...

    def following(self) -> bytes | None:
        """A successor that was made and has not taken the key's place yet. Raises SealingError."""
        ...

    def settle(self) -> None:
        """The successor is the key: what was there before is needed no more. Twice is once."""
        ...

    def alone(self, seconds: float, /) -> AbstractContextManager[bool]:
        """Keep every other process of this machine from replacing the key meanwhile: two at once could put a successor
        of the one into the place of the other's. False when another one is at it for so many seconds."""
        ...

    def where(self) -> str:
        """What a person is told of it."""
        ...


class KeyFile:
    """A file of one line, 0600, in a folder that is 0700."""

    makes = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next = path.with_name(path.name + _NEXT)

    def make(self) -> None:
        """Make a new key where there is none."""
        if not self.path.exists():
            write_key(self.path, os.urandom(KEY_SIZE))

    def read(self) -> list[bytes]:
        """The key, and the next one while a rotation is under way.

        Raises SealingError when it is missing, is not a key file, or others than its owner can read or write it.
        """
        following = self.following()  # first: it may be about to become the key
        return [_read(self.path), *([following] if following else [])]

    def following(self) -> bytes | None:
        """The next key, while a rotation is under way."""
        if not self._next.exists():
            return None
        try:
            return _read(self._next)
        except SealingError:
            if self._next.exists():
                raise
            return None  # it became the key at this moment

    def successor(self) -> bytes:
        """The next key, made durable beside the key before anything is wrapped under it."""
        if not self._next.exists():
            write_key(self._next, os.urandom(KEY_SIZE))
        return _read(self._next)

    def settle(self) -> None:
        """The next key takes the key's name."""
        if self._next.exists():
            replace(self._next, self.path)

    @contextmanager
    def alone(self, seconds: float, /) -> Iterator[bool]:
        """By a lock beside the file, which ends with the process."""
        lock = FileLock(self.path.with_name(self.path.name + ".lock"), mode=0o600)
        with suppress(Timeout):
            lock.acquire(timeout=seconds)
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def where(self) -> str:
        """The file's name."""
        return str(self.path)


class KeyCommand:
    """A program that prints the key: of a key management service, a vault, the system's keyring. Run anew each time."""

    makes = False

    def __init__(self, words: Sequence[str], seconds: float) -> None:
        self._words, self._seconds = list(words), seconds

    def read(self) -> list[bytes]:
        """The key it prints, as a key file holds it or as bare base64. Raises SealingError; what it printed is never
        told."""
        try:
            code, said = output_of(self._words, self._seconds, _LONGEST)
        except OSError as error:
            raise SealingError(side_by_side("sealing.command_failed", where=self.where(), problem=error)) from None
        if code != 0:
            raise SealingError(side_by_side("sealing.command_failed", where=self.where(), problem=f"exit {code}"))
        key = _key_in(said)
        if key is None:
            raise SealingError(side_by_side("sealing.command_no_key", where=self.where()))
        return [key]

    def successor(self) -> bytes:
        """What it prints now."""
        return self.read()[0]

    def following(self) -> bytes | None:
        """None: it makes none."""
        return None

    def settle(self) -> None:
        """Nothing: where it takes the key from is not ours."""

    def alone(self, _seconds: float, /) -> AbstractContextManager[bool]:
        """Nobody is kept out: what others do at the same time in the database is done once."""
        return nullcontext(True)

    def where(self) -> str:
        """The program: its words may be anything, a token by mistake among them."""
        return self._words[0]


class Handing:
    """A source, and another one that still gives the key of before."""

    def __init__(self, source: KeySource, old: KeySource) -> None:
        self._source, self._old, self.makes = source, old, source.makes

    def read(self) -> list[bytes]:
        """Both keys. Raises SealingError."""
        return [*self._source.read(), *self._old.read()]

    def successor(self) -> bytes:
        """The source's key where it gives another one already; else its successor."""
        return self._source.successor()

    def following(self) -> bytes | None:
        """The source's."""
        return self._source.following()

    def alone(self, seconds: float, /) -> AbstractContextManager[bool]:
        """The source's."""
        return self._source.alone(seconds)

    def settle(self) -> None:
        """The source settles; the old one is not touched."""
        self._source.settle()

    def where(self) -> str:
        """Both."""
        return f"{self._source.where()}, {self._old.where()}"


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
            self._known.setdefault(one.fingerprint, one)

    def find(self, fingerprint: str) -> Sealing | None:
        """The key of that fingerprint, if the source has it. Raises SealingError."""
        if fingerprint not in self._known:
            self.reload()
        return self._known.get(fingerprint)

    def fingerprints(self) -> list[str]:
        """Those there are, the source's own first."""
        return list(self._known)


def source_of(config: KeyConfig, key_file: Path, *, create: bool) -> KeySource:
    """Where the configuration says that the key is. `create`: a key file that is missing is made."""
    file = KeyFile(key_file)
    if not config.command:
        if create:
            file.make()
        return Handing(file, KeyCommand(config.old_command, config.seconds)) if config.old_command else file
    command = KeyCommand(config.command, config.seconds)
    if config.old_command:
        return Handing(command, KeyCommand(config.old_command, config.seconds))
    return Handing(command, file) if key_file.exists() else command


def write_key(path: Path, key: bytes) -> None:
    """Keep a key in a new file, 0600. One that is there already stays as it is."""
    if not path.parent.is_dir():  # a folder of somebody else's keeps the permissions it has
        private_dir(path.parent)
    with suppress(FileExistsError):  # another process made it at the same moment: that one counts
        write_private(path, _HEADING + base64.b64encode(key) + b"\n")


def _key_in(text: bytes) -> bytes | None:
    """The key in a key file's line, or in bare base64."""
    try:
        key = base64.b64decode(text.strip().removeprefix(_HEADING).strip(), validate=True)
    except binascii.Error:
        return None
    return key if len(key) == KEY_SIZE else None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read(_LONGEST)
    except OSError as error:
        raise SealingError(side_by_side("sealing.missing", where=path)) from error
    if not WINDOWS and (found.st_mode & 0o077 or found.st_uid != os.geteuid()):
        raise SealingError(side_by_side("sealing.exposed", where=path))
    key = _key_in(text) if text.startswith(_HEADING) and stat.S_ISREG(found.st_mode) else None
    if key is None:
        raise SealingError(side_by_side("sealing.not_a_key", where=path))
    return key
