"""Brings a backup back: to an empty place, held until a person releases it, without what was purged since.

The place is marked before anything is in it and unmarked after everything is: one where this was killed cannot be
worked with, and the restoration is begun again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from gateway import instance, tombstones
from gateway.archive import Shelf
from gateway.backups import index
from gateway.backups.folder import Folder
from gateway.backups.index import ARCHIVED, Entry
from gateway.backups.make import CONFIGURATION, key_of
from gateway.backups.manifest import Manifest, Object
from gateway.clock import Clock
from gateway.config import Paths, paths
from gateway.errors import BackupError
from gateway.instance import UNFINISHED, Held, Instance
from gateway.messages import side_by_side
from gateway.platform import open_private, passing, private_dir, publish, sync_file
from gateway.sealing import Masters
from gateway.store import Store, backups, keys, retention

POINTS = ("restore.marked", "restore.laid", "restore.files", "restore.database", "restore.told")
_MAY_BE_THERE = frozenset({"keys", "lock"})


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: files, those left out because they were purged, and where the old configuration lies."""

    manifest: Manifest
    files: int
    purged: int
    configuration: Path | None


def restore(
    folder: Folder, name: str, into: Path, masters: Masters, clock: Clock, *, actor: str, more: Path | None = None
) -> Restored:
    """Bring backup `name` to the state folder `into`, which is empty but for its keys, and leave it held. `more`: a
    list of tombstones beside the folder's, from where a purge could not reach the folder.

    Raises BackupError where something is there already or the backup is not whole, SealingError for another key.
    """
    manifest = folder.manifest(name)
    key = key_of(folder, masters, manifest)
    place = paths(private_dir(into))
    _must_be_empty(place)
    held = Held(why=UNFINISHED, since=clock.now(), backup=name, made_at=manifest.made_at, folder=str(folder.root))
    here = instance.elsewhere(Instance(house=manifest.house, place="", turn=manifest.turn), held)
    instance.keep(place.instance, here)
    passing("restore.marked")
    restoring = _Restoring(folder, manifest, key, place, more)
    made = restoring.all()
    store = Store.open(place.database, clock, actor=actor)
    try:
        with store.write() as tx:
            for one in tombstones.every(place.tombstones):
                keys.destroy(tx, one.owner)
                retention.bury(tx, one.owner, one.kind, files=0, size=0, at=one.at)
            retention.erased(tx, retention.to_erase(tx))
            backups.tell(tx, backups.RESTORED, name, {"files": made.files, "purged": made.purged})
    finally:
        store.close()
    passing("restore.told")
    instance.keep(place.instance, here.model_copy(update={"held": held.model_copy(update={"why": "restored"})}))
    return made


def _must_be_empty(place: Paths) -> None:
    """Nothing is ever overwritten but what a killed restoration left."""
    found = {path.name for path in place.state.iterdir()} - _MAY_BE_THERE
    here = instance.read(place.instance)
    if here is not None and here.held is not None and here.held.why == UNFINISHED:
        for one in (place.archive, place.scratch, place.schemas, place.payer):
            shutil.rmtree(one, ignore_errors=True)
        for path in place.state.glob(f"{place.database.name}*"):
            path.unlink()
    elif found:
        raise BackupError(side_by_side("backups.place_taken", folder=place.state, what=min(found)))


class _Restoring:
    """One restoration on its way."""

    def __init__(self, folder: Folder, manifest: Manifest, key: bytes, place: Paths, more: Path | None) -> None:
        self.folder, self.manifest, self.key, self.place = folder, manifest, key, place
        self.archive = Shelf(place.archive)
        self.buried = [*tombstones.every(folder.tombstones), *(tombstones.every(more) if more else ())]
        self.gone = {one.owner for one in self.buried}

    def all(self) -> Restored:
        """Files first, the database last: no row ever speaks of a file that is still to come."""
        files = purged = 0
        for entry in index.entries(self.folder, self.key, self.manifest):
            if entry.kind == ARCHIVED and entry.object.owner in self.gone:
                purged += 1
                continue
            self._lay(entry)
            files += 1
            passing("restore.laid")
        tombstones.add(self.place.tombstones, self.buried)
        passing("restore.files")
        self._write(self.place.database, self.manifest.database)
        passing("restore.database")
        configuration = self._own(CONFIGURATION)
        return Restored(self.manifest, files, purged, configuration if configuration.exists() else None)

    def _lay(self, entry: Entry) -> None:
        if entry.kind == ARCHIVED:
            self.archive.lay(entry.name, self._copy(entry.object))
        else:
            self._write(self._own(entry.name), entry.object)

    def _own(self, name: str) -> Path:
        """Where an own file goes. The configuration is laid beside: it speaks of the other machine."""
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts:
            raise self.folder.error("object_damaged", owner=name)
        return self.place.state.joinpath("restored", *parts) if name == CONFIGURATION else self.place.state / name

    def _write(self, final: Path, item: Object) -> None:
        private_dir(final.parent)
        temporary = final.with_name(f".{final.name}.part")
        with open_private(temporary, exclusive=False) as file:
            self._copy(item)(file)
            sync_file(file)
        final.unlink(missing_ok=True)
        publish(temporary, final)

    def _copy(self, item: Object) -> Callable[[BinaryIO], None]:
        """Copies an object; that it is the one named is what its seal says."""
        return lambda sink: index.copy(self.folder, self.key, item, sink)
