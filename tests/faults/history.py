"""The chain of events, recomputed; the ways a record may go, written down a second time (DESIGN section 6)."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

_LINK = ("chain_version", "previous_hash", "record_kind", "record_id", "from_state", "to_state", "actor", "reason")
_WAYS = {
    "batch": {"COLLECTED": "VALIDATED REFUSED HELD", "HELD": "COLLECTED REFUSED"},
    "request": {
        "READY": "TRANSMITTING HELD TRANSMITTED CANCELLED",
        "HELD": "READY CANCELLED TRANSMITTED RECEIVABLE NOT_RECEIVABLE",
        "TRANSMITTING": "TRANSMITTED READY HELD",
        "TRANSMITTED": "RECEIVABLE NOT_RECEIVABLE READY HELD",
    },
    "reply": {
        "RECEIVED": "MATCHED HELD DISCARDED",
        "HELD": "MATCHED DISCARDED",
        "MATCHED": "DISTRIBUTING",
        "DISTRIBUTING": "DISTRIBUTED MATCHED HELD",
    },
}


def broken_steps(db: sqlite3.Connection) -> Iterator[str]:
    """I4, I6: the chain verifies, no step goes backwards, and the last one is where the record is."""
    db.row_factory = sqlite3.Row
    previous, last = "0" * 64, {}
    for event in db.execute("select * from event order by seq"):
        if event["previous_hash"] != previous or _hash(event) != event["hash"]:
            yield f"I6 the chain breaks at event {event['seq']}"
        previous = event["hash"]
        kind, before, after = event["record_kind"], event["from_state"], event["to_state"]
        if kind in _WAYS and before not in (None, after) and after not in _WAYS[kind].get(before, "").split():
            yield f"I4 event {event['seq']}: {kind} {before} → {after} is no way"
        if kind in _WAYS and before != last.get(event["record_id"], before):
            yield f"I6 event {event['seq']} begins in {before}, the one before ended in {last[event['record_id']]}"
        last[event["record_id"]] = after
    (head,) = db.execute("select hash from chain_head").fetchone()
    if head != previous:
        yield "I6 the head of the chain is not its last link"
    for table in ("batch", "request", "reply", "credential"):
        for row in db.execute(f"select id, state from {table}"):
            if last.get(row["id"]) != row["state"]:
                yield f"I6 {row['id']} is {row['state']}, its history says {last.get(row['id'])}"


def _hash(event: Any) -> str:
    moment = event["at"].replace(" ", "T") + "+00:00"
    link = {key: event[key] for key in _LINK} | {"at": moment, "detail": json.loads(event["detail"])}
    canonical = json.dumps(link, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
