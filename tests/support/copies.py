"""A small house of records and archived bytes with a folder of backups beside it, and the same house brought back."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from support import fresh, records
from support.house import AUTUMN

from gateway import backups, instance
from gateway.archive import Archive
from gateway.backups import Folder, Made, Restored
from gateway.clock import FixedClock
from gateway.config import BackupConfig, Config, GatewayConfig, RetentionConfig, paths
from gateway.keyring import Keyring
from gateway.models import Batch
from gateway.platform import private_dir
from gateway.sealing import KeyFile, Masters
from gateway.store import Store

KEY = Path("keys") / "master.key"


@dataclass
class Copied:
    """A house that lies in `parts.config.paths.state`, and the folder its backups lie in."""

    parts: backups.House
    clock: FixedClock
    folder: Folder

    @property
    def state(self) -> Path:
        return self.parts.config.paths.state

    @property
    def store(self) -> Store:
        return self.parts.store

    @property
    def archive(self) -> Archive:
        return self.parts.archive

    def lot(self, id_: str, content: bytes = b"<lot/>", **values: Any) -> Batch:
        """A batch with its archived bytes."""
        stored = self.archive.put(id_, io.BytesIO(content))
        with self.store.write() as tx:
            return records.batch(tx, id=id_, archive_ref=stored.ref, sha256=stored.sha256, size=stored.size, **values)

    def backup(self) -> Made:
        """One, some seconds after what was before."""
        self.clock.advance(timedelta(seconds=5))
        return backups.make(self.parts, self.folder)

    def restored(self, into: Path, name: str | None = None) -> Restored:
        """Brought back with the key alone, as on another machine."""
        (private_dir(into / "keys") / "master.key").write_bytes((self.state / KEY).read_bytes())
        (into / KEY).chmod(0o600)
        masters = Masters(KeyFile(into / KEY))
        name = name or self.folder.names()[-1]
        return backups.restore(self.folder, name, into, masters, self.clock, actor="Tremblay")

    def moved_to(self, into: Path) -> None:
        """From here on the house is the one that lies there."""
        self.store.close()
        said = self.parts.config.gateway.model_copy(update={"state_dir": into})
        store = Store.open(paths(into).database, self.clock)
        ring = Keyring.open(store, self.parts.keyring.masters)
        archive, config = Archive(paths(into).archive, ring), replace(self.parts.config, gateway=said)
        self.parts = replace(self.parts, config=config, store=store, archive=archive, keyring=ring)


@contextmanager
def copied(
    tmp_path: Path, backup: dict[str, Any] | None = None, retention: dict[str, Any] | None = None
) -> Iterator[Copied]:
    """A house with one agency, whose folder of backups is configured."""
    state = private_dir(tmp_path / "state")
    instance.settle(paths(state).instance)
    clock = FixedClock(AUTUMN)
    config = Config(
        GatewayConfig(state_dir=state),
        backup=BackupConfig(folder=str(tmp_path / "backups"), **backup or {}),
        retention=RetentionConfig(**retention or {}),
    )
    store = Store.open(fresh.database(config.paths.database), clock)
    records.settle(store)
    file = KeyFile(state / KEY)
    file.make()
    ring = Keyring.open(store, Masters(file))
    parts = backups.House(config, store, Archive(config.paths.archive, ring), ring, clock)
    made = Copied(parts, clock, Folder(tmp_path / "backups"))
    yield made
    made.store.close()
