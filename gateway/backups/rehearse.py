"""Whether a backup could save the house: restored to a scratch folder, its history and every hash examined."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway import tombstones
from gateway.archive import Archive
from gateway.backups.folder import Folder
from gateway.backups.make import House
from gateway.backups.manifest import Manifest
from gateway.backups.restore import restore
from gateway.backups.scratch import scratch
from gateway.config import paths
from gateway.errors import StoreError
from gateway.keyring import Keyring
from gateway.store import Store, backups, chain
from gateway.store.chain import Head

log = structlog.get_logger()
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What was examined: events of the history, archived documents whose hash is the one the database knows."""

    manifest: Manifest
    events: int
    documents: int
    purged: int


def rehearse(house: House, folder: Folder, name: str | None = None) -> Rehearsed:
    """Restore a backup (the newest) beside the living house and examine it; nothing of it stays but an event.

    Raises BackupError with what is wrong with it.
    """
    names = folder.names()
    if not names:
        raise folder.error("none")
    with scratch(house.config) as place:
        made = restore(folder, name or names[-1], place, house.keyring.masters, house.clock, actor="rehearsal")
        gone = tombstones.owners(folder.tombstones)
        events, documents = _examined(house, folder, made.manifest, place, gone)
    rehearsed = Rehearsed(made.manifest, events, documents, made.purged)
    with house.store.write() as tx:
        detail = {"events": events, "documents": documents, "purged": made.purged}
        backups.tell(tx, backups.REHEARSED, made.manifest.name, detail)
    log.info("backup_rehearsed", backup=made.manifest.name, events=events, documents=documents)
    return rehearsed


def _examined(house: House, folder: Folder, manifest: Manifest, place: Path, gone: set[str]) -> tuple[int, int]:
    """How many events and documents are as they should be. Raises BackupError at the first that is not."""
    store = Store.open(paths(place).database, house.clock, actor="rehearsal")
    try:
        archive, documents = Archive(paths(place).archive, Keyring.open(store, house.keyring.masters)), 0
        with store.read() as tx:
            seen = chain.examine(tx, [Head(manifest.events, manifest.head)])
            if seen.flaw is not None:
                raise folder.error("history_broken", name=manifest.name, seq=seen.flaw.seq)
            for ref, sha256 in backups.archived(tx):
                if ref.partition("/")[0] not in gone:
                    _must_be(folder, archive, ref, sha256)
                    documents += 1
    finally:
        store.close()
    return seen.events, documents


def _must_be(folder: Folder, archive: Archive, ref: str, sha256: str | None) -> None:
    """The document is there, whole, and the one the database knows."""
    owner, digest = ref.partition("/")[0], hashlib.sha256()
    try:
        with archive.open(ref) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except (StoreError, OSError) as error:
        raise folder.error("document_missing", owner=owner) from error
    if sha256 is not None and digest.hexdigest() != sha256:
        raise folder.error("document_altered", owner=owner)
