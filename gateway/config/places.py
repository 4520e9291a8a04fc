"""What lies where in the state folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """What lies where in the state folder."""

    state: Path
    database: Path
    archive: Path
    key_file: Path
    generations: Path  # how far each password has come, counted beside the key
    lock: Path
    schemas: Path  # this installation's own families
    payer: Path  # dated data about the payer that the operator added
    instance: Path  # which house this is, and whether it is held
    tombstones: Path  # what was purged
    scratch: Path  # copies that are being made; whoever holds the lock may empty it


def paths(state_dir: Path) -> Paths:
    """The layout of a state folder."""
    key_file = state_dir / "keys" / "master.key"
    return Paths(
        state=state_dir,
        database=state_dir / "gateway.db",
        archive=state_dir / "archive",
        key_file=key_file,
        generations=key_file.with_name("generations"),
        lock=state_dir / "lock",
        schemas=state_dir / "schemas",
        payer=state_dir / "payer",
        instance=state_dir / "instance.json",
        tombstones=state_dir / "tombstones.jsonl",
        scratch=state_dir / "scratch",
    )
