"""Second copies of the house: made under load, sealed, restored held, rehearsed (docs/backup.md)."""

from gateway.backups.folder import Folder
from gateway.backups.make import POINTS, House, Made, make
from gateway.backups.manifest import Manifest
from gateway.backups.rehearse import Rehearsed, rehearse
from gateway.backups.restore import Restored, restore

__all__ = ["POINTS", "Folder", "House", "Made", "Manifest", "Rehearsed", "Restored", "make", "rehearse", "restore"]
