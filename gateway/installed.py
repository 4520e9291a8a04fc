"""The families of a running installation: read again when one is added, replaced or removed beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import structlog

from gateway.catalog import Catalog, DocumentType, Family, load
from gateway.errors import CatalogError

WORK = ".work"  # where an installation is under way; a folder deeper than a family is looked for
log = structlog.get_logger()


class Installed(Catalog):
    """A catalog that looks, before it answers, whether its folders changed. Installing renames whole folders, so the
    folders' own times tell; a family that cannot be read leaves everything as it was."""

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

    def document(self, family: str, name: str, *days: date | None) -> DocumentType:
        self._look()
        return super().document(family, name, *days)

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
    """When names in these folders last changed; 0 for one that is not there."""
    return [_time(folder) for folder in folders]


def _time(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
