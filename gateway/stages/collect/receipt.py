"""What an agency hears the moment its lot is taken: time, hash, counts, what happens next, or where the answer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

from gateway.archive import Stored
from gateway.messages import both
from gateway.models import Batch, Deposit
from gateway.ports import WaitingFile
from gateway.store import Tx, requests
from gateway.validation import ArchiveLimits, is_archive, members

TOO_LARGE = "LOT_TOO_LARGE"
# Why an entry is never taken (`ports.WaitingFile.refused`) → the reason its lot is refused for.
NEVER_TAKEN = {"not_a_file": "NOT_A_FILE", "linked_twice": "LINKED_TWICE", "name": "UNUSABLE_NAME"}
_LISTED = 200  # requests named in the answer to a repeated lot


@dataclass(frozen=True, slots=True)
class Taken:
    """A file whose bytes are kept."""

    file: WaitingFile
    stored: Stored
    documents: int | None  # None: an archive that cannot be read


def count(source: BinaryIO, name: str, limits: ArchiveLimits) -> int | None:
    """How many documents a lot holds; None where it is an archive that cannot be read."""
    if not is_archive(source):
        return 1
    found = members(source, name, limits)
    return None if found.findings else len(found.members)


def facts(batch: Batch, taken: Taken, deposit: Deposit) -> dict[str, Any]:
    """What every receipt says."""
    return {
        "lot": batch.id,
        "file": taken.file.name,
        "sha256": taken.stored.sha256,
        "size": taken.file.size,
        "received_at": deposit.received_at.isoformat(),
        "documents": taken.documents,
        "says": both("collect.received"),
        "next": both("collect.next"),
    }


def of_repeat(tx: Tx, first: Batch) -> dict[str, Any]:
    """The answer to the same bytes again: the first batch's, as far as it has one."""
    known = requests.of_batch(tx, first.id)
    answer = [
        {"request": r.id, "member": r.member, "number": r.no_dem_ext, "state": r.state, "reason": r.reason}
        for r in known[:_LISTED]
    ]
    return {
        "same_as": first.id,
        "state": first.state,
        "requests": answer,
        "requests_total": len(known),
        "says": both("collect.same_as", lot=first.id),
        "next": both("collect.same_next"),
    }


def left(batch: Batch, limit: int) -> dict[str, Any]:
    """The report about a lot that was left where it is. `limit`: the largest lot we take, in bytes."""
    if batch.reason == TOO_LARGE:
        says, then = both("collect.too_large", size=batch.size, limit=limit), both("collect.too_large_next")
    else:
        reason = str(batch.reason).lower()
        says, then = both(f"collect.{reason}"), both(f"collect.{reason}_next")
    finding: dict[str, Any] = dict.fromkeys(("line", "column", "path", "invoice"))
    finding |= {"code": batch.reason, "severity": "error", "authority": "ours", "message": says, "next": then}
    return {
        "lot": batch.id,
        "file": batch.name,
        "size": batch.size,
        "sha256": None,
        "state": batch.state,
        "reason": batch.reason,
        "findings": [finding],
        "findings_total": 1,
        "says": says,
        "next": then,
    }
