"""What the checker looks at: rows read by its own SQL, archived bytes by its own reading, files as they lie there."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from support.unsealed import Unsealed

from faults.house import House

_REFS = {
    "batch": ["archive_ref"], "request": ["archive_ref", "wire_ref", "report_ref"],
    "parcel": ["archive_ref"], "reply": ["archive_ref"], "distribution": ["archive_ref"],
}  # fmt: skip


def rows(db: sqlite3.Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(query)]


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Evidence:
    """One look at a house."""

    def __init__(self, house: House, gateway: sqlite3.Connection, payer: sqlite3.Connection) -> None:
        self.house, self.gateway, self.payer = house, gateway, payer

    @cached_property
    def batches(self) -> list[dict[str, Any]]:
        return rows(self.gateway, "select * from batch")

    @cached_property
    def requests(self) -> list[dict[str, Any]]:
        return rows(self.gateway, "select * from request")

    @cached_property
    def deposits(self) -> list[dict[str, Any]]:
        """Every file that came to the payer; `new`: it was judged as something new."""
        query = "select number, name, sha256, verdict in ('receivable', 'not_receivable') as new from deposits"
        return rows(self.payer, query)

    @property
    def archive(self) -> Path:
        return self.house.folder / "var" / "archive"

    def archived(self, ref: str) -> bytes:
        """The bytes behind a reference; nothing when there are none, or they are not what was sealed there."""
        with suppress(OSError, KeyError, AssertionError, InvalidTag):
            return Unsealed(self.house.folder / "var").read(ref)
        return b""

    def lying_in_archive(self) -> set[str]:
        return {f"{file.parent.name}/{file.name}" for file in self.archive.rglob("*") if file.is_file()}

    def references(self) -> set[str]:
        return {
            row["ref"]
            for table, columns in _REFS.items()
            for column in columns
            for row in rows(self.gateway, f"select {column} as ref from {table} where {column} is not null")
        }

    def returns(self, number: str) -> dict[str, bytes]:
        """Finished files in an agency's returns."""
        folder = self.house.folder / number / "retours"
        return {f.name: f.read_bytes() for f in folder.iterdir() if f.is_file() and not f.name.startswith(".")}

    def agency(self, number: str) -> str | None:
        """The agency that holds a transmission number, as far as the registry is believed."""
        found = rows(self.gateway, f"select agency_id from transmission_number where number = '{number}'")
        return found[0]["agency_id"] if found else None

    def names(self, data: bytes, number: str) -> bool:
        """Whether the number stands there by itself: tokens and digests may hold its digits by chance, and an agency's
        own invoice may be its 18003rd (`18001-…-18003`)."""
        return re.search(rb"(?<![0-9A-Za-z-])" + number.encode() + rb"(?![0-9A-Za-z])", data) is not None
