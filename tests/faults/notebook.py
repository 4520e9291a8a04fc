"""What agencies remember of three days: what they deposited, and what they found in their returns. On disk: who
measures memory must not grow."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS deposited (name TEXT PRIMARY KEY, number TEXT, sha256 TEXT, is_right INTEGER);
CREATE TABLE IF NOT EXISTS returned (name TEXT, number TEXT, sha256 TEXT, strangers TEXT);
"""


class Notebook:
    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_TABLES)

    def deposited(self, name: str, number: str, data: bytes, *, right: bool) -> None:
        """An agency laid a lot where it is collected. `right`: nothing is wrong with it."""
        self._db.execute("INSERT INTO deposited VALUES (?, ?, ?, ?)", (name, number, _sha(data), right))

    def returned(self, name: str, number: str, data: bytes, strangers: Collection[str]) -> None:
        """An agency took a file from its returns that names these other agencies."""
        row = (name, number, _sha(data), " ".join(sorted(strangers)))
        self._db.execute("INSERT INTO returned VALUES (?, ?, ?, ?)", row)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
