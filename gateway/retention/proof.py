"""The proof that something was erased: what the history says, and what is looked at anew each time it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway import tombstones
from gateway.backups import House
from gateway.retention.purge import backup_folder
from gateway.store import keys, retention


@dataclass(frozen=True, slots=True)
class Proof:
    """Of one owner. The event is in the chain under `seq` with `hash`; `listed`: its tombstone is outside the database;
    `lying`, `in_backups`: whether any file of it is still there (None: the backup folder cannot be reached); `key`:
    destroyed | none | there."""

    owner: str
    kind: str
    purged_at: datetime
    purged_by: str
    files: int
    size: int
    seq: int
    hash: str
    listed: bool
    lying: bool
    in_backups: bool | None
    key: str

    @property
    def holds(self) -> bool:
        """Whether nothing of it can be read any more, as far as can be seen from here."""
        return self.listed and not self.lying and not self.in_backups and self.key != "there"


def prove(house: House, owner: str) -> Proof | None:
    """None when it was not purged."""
    with house.store.read() as tx:
        found, key = retention.tombstone(tx, owner), keys.find(tx, owner)
    if found is None:
        return None
    row, event = found
    folder = backup_folder(house)
    return Proof(
        owner=owner,
        kind=row.kind,
        purged_at=row.purged_at,
        purged_by=row.purged_by,
        files=row.files,
        size=row.size,
        seq=event.seq or 0,
        hash=event.hash,
        listed=owner in tombstones.owners(house.config.paths.tombstones),
        lying=house.archive.has(owner),
        in_backups=folder.holds(owner) if folder is not None else None,
        key="none" if key is None else "destroyed" if key.destroyed_at is not None else "there",
    )
