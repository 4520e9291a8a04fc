"""Makes backups by itself, and looks whether another place speaks for the house now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import structlog

from gateway.backups import Folder, House, make, rehearse
from gateway.backups.fence import overtaken
from gateway.errors import BackupError
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.store import backups
from gateway.store.backups import MADE, REHEARSED

log = structlog.get_logger()

LOOK = 600.0  # seconds between two looks at who speaks for the house


class Backup:
    """One endpoint, where `[backup] folder` names one."""

    name = "backup"

    def __init__(self, house: House) -> None:
        self._house = house

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        said = rooms.config.backup
        return [Endpoint("all", min(LOOK, said.every))] if said.folder else []

    def run(self, rooms: Rooms, _endpoint: str) -> Outcome:
        """A backup that cannot be made is tried again at the next look; its age tells."""
        said, worked = rooms.config.backup, 0
        if overtaken(self._house):
            log.error("instance_held", why="taken_over")
            return Outcome()
        folder = Folder(Path(said.folder))
        try:
            if self._is_due(rooms, MADE, said.every):
                make(self._house, folder)
                worked += 1
            if said.rehearse and self._is_due(rooms, REHEARSED, said.rehearse):
                rehearse(self._house, folder)
                worked += 1
        except BackupError as problem:
            log.error("backup_not_made", said=str(problem))
        return Outcome(worked)

    def _is_due(self, rooms: Rooms, what: str, every: float) -> bool:
        with rooms.store.read() as tx:
            last = backups.last(tx, what)
        return last is None or last.at + timedelta(seconds=every) <= rooms.clock.now()
