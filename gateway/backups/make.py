"""Makes a backup: database, archive, own files, tombstones; sealed; what lies there already is not copied again.

The manifest is written last. Killed anywhere before that, the backups that were there are as they were.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway import __version__, instance, tombstones
from gateway.archive import Archive
from gateway.backups import index
from gateway.backups.folder import Folder
from gateway.backups.index import ARCHIVED, OWN, Entry
from gateway.backups.manifest import HOUSE, Manifest, Object, name_at, sealed_key, unsealed_key
from gateway.backups.scratch import scratch
from gateway.backups.sealed import seal
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import BackupError, SealingError
from gateway.instance import Instance
from gateway.keyring import Keyring
from gateway.platform import passing
from gateway.sealing import Masters
from gateway.store import Store, backups, chain

log = structlog.get_logger()
POINTS = ("backups.claimed", "backups.snapshot", "backups.copied", "backups.listed", "backups.made", "backups.dropped")
CONFIGURATION = "gateway.toml"
ANCHORS = "anchors.jsonl"
_OWN = ("schemas", "payer", "tables")  # folders of the state an operator adds to


@dataclass(frozen=True)
class House:
    """What there is to back up."""

    config: Config
    store: Store
    archive: Archive
    keyring: Keyring
    clock: Clock


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup cost: objects that were copied, the others were there. Sizes in bytes."""

    manifest: Manifest
    copied: int
    copied_size: int
    dropped: int


def make(house: House, folder: Folder) -> Made:
    """Make one and drop those beyond `[backup] keep`. Others may go on writing meanwhile.

    Raises BackupError while this place is held, in another house's folder, when another process backs up there, or
    when another place has taken over: then this place is held from now on.
    """
    with folder.taken():
        here = _claimed(house, folder)
        passing("backups.claimed")
        with scratch(house.config) as place:
            made = _Making(house, folder, here, place).all()
        dropped = _drop_old(house, folder)
    with house.store.write() as tx:
        manifest = made.manifest
        detail = {"files": manifest.files, "size": manifest.size, "events": manifest.events, "copied": made.copied}
        backups.tell(tx, backups.MADE, manifest.name, detail)
    log.info("backup_made", backup=manifest.name, files=manifest.files, copied=made.copied, dropped=dropped)
    return Made(manifest, made.copied, made.copied_size, dropped)


def _claimed(house: House, folder: Folder) -> Instance:
    """This place, allowed to write to the folder."""
    file = house.config.paths.instance
    here = instance.settle(file)
    if here.held is not None:
        raise folder.error("held", why=here.held.why)
    found = folder.claim()
    if found is None:
        folder.speak(here.house, here.place, here.turn)
    elif found.house != here.house:
        raise folder.error("another_house")
    elif found.place != here.place:
        if found.turn >= here.turn:
            instance.hold(file, "taken_over", house.clock.now())
            raise folder.error("taken_over")
        folder.speak(here.house, here.place, here.turn)
    return here


def key_of(folder: Folder, masters: Masters, manifest: Manifest) -> bytes:
    """The key of a backup's objects. Raises SealingError for another master key, BackupError for a manifest that was
    changed."""
    key = unsealed_key(masters, manifest)
    if not manifest.is_proved_by(key):
        raise folder.error("manifest_changed", name=manifest.name)
    return key


