"""Keeps bytes: whole and durable, or not at all. The path is nobody's business but this room's.

A file begins with a byte that names its format. Format 2 is sealed, in frames of 64 KiB, under its owner's data key and
for its own ref (`sealing.frames`); reading it verifies it. Format 1 is the bytes as they came, of versions before
sealing: `seal_old` seals them, and from then on none is read. Every file lies in its owner's folder.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

import uuid_utils

from gateway.archive.old import PLAIN, OldStream, is_plain
from gateway.archive.shelf import OWNER, PART, Lying, Shelf
from gateway.errors import AlteredError, SealingError, StoreError
from gateway.platform import open_private, publish, replace, sync_dir, sync_file
from gateway.sealing.frames import FRAME, SALT, FrameSealer, SealedStream, framed, plain_size

__all__ = ["ALL_SEALED", "Archive", "Keys", "Lying", "Shelf", "Stored"]

SEALED = b"\x02"
ALL_SEALED = "archive"  # the scope whose key is made when no plain file is left: from then on none is taken for ours


@dataclass(frozen=True, slots=True)
class Stored:
    """What `put` kept: where (opaque), how many bytes, and their sha256 (hex)."""

    ref: str
    size: int
    sha256: str


class Keys(Protocol):
    """One data key by scope; every owner is a scope. All raise SealingError when a key cannot be had."""

    def has(self, scope: str) -> bool: ...

    def make(self, scope: str) -> bytes: ...

    def get(self, scope: str) -> bytes: ...

    def destroy(self, scope: str) -> bool: ...


class Archive(Shelf):
    """One folder of bytes, each file owned by one batch, reply or other record, and sealed under its owner's key."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        super().__init__(folder)
        self._keys = keys

    def put(self, owner: str, source: BinaryIO) -> Stored:
        """Keep everything `source` gives, for `owner` (an id); durable when this returns.

        Raises StoreError when the disk cannot keep it or the owner's key cannot be had (then nothing is kept), and
        whatever `source` raises.
        """
        if OWNER.fullmatch(owner) is None:
            raise ValueError(f"{owner!r} cannot own archived bytes")
        ref = f"{owner}/{uuid_utils.uuid7()}"
        size, digest = self._keep(ref, source, publish)
        return Stored(ref, size, digest)

    def open(self, ref: str) -> BinaryIO:
        """The bytes, as a seekable stream that the caller closes; every frame is verified when it is read.

        Raises StoreError when they are not there or their key is not, AlteredError (reading does, too) when they are
        not those that were put there.
        """
        try:
            file = self._path(ref).open("rb", buffering=0)
        except OSError as error:
            raise StoreError(self._sentence("missing", ref=ref)) from error
        try:
            return io.BufferedReader(self._body(ref, file), FRAME)
        except BaseException:
            file.close()
            raise

    def _body(self, ref: str, file: io.FileIO) -> io.RawIOBase:
        found = file.read(1)
        if found == SEALED:
            with self._unlocking():
                key = self._keys.get(ref.partition("/")[0])
            return SealedStream(file, key, _place(ref), lambda: self._altered(ref))
        if found == PLAIN and not self._keys.has(ALL_SEALED):
            return OldStream(file)
        raise self._altered(ref) if found == PLAIN else StoreError(self._sentence("unknown_format", ref=ref))

    def size(self, ref: str) -> int:
        """How many bytes `open` would give. Raises StoreError when they are not there."""
        try:
            with self._path(ref).open("rb", buffering=0) as file:
                size, sealed = os.fstat(file.fileno()).st_size - 1, file.read(1) == SEALED
        except OSError as error:
            raise StoreError(self._sentence("missing", ref=ref)) from error
        return plain_size(size - SALT) if sealed else size

    def erase(self, owner: str) -> None:
        """Destroy an owner's key, then remove everything it has, and nobody else's: copies elsewhere are as unreadable
        from then on. Twice is once. Raises SealingError, StoreError."""
        if OWNER.fullmatch(owner) is None:
            return
        self._keys.destroy(owner)
        if not (home := self._home(owner)).is_dir():
            return
        for path in home.iterdir():
            path.unlink(missing_ok=True)
        home.rmdir()
        sync_dir(home.parent)

    def sweep(self, known: Callable[[str], bool], older_than: datetime) -> int:
        """Remove what was last written before `older_than` (aware) and whose ref is not `known`: the process died
        between the bytes and their row. Give the number of files removed."""
        removed = 0
        for path in list(self._files()):
            whole = not path.name.endswith(PART)
            if path.stat().st_mtime >= older_than.timestamp() or (whole and known(f"{path.parent.name}/{path.name}")):
                continue
            path.unlink(missing_ok=True)
            removed += 1
            with suppress(OSError):  # not empty: others of the same owner stay
                path.parent.rmdir()
        return removed

    def seal_old(self, change: Callable[[str, bytes], bytes] | None = None) -> int:
        """Seal every file of before, under its own ref; how many there were. Killed anywhere, the next call goes on.
        `change(owner, data)` may give other bytes to keep. Raises StoreError. Nobody else may be writing."""
        if self._keys.has(ALL_SEALED):
            return 0
        old = [path for path in self._files() if not path.name.endswith(PART) and is_plain(path)]
        for path in old:
            self._seal_again(f"{path.parent.name}/{path.name}", change)
        self._keys.make(ALL_SEALED)
        return len(old)

    def _seal_again(self, ref: str, change: Callable[[str, bytes], bytes] | None) -> None:
        with self.open(ref) as whole:
            source: BinaryIO = whole if change is None else io.BytesIO(change(ref.partition("/")[0], whole.read()))
            self._keep(ref, source, replace)

    def _keep(self, ref: str, source: BinaryIO, publish_as: Callable[[Path, Path], None]) -> tuple[int, str]:
        """Write, seal, make durable, give the name."""
        final, owner = self._path(ref), ref.partition("/")[0]
        temporary = final.with_name(f".{final.name}{PART}")
        with self._unlocking():
            sealer = FrameSealer(self._keys.make(owner), _place(ref))
        try:
            with self._telling(owner):
                self._make_home(owner)
                file = open_private(temporary)
            with file:
                kept = self._copy(owner, source, file, sealer)
            with self._telling(owner):
                publish_as(temporary, final)
        finally:
            with suppress(OSError):
                temporary.unlink()
        return kept

    def _copy(self, owner: str, source: BinaryIO, file: BinaryIO, sealer: FrameSealer) -> tuple[int, str]:
        digest, size, written = hashlib.sha256(), 0, len(SEALED) + SALT
        with self._telling(owner):
            file.write(SEALED + sealer.salt)
        for frame, last in framed(source):
            digest.update(frame)
            size += len(frame)
            sealed = sealer.seal(frame, last)
            written += len(sealed)
            with self._telling(owner):
                file.write(sealed)
        with self._telling(owner):
            sync_file(file)
            if os.fstat(file.fileno()).st_size != written:
                raise OSError("fewer bytes on disk than were written")
        return size, digest.hexdigest()

    @contextmanager
    def _unlocking(self) -> Iterator[None]:
        """A key that cannot be had, in our words: bytes cannot be kept or read without it."""
        try:
            yield
        except SealingError as error:
            raise StoreError(str(error)) from error

    def _altered(self, ref: str) -> AlteredError:
        return AlteredError(self._sentence("altered", ref=ref))


def _place(ref: str) -> str:
    """What the frames of a file are bound to."""
    return f"archive:{ref}"
