"""Attempts: one row per try at a transmission or a distribution, committed before the first byte leaves."""

from __future__ import annotations

from dataclasses import asdict
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


def end(tx: Tx, attempt_id: str, outcome: str, receipt: Receipt | None = None) -> None:
    """How a try ended: delivered, already_there, an error's code, or abandoned."""
    attempt = tx.session.get_one(Attempt, attempt_id)
    attempt.ended_at, attempt.outcome = tx.now, outcome
    attempt.receipt = proof(receipt) if receipt is not None else None
    tx.session.add(attempt)
    tx.session.flush()


def proof(receipt: Receipt) -> dict[str, Any]:
    """A receipt as it is kept: facts, never the bytes of an answer."""
    return {key: value for key, value in asdict(receipt).items() if key != "reply"}


def unfinished(tx: Tx, record_id: str) -> Attempt | None:
    """The newest try whose outcome nobody wrote down: its worker was killed."""
    query = select(Attempt).where(Attempt.record_id == record_id, col(Attempt.outcome).is_(None))
    return tx.session.exec(query.order_by(col(Attempt.number).desc()).limit(1)).first()