class _Making:
    """One backup on its way."""

    def __init__(self, house: House, folder: Folder, here: Instance, scratch: Path) -> None:
        self.house, self.folder, self.here, self.scratch = house, folder, here, scratch
        self.key, self.known = _begun(folder, house.keyring.masters)
        self.copied = self.copied_size = 0

    def all(self) -> Made:
        """Tombstones first: what is purged from here on is in the next list. Anchors before the database: none of them
        is then ahead of it. The database before the archive: every file it names is there."""
        gone = list(tombstones.every(self.house.config.paths.tombstones))
        tombstones.add(self.folder.tombstones, gone)
        for one in gone:  # what was purged while this folder could not be reached
            self.folder.forget(one.owner)
        own = list(self._own())
        with self.house.store.read() as tx:
            head, generation, revision = chain.head(tx), backups.generation(tx), backups.revision(tx)
        database = self._database()
        passing("backups.snapshot")
        listed, files, size = index.add(self.folder, self.key, self._each(own), self.scratch / "index")
        passing("backups.listed")
        moment = self.house.clock.now()
        manifest = Manifest(
            name=name_at(moment, secrets.token_hex(4)),
            made_at=moment,
            version=__version__,
            revision=revision,
            house=self.here.house,
            place=self.here.place,
            turn=self.here.turn,
            key=sealed_key(self.house.keyring, self.here.house, self.key),
            events=head.events,
            head=head.hash,
            generation=generation,
            database=database,
            index=listed,
            files=files,
            size=size,
            tombstones=len(tombstones.owners(self.folder.tombstones)),
        ).proved_by(self.key)
        self.folder.publish(manifest)
        passing("backups.made")
        return Made(manifest, self.copied, self.copied_size, 0)

    def _database(self) -> Object:
        copy = self.scratch / "gateway.db"
        self.house.store.copy_to(copy)
        return self._put(HOUSE, copy)

    def _each(self, own: Iterable[Entry]) -> Iterator[Entry]:
        yield from own
        for lying in self.house.archive.each():
            try:
                yield self._entry(ARCHIVED, lying.ref, lying.size, lying.written, lying.ref.partition("/")[0])
            except FileNotFoundError:  # swept or purged a moment ago
                continue

    def _own(self) -> Iterator[Entry]:
        for name, path in own_files(self.house.config).items():
            found = path.stat()
            yield self._entry(OWN, name, found.st_size, found.st_mtime_ns, HOUSE, path)

    def _entry(self, kind: str, name: str, size: int, written: int, owner: str, path: Path | None = None) -> Entry:
        """The object that is there of this very file, or a new one."""
        before = self.known.get((kind, name))
        if before is not None and (before.size, before.written) == (size, written) and self.folder.has(before.object):
            return before
        made = self._put(owner, path) if path is not None else self._lifted(owner, name)
        self.copied, self.copied_size = self.copied + 1, self.copied_size + size
        passing("backups.copied")
        return Entry(kind, name, size, written, made)

    def _put(self, owner: str, path: Path) -> Object:
        with path.open("rb") as source:
            return self.folder.put(owner, lambda sink: seal(self.key, owner, source, sink))

    def _lifted(self, owner: str, ref: str) -> Object:
        with self.house.archive.lift(ref) as source:
            return self.folder.put(owner, lambda sink: seal(self.key, owner, source, sink))


def own_files(config: Config) -> dict[str, Path]:
    """What an operator added to the state folder, the configuration and the anchors: name in the backup → file. No
    database of anybody is among them: opening one would drop its locks."""
    state = config.paths.state
    found = {
        path.relative_to(state).as_posix(): path
        for top in _OWN
        for path in sorted((state / top).rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    beside = {ANCHORS: config.anchors, CONFIGURATION: config.path}
    return found | {name: path for name, path in beside.items() if path is not None and path.is_file()}


def _begun(folder: Folder, masters: Masters) -> tuple[bytes, Mapping[tuple[str, str], Entry]]:
    """The key of the folder and what the newest backup that can be read names. None can be where the master key was
    changed since: then everything is copied anew, under a new key."""
    for name in reversed(folder.names()):
        try:
            manifest = folder.manifest(name)
            key = key_of(folder, masters, manifest)
            return key, {(one.kind, one.name): one for one in index.entries(folder, key, manifest)}
        except (BackupError, SealingError) as problem:
            log.warning("backup_not_readable", backup=name, error=type(problem).__name__)
    return secrets.token_bytes(32), {}


def _drop_old(house: House, folder: Folder) -> int:
    """Drop the oldest backups, then what only they and killed ones held."""
    old = folder.names()[: -house.config.backup.keep]
    for name in old:
        folder.drop(name)
        passing("backups.dropped")
    if old:
        sweep(house.keyring.masters, folder)
    return len(old)


def sweep(masters: Masters, folder: Folder) -> int:
    """Remove objects that no backup names; nothing where one of them cannot be read: it may name any."""
    named: set[Object] = set()
    try:
        for name in folder.names():
            manifest = folder.manifest(name)
            key = key_of(folder, masters, manifest)
            named |= {manifest.database, manifest.index}
            named.update(one.object for one in index.entries(folder, key, manifest))
    except (BackupError, SealingError):
        return 0
    return folder.sweep(lambda item: item in named)
