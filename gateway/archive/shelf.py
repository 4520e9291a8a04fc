"""The files of the archive as they lie, whatever their format: where, how a copy is made of one, how it is put back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.errors import StoreError
from gateway.messages import side_by_side
from gateway.platform import open_private, private_dir, replace, sync_dir, sync_file

PART = ".part"
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,79}", re.ASCII)
_REF = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,79})/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Lying:
    """A file as it lies on the disk: bytes with its format's own, and when it was last written (ns)."""

    ref: str
    size: int
    written: int


class Shelf:
    """One folder of files, in folders of their owners."""

    def __init__(self, folder: Path) -> None:
        self._folder = private_dir(folder)

    def each(self) -> Iterator[Lying]:
        """Every whole file, in no order. One that is erased meanwhile is left out."""
        for path in self._files():
            with suppress(FileNotFoundError):
                found = path.stat()
                if not path.name.endswith(PART):
                    yield Lying(f"{path.parent.name}/{path.name}", found.st_size, found.st_mtime_ns)

    def of(self, owner: str) -> Iterator[Lying]:
        """Every whole file of one owner."""
        if self.has(owner):
            for path in self._home(owner).iterdir():
                if not path.name.endswith(PART):
                    yield Lying(f"{owner}/{path.name}", path.stat().st_size, path.stat().st_mtime_ns)

    def lift(self, ref: str) -> BinaryIO:
        """The file itself, format byte and all, for a copy; readers `open`. Raises FileNotFoundError."""
        return self._path(ref).open("rb")

    def lay(self, ref: str, copy: Callable[[BinaryIO], None]) -> None:
        """Put such a file where it lay, in the place of one that is there; `copy` writes it. Raises StoreError when the
        disk cannot keep it, and whatever `copy` raises."""
        final = self._path(ref)
        temporary = final.with_name(f".{final.name}{PART}")
        with self._telling(final.parent.name):
            self._make_home(final.parent.name)
            file = open_private(temporary, exclusive=False)
        with file:
            copy(file)
            with self._telling(final.parent.name):
                sync_file(file)
        with self._telling(final.parent.name):
            replace(temporary, final)

    def has(self, owner: str) -> bool:
        """Whether anything of an owner is left."""
        return OWNER.fullmatch(owner) is not None and self._home(owner).is_dir()

    # -- within --

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
