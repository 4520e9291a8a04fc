"""Keeps bytes: whole and durable, or not at all. The path is nobody's business but this room's.

A file begins with a byte that names its format. Format 1 is the bytes as they came, written in frames of 64 KiB; sealed
ones will have another number. Every file lies in its owner's folder, so that erasing an owner needs no database.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import uuid_utils

from gateway.errors import StoreError
from gateway.messages import side_by_side
from gateway.platform import open_private, private_dir, publish, sync_dir, sync_file

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FRAME = 64 * 1024  # bytes
PLAIN = b"\x01"
_PART = ".part"
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,79}", re.ASCII)
_REF = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,79})/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stored:
    """What `put` kept: where (opaque), how many bytes, and their sha256 (hex)."""

    ref: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Lying:
    """A file as it lies on the disk: bytes with its format's own, and when it was last written (ns)."""

    ref: str
    size: int
    written: int


class Archive:
    """One folder of bytes, each file owned by one batch, reply or other record."""

    def __init__(self, folder: Path) -> None:
        self._folder = private_dir(folder)

    def put(self, owner: str, source: BinaryIO) -> Stored:
        """Keep everything `source` gives, for `owner` (an id); durable when this returns.

        Raises StoreError when the disk cannot keep it (then nothing is kept), and whatever `source` raises.
        """
        if _OWNER.fullmatch(owner) is None:
            raise ValueError(f"{owner!r} cannot own archived bytes")
        name = str(uuid_utils.uuid7())
        temporary = self._home(owner) / f".{name}{_PART}"
        try:
            with self._telling(owner):
                self._make_home(owner)
                file = open_private(temporary)
            with file:
                size, digest = self._copy(owner, source, file)
            with self._telling(owner):
                publish(temporary, temporary.with_name(name))
        finally:
            with suppress(OSError):
                temporary.unlink()
        return Stored(f"{owner}/{name}", size, digest)

    def open(self, ref: str) -> BinaryIO:
        """The bytes, as a seekable stream that the caller closes. Raises StoreError when they are not there."""
        try:
            file = self._path(ref).open("rb", buffering=0)
        except OSError as error:
            raise StoreError(self._sentence("missing", ref=ref)) from error
        if file.read(1) != PLAIN:
            file.close()
            raise StoreError(self._sentence("unknown_format", ref=ref))
        return io.BufferedReader(_Body(file), FRAME)

    def size(self, ref: str) -> int:
        """How many bytes `open` would give. Raises StoreError when they are not there."""
        try:
            return self._path(ref).stat().st_size - len(PLAIN)
        except OSError as error:
            raise StoreError(self._sentence("missing", ref=ref)) from error

    def erase(self, owner: str) -> None:
        """Remove everything an owner has, and nobody else's. Twice is once."""
        if _OWNER.fullmatch(owner) is None or not (home := self._home(owner)).is_dir():
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
            whole = not path.name.endswith(_PART)
            if path.stat().st_mtime >= older_than.timestamp() or (whole and known(f"{path.parent.name}/{path.name}")):
                continue
            path.unlink(missing_ok=True)
            removed += 1
            with suppress(OSError):  # not empty: others of the same owner stay
                path.parent.rmdir()
        return removed

    # -- a copy of the archive: files as they lie, whatever their format --

    def each(self) -> Iterator[Lying]:
        """Every whole file, in no order. One that is erased meanwhile is left out."""
        for path in self._files():
            with suppress(FileNotFoundError):
                found = path.stat()
                if not path.name.endswith(_PART):
                    yield Lying(f"{path.parent.name}/{path.name}", found.st_size, found.st_mtime_ns)

    def lift(self, ref: str) -> BinaryIO:
        """The file itself, format byte and all, for a copy; readers `open`. Raises FileNotFoundError."""
        return self._path(ref).open("rb")

    def lay(self, ref: str, copy: Callable[[BinaryIO], None]) -> None:
        """Put such a file where it lay, in the place of one that is there; `copy` writes it. Raises StoreError when the
        disk cannot keep it, and whatever `copy` raises."""
        final = self._path(ref)
        temporary = final.with_name(f".{final.name}{_PART}")
        with self._telling(final.parent.name):
            self._make_home(final.parent.name)
            file = open_private(temporary, exclusive=False)
        with file:
            copy(file)
            with self._telling(final.parent.name):
                sync_file(file)
        with self._telling(final.parent.name):
            temporary.replace(final)
            sync_dir(final.parent)

    def has(self, owner: str) -> bool:
        """Whether anything of an owner is left."""
        return _OWNER.fullmatch(owner) is not None and self._home(owner).is_dir()

    def _copy(self, owner: str, source: BinaryIO, file: BinaryIO) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        with self._telling(owner):
            file.write(PLAIN)
        while frame := source.read(FRAME):
            digest.update(frame)
            size += len(frame)
            with self._telling(owner):
                file.write(frame)
        with self._telling(owner):
            sync_file(file)
            if os.fstat(file.fileno()).st_size != size + len(PLAIN):
                raise OSError("fewer bytes on disk than were written")
        return size, digest.hexdigest()

    def _make_home(self, owner: str) -> None:
        home = self._home(owner)
        for folder in (home.parent, home):
            if not folder.is_dir():
                private_dir(folder)
                sync_dir(folder.parent)

    def _home(self, owner: str) -> Path:
        return self._folder / hashlib.sha256(owner.encode()).hexdigest()[:2] / owner

    def _path(self, ref: str) -> Path:
        parts = _REF.fullmatch(ref)
        if parts is None:
            raise StoreError(self._sentence("missing", ref=ref))
        return self._home(parts[1]) / parts[2]

    def _files(self) -> Iterator[Path]:
        for shard in self._folder.iterdir():
            for home in shard.iterdir():
                yield from home.iterdir()

    @contextmanager
    def _telling(self, owner: str) -> Iterator[None]:
        """The disk's errors in our words; the source's stay its own."""
        try:
            yield
        except OSError as error:
            raise StoreError(self._sentence("not_written", owner=owner, problem=error.strerror or error)) from error

    def _sentence(self, key: str, **values: object) -> str:
        return side_by_side(f"archive.{key}", where=self._folder, **values)


class _Body(io.RawIOBase):
    """A file without the byte that names its format."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset + (len(PLAIN) if whence == os.SEEK_SET else 0), whence) - len(PLAIN)

    def tell(self) -> int:
        return self._file.tell() - len(PLAIN)

    def close(self) -> None:
        self._file.close()
        super().close()
