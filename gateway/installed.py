"""The families of a running installation: read again when one is added, replaced or removed beside it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import structlog
from filelock import FileLock, Timeout

from gateway import limits
from gateway.catalog import Catalog, DocumentType, Family, load, shelf
from gateway.errors import CatalogError

WORK = ".work"  # where an installation is under way; a folder deeper than a family is looked for
log = structlog.get_logger()


class Installed(Catalog):
    """A catalog that looks, before it answers, whether its folders changed. Families are renamed whole and tables are
    new files, so the folders' own times tell; what cannot be read leaves everything as it was."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._lock = threading.Lock()
        self._seen = _times(self._folders)
        super().__init__(_all(self._folders))

    def candidates(self, root: str) -> Sequence[DocumentType]:
        self._look()
        return super().candidates(root)

    def recognise(self, root: str, *days: date | None) -> DocumentType | None:
        self._look()
        return super().recognise(root, *days)

    def document(self, family: str, name: str, *days: date | None, version: str | None = None) -> DocumentType:
        self._look()
        return super().document(family, name, *days, version=version)

    def _look(self) -> None:
        if any((folder / WORK).exists() for folder in self._folders):
            return  # between two renames a family is not there: what was read stays until the work is done
        now = _times(self._folders)
        with self._lock:
            if now == self._seen:
                return
            self._seen = now
            try:
                super().__init__(_all(self._folders))
            except CatalogError as error:
                log.error("families_unreadable", error=str(error))
                return
        log.info("families_read", families=sorted(self.families))


@contextmanager
def alone(schemas: Path, *, seconds: float = -1) -> Iterator[None]:
    """Be the only one who changes the families here. What an earlier one left when it was stopped between two renames
    is put back, what it had not finished is cleared. Raises filelock.Timeout after `seconds`, if not negative."""
    with FileLock(schemas / ".lock", timeout=seconds, mode=0o600):
        for family in sorted((schemas / WORK / "replaced").glob("*")):
            if not (schemas / family.name).exists():
                family.rename(schemas / family.name)
        shutil.rmtree(schemas / WORK, ignore_errors=True)
        yield


def settle(schemas: Path) -> None:
    """Before anything is read: put back what a replacement that was stopped had taken away. One that is under way is
    left alone."""
    if (schemas / WORK).exists():
        with suppress(Timeout), alone(schemas, seconds=0):
            log.info("families_settled")


def _all(folders: Iterable[Path]) -> list[Family]:
    return [family for same in load(folders).versions.values() for family in same]


def _times(folders: Iterable[Path]) -> list[int]:
    """When names in these folders last changed, and in those of their code tables, and an operator's limits; 0 for one
    that is not there."""
    shelves = [shelf(folder) for folder in folders]
    tables = [family for one in shelves if one.is_dir() for family in sorted(one.iterdir())]
    return [_time(folder) for folder in (*folders, *shelves, *tables, *(family / limits.FILE for family in tables))]


def _time(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
