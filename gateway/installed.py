"""The families of a running installation: read again when one is added, replaced or removed beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import structlog

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


def _all(folders: Iterable[Path]) -> list[Family]:
    return [family for same in load(folders).versions.values() for family in same]


def _times(folders: Iterable[Path]) -> list[int]:
    """When names in these folders last changed, and in those of their code tables; 0 for one that is not there."""
    shelves = [shelf(folder) for folder in folders]
    tables = [family for one in shelves if one.is_dir() for family in sorted(one.iterdir())]
    return [_time(folder) for folder in (*folders, *shelves, *tables)]


def _time(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
