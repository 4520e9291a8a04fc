"""Attempts: one row per try at a transmission or a distribution, committed before the first byte leaves."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from gateway.identifiers import new_id
from gateway.models import Attempt
from gateway.ports import Receipt
from gateway.store.engine import Tx


def begin(tx: Tx, record_id: str, *, number: int, name: str, size: int, sha256: str, owner: str, fence: int) -> Attempt:
    """The intent. `number` counts the tries at this record, from 1."""
    attempt = Attempt(
        id=new_id("TEN"),
        record_id=record_id,
        number=number,
        name=name,
        size=size,
        sha256=sha256,
        owner=owner,
        fence=fence,
        started_at=tx.now,
    )
    tx.session.add(attempt)
    tx.session.flush()
    return attempt


@dataclass
class Tried:
    """What this process did and saw in one attempt; written down when the attempt ends."""

    id: str
    sent: int | None = None  # bytes handed to the channel; None: another process died in it
    looks: list[Look] = field(default_factory=list)


Look = dict[str, str]  # at (ISO 8601, UTC), saw (there | absent | other_bytes), proof (how presence was proved)


def look(now: datetime, saw: str, receipt: Receipt | None = None) -> Look:
    """One look at the payer's mailbox, as it is kept."""
    return {"at": now.isoformat(), "saw": saw} | ({"proof": receipt.verified} if receipt else {})


def end(tx: Tx, tried: Tried | str, outcome: str, receipt: Receipt | None = None) -> None:
    """How a try ended: delivered, already_there, an error's code, or abandoned."""
    seen = Tried(tried) if isinstance(tried, str) else tried
    attempt = tx.session.get_one(Attempt, seen.id)
    attempt.ended_at, attempt.outcome = tx.now, outcome
    attempt.receipt = proof(receipt) if receipt is not None else None
    if seen.sent is not None:
        attempt.bytes_sent = seen.sent
    attempt.looks = [*attempt.looks, *seen.looks]
    tx.session.add(attempt)
    tx.session.flush()


def looked(tx: Tx, record_id: str, seen: Look) -> int:
    """Keep a look after an attempt of unclear outcome, beside that attempt; give how many it has now."""
    attempt = of(tx, record_id)[-1]
    attempt.looks = [*attempt.looks, seen]
    tx.session.add(attempt)
    tx.session.flush()
    return len(attempt.looks)


def of(tx: Tx, record_id: str) -> list[Attempt]:
    """Every try at a record, the first one first."""
    query = select(Attempt).where(Attempt.record_id == record_id)
    return list(tx.session.exec(query.order_by(col(Attempt.number))))


def proof(receipt: Receipt) -> dict[str, Any]:
    """A receipt as it is kept: facts, never the bytes of an answer."""
    return {key: value for key, value in asdict(receipt).items() if key != "reply"}


def unfinished(tx: Tx, record_id: str) -> Attempt | None:
    """The newest try whose outcome nobody wrote down: its worker was killed."""
    query = select(Attempt).where(Attempt.record_id == record_id, col(Attempt.outcome).is_(None))
    return tx.session.exec(query.order_by(col(Attempt.number).desc()).limit(1)).first()
