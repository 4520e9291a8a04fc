"""New SQLite databases for tests: one is migrated, the others are copies of it, which takes a hundredth of the time."""

from __future__ import annotations

import atexit
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from gateway.clock import FixedClock
from gateway.platform import private_dir
from gateway.store import Store


def database(file: Path) -> Path:
    """Put a new, empty, migrated database at `file`, as private as the product makes it; gives `file`."""
    private_dir(file.parent)
    shutil.copy(_migrated(), file)  # with its mode
    return file


@cache
def _migrated() -> Path:
    folder = Path(mkdtemp(prefix="fresh-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Store.open(folder / "gateway.db", FixedClock(datetime(2026, 1, 1, tzinfo=UTC))).close()
    return folder / "gateway.db"
