"""Purges: the tombstone outside the database, then key and row, then the files, here and in the backup folder.

In this order whatever is killed in between is carried through by the next start: a tombstone is a decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway import tombstones
from gateway.backups import Folder, House
from gateway.errors import BackupError
from gateway.platform import passing
from gateway.retention.survey import parcels, survey
from gateway.store import chunks, retention
from gateway.store.retention import DOCUMENTS
from gateway.tombstones import Tombstone

log = structlog.get_logger()
POINTS = ("retention.decided", "retention.buried", "retention.erased", "retention.recorded")
AT_ONCE = 200  # owners in one transaction


@dataclass(frozen=True, slots=True)
class Gone:
    """What was purged: owners, their files and bytes; files that went from the backup folder. `reached`: whether that
    folder could be; where not, the next purge or backup there does it."""

    owners: int
    files: int
    size: int
    in_backups: int
    reached: bool


def purge(house: House) -> Gone:
    """Purge everything that is due, and what an earlier purge that was killed left. Raises OSError when the list of
    tombstones cannot be written: then nothing is purged."""
    before = finish(house)
    with house.store.read() as tx:
        due = list(survey(tx, house.config.retention).each())
    made = [_some(house, piece) for piece in chunks(due, AT_ONCE)]
    with house.store.read() as tx:
        left = [(parcel, DOCUMENTS) for parcel in parcels(tx, house.config.retention)]
    made += [_some(house, piece) for piece in chunks(left, AT_ONCE)]
    return _sum([before, *made])


def finish(house: House) -> Gone:
    """Carry through what was decided and not done: tombstones without a row, rows whose files may still lie there."""
    listed = list(tombstones.every(house.config.paths.tombstones))
    with house.store.read() as tx:
        unknown = {one.owner for one in listed} - retention.known(tx, [one.owner for one in listed])
    left = [(one.owner, one.kind) for one in listed if one.owner in unknown]
    made = [_bury_and_erase(house, piece) for piece in chunks(left, AT_ONCE)]
    with house.store.read() as tx:
        owners = retention.to_erase(tx)
    made += [_erase(house, piece, 0, 0) for piece in chunks(owners, AT_ONCE)]
    return _sum(made)


def backup_folder(house: House) -> Folder | None:
    """The configured folder of backups, where it can be reached and is this house's."""
    if not house.config.backup.folder:
        return None
    folder = Folder(Path(house.config.backup.folder))
    try:
        return folder if folder.claim() is not None else None
    except BackupError:
        return None


def _some(house: House, due: Sequence[tuple[str, str]]) -> Gone:
    """The decision first, where no older database can undo it."""
    now = house.clock.now()
    made = [Tombstone(owner=owner, at=now, kind=kind) for owner, kind in due]
    tombstones.add(house.config.paths.tombstones, made)
    if (folder := backup_folder(house)) is not None:
        tombstones.add(folder.tombstones, made)
    passing("retention.decided")
    return _bury_and_erase(house, due)


def _bury_and_erase(house: House, due: Sequence[tuple[str, str]]) -> Gone:
    files = size = 0
    with house.store.write() as tx:
        for owner, kind in due:
            lying = list(house.archive.of(owner))
            files, size = files + len(lying), size + sum(one.size for one in lying)
            retention.bury(tx, owner, kind, files=len(lying), size=sum(one.size for one in lying))
            house.keyring.destroy(owner)
    passing("retention.buried")
    return _erase(house, [owner for owner, _ in due], files, size)


def _erase(house: House, owners: Sequence[str], files: int, size: int) -> Gone:
    for owner in owners:
        house.archive.erase(owner)
    folder = backup_folder(house)
    in_backups = sum(folder.forget(owner) for owner in owners) if folder is not None else 0
    passing("retention.erased")
    with house.store.write() as tx:
        retention.erased(tx, owners)
    passing("retention.recorded")
    log.info("purged", owners=len(owners), files=files)
    return Gone(len(owners), files, size, in_backups, folder is not None or not house.config.backup.folder)


def _sum(made: Iterable[Gone]) -> Gone:
    total = Gone(0, 0, 0, 0, True)
    for one in made:
        total = Gone(
            total.owners + one.owners,
            total.files + one.files,
            total.size + one.size,
            total.in_backups + one.in_backups,
            total.reached and one.reached,
        )
    return total
