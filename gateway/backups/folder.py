"""The folder backups lie in: sealed objects by owner and hash, manifests written last, and who may write there.

    claim.json            which house, and whose turn it is to speak for it
    tombstones.jsonl      what was purged, ever: a restoration brings none of it back
    objects/ab/OWNER/…    sealed files, named by their sha256; what is there is never copied again
    backups/NAME.json     one for each whole backup

A backup is there when its manifest is; whatever killed it before that leaves objects that no manifest names.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.backups.manifest import NAME, Manifest, Object
from gateway.errors import BackupError
from gateway.messages import side_by_side
from gateway.platform import open_private, private_dir, replace_private, sync_dir, sync_file, write_private

_PART = ".part"
_BLOCK = 1 << 20


class Claim(BaseModel):
    """Whose folder it is, and which place of that house writes here."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    house: str
    place: str
    turn: int


class Folder:
    """Where backups lie. Nothing in it is ever changed: objects and manifests come and go as wholes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._manifests, self._objects = root / "backups", root / "objects"

    @property
    def tombstones(self) -> Path:
        """The list of what was purged."""
        return self.root / "tombstones.jsonl"

    # -- whose it is --

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Be alone in writing here. Raises BackupError when another process writes."""
        private_dir(self.root)
        lock = FileLock(self.root / "lock", timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise self.error("taken") from None
        try:
            yield
        finally:
            lock.release()

    def claim(self) -> Claim | None:
        """Whose folder it is; None where nobody wrote yet. Raises BackupError when that cannot be read."""
        try:
            return Claim.model_validate_json((self.root / "claim.json").read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise self.error("no_folder") from error

    def speak(self, house: str, place: str, turn: int) -> None:
        """From now on this place of the house writes here. Raises BackupError in another house's folder."""
        found = self.claim()
        if found is not None and found.house != house:
            raise self.error("another_house")
        if found is None and self.root.is_dir() and any(p.name != "lock" for p in self.root.iterdir()):
            raise self.error("not_empty")
        replace_private(self.root / "claim.json", Claim(house=house, place=place, turn=turn).model_dump_json().encode())

    # -- manifests --

    def names(self) -> list[str]:
        """Every whole backup, the oldest first."""
        if not self._manifests.is_dir():
            return []
        return sorted(p.stem for p in self._manifests.glob("*.json") if NAME.fullmatch(p.stem))

    def manifest(self, name: str) -> Manifest:
        """What a backup says of itself. Raises BackupError."""
        try:
            return Manifest.model_validate_json((self._manifests / f"{name}.json").read_bytes())
        except (OSError, ValidationError) as error:
            raise self.error("no_manifest", name=name) from error

    def newest(self) -> Manifest | None:
        """The newest whole backup whose manifest can be read."""
        for name in reversed(self.names()):
            with suppress(BackupError):
                return self.manifest(name)
        return None

    def publish(self, manifest: Manifest) -> None:
        """Make a backup one: from here on it is there."""
        private_dir(self._manifests)
        write_private(self._manifests / f"{manifest.name}.json", manifest.model_dump_json(indent=1).encode() + b"\n")

    def drop(self, name: str) -> None:
        """A backup is one no more; its objects stay until `sweep`."""
        (self._manifests / f"{name}.json").unlink(missing_ok=True)
        sync_dir(self._manifests)

    # -- objects --

    def put(self, owner: str, write: Callable[[BinaryIO], str]) -> Object:
        """Keep what `write` writes; it gives the sha256 of that. Durable when this returns."""
        home = self._home(owner)
        self._make(home)
        temporary = home / f".{uuid.uuid4().hex}{_PART}"
        try:
            with open_private(temporary) as file:
                sha256 = write(file)
                sync_file(file)
            temporary.replace(home / sha256)  # the same name is the same bytes
            sync_dir(home)
        finally:
            temporary.unlink(missing_ok=True)
        return Object(owner=owner, sha256=sha256)

    def has(self, item: Object) -> bool:
        """Whether the object lies here; not whether it is whole."""
        return self._path(item).is_file()

    def open(self, item: Object) -> BinaryIO:
        """Its sealed bytes. Raises BackupError when it is not there."""
        try:
            return self._path(item).open("rb")
        except OSError as error:
            raise self.error("object_missing", owner=item.owner) from error

    def is_whole(self, item: Object) -> bool:
        """Whether its bytes are those it is named by; needs no key. Raises BackupError when it is not there."""
        digest = hashlib.sha256()
        with self.open(item) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest() == item.sha256

    def holds(self, owner: str) -> bool:
        """Whether anything of an owner lies here."""
        return self._home(owner).is_dir()

    def forget(self, owner: str) -> int:
        """Remove everything an owner has here, in every backup; give the number of files."""
        home = self._home(owner)
        if not home.is_dir():
            return 0
        found = list(home.iterdir())
        for path in found:
            path.unlink(missing_ok=True)
        home.rmdir()
        sync_dir(home.parent)
        return len(found)

    def sweep(self, named: Callable[[Object], bool]) -> int:
        """Remove every object that no backup names, and what a killed one left; give their number."""
        removed = 0
        for home in list(self._objects.glob("*/*")):
            for path in list(home.iterdir()):
                if path.name.endswith(_PART) or not named(Object(owner=home.name, sha256=path.name)):
                    path.unlink(missing_ok=True)
                    removed += 1
            with suppress(OSError):  # not empty
                home.rmdir()
        return removed

    def _make(self, home: Path) -> None:
        for folder in (self._objects, home.parent, home):
            if not folder.is_dir():
                private_dir(folder)
                sync_dir(folder.parent)

    def _home(self, owner: str) -> Path:
        return self._objects / hashlib.sha256(owner.encode()).hexdigest()[:2] / owner

    def _path(self, item: Object) -> Path:
        return self._home(item.owner) / item.sha256

    def error(self, key: str, **values: object) -> BackupError:
        """What is wrong with this folder, in both languages."""
        return BackupError(side_by_side(f"backups.{key}", folder=os.fspath(self.root), **values))
