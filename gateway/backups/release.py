"""Lets a held place work again: from then on it speaks for the house, and no other place does."""

from __future__ import annotations

from pathlib import Path

import structlog

from gateway import instance
from gateway.backups.folder import Folder
from gateway.backups.make import House
from gateway.errors import BackupError
from gateway.instance import Instance
from gateway.store import backups

log = structlog.get_logger()


def release(house: House, *, reason: str) -> list[Path]:
    """Raise the turn, tell it to the backup folders that can be reached, and hold no longer. Gives the folders that now
    keep other places from working; another place that reads none of them does not learn of it. `reason`: a person's
    words, for the event."""
    file = house.config.paths.instance
    here = instance.settle(file)
    if here.held is None:
        return []
    folders = [Folder(Path(name)) for name in dict.fromkeys((here.held.folder, house.config.backup.folder)) if name]
    turn = 1 + max([here.turn, *(_turn(folder, here) for folder in folders)])
    with house.store.write() as tx:
        detail = {"why": here.held.why, "turn": turn, "said": reason}
        backups.tell(tx, backups.RELEASED, here.held.backup, detail)
    told = [folder.root for folder in folders if _told(folder, here, turn)]
    released = {"held": None, "turn": turn, "released_at": house.clock.now()}
    instance.keep(file, here.model_copy(update=released))
    return told


def _turn(folder: Folder, here: Instance) -> int:
    try:
        claim = folder.claim()
    except BackupError:
        return 0
    return claim.turn if claim is not None and claim.house == here.house else 0


def _told(folder: Folder, here: Instance, turn: int) -> bool:
    """Only a folder that is this house's already: what is not there yet is claimed by the first backup."""
    try:
        claim = folder.claim()
        if claim is None or claim.house != here.house:
            return False
        folder.speak(here.house, here.place, turn)
    except (BackupError, OSError) as problem:
        log.warning("backup_folder_not_told", error=type(problem).__name__)
        return False
    return True
