"""What a house looks like but for ids and moments: two that look the same have the same way before them."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing

from faults.house import House

_STATES = {
    "batch": "state", "request": "state, reason, attempts", "reply": "state, kind", "credential": "state, generation",
    "attempt": "outcome", "credential_attempt": "slot, outcome", "due": "stage, owner is null",
    "distribution": "delivered_at is null", "parcel": "removed_at is null", "deposit": "removed_at is null",
    "users": "temporary, failures", "deposits": "verdict", "event": "to_state, reason",
}  # fmt: skip


def shape(house: House) -> str:
    """Rows by table and state, files by folder, at the gateway and at the payer."""
    seen: Counter[str] = Counter()
    for name in ("var/gateway.db", "payer/book.sqlite"):
        with closing(sqlite3.connect(house.folder / name, timeout=30)) as db:
            for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in db.execute(f"select {_STATES.get(table, 1)} from {table}"):
                    seen[f"{table} {row}"] += 1
    for file in house.folder.rglob("*"):
        parts = file.relative_to(house.folder).parts
        where = parts[:2] if parts[1:2] == ("archive",) else parts[:-1]
        seen[f"{'/'.join(where)} {file.suffix} {file.name.startswith('.')}"] += file.is_file()
    return repr(sorted(seen.items()))
