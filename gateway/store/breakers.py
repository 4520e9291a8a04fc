"""Payers' breakers: shut for a while after nobody answered several times in a row, whoever asked (a circuit breaker).

One payer's server is behind all its mailboxes: fifty agencies that each wait for a dead server keep every worker busy.
Only silence counts (errors.NoAnswer). A refused password proves that the server answers.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlmodel import col

from gateway.models import Breaker
from gateway.store import due
from gateway.store.engine import Tx, changed

TRIPS = 3  # silences in a row
WAITS = (30, 60, 120, 300)  # seconds one stays tripped, the first time, the second …; the last one repeats
_PROBE = 120.0  # seconds that one who tries a tripped breaker may take; then another may


def wait(tx: Tx, payer: str) -> float | None:
    """Seconds until somebody may try this payer again; None: now."""
    breaker = tx.session.get(Breaker, payer)
    until = breaker.shut_until if breaker is not None else None
    return (until - tx.now).total_seconds() if until is not None and until > tx.now else None


def probe(tx: Tx, payer: str) -> bool:
    """Try a tripped breaker whose time has come: one at a time, over all workers. True where it is not tripped."""
    breaker = tx.session.get(Breaker, payer)
    if breaker is None or breaker.shut_until is None:
        return True
    seen = (
        (col(Breaker.payer) == payer)
        & (col(Breaker.shut_until) == breaker.shut_until)
        & (col(Breaker.shut_until) <= tx.now)
    )
    mine = {"shut_until": tx.now + timedelta(seconds=_PROBE)}
    return changed(tx, update(Breaker).where(seen).values(mine)) == 1


def silent(tx: Tx, payer: str) -> int:
    """Nobody answered there; give how often in a row."""
    breaker = tx.session.get(Breaker, payer) or Breaker(payer=payer, failures=0, since=tx.now)
    breaker.failures += 1
    if breaker.failures >= TRIPS:
        seconds = WAITS[min(breaker.failures - TRIPS, len(WAITS) - 1)]
        breaker.shut_until = tx.now + timedelta(seconds=seconds)
    tx.session.add(breaker)
    tx.session.flush()
    return breaker.failures


def answered(tx: Tx, payer: str) -> bool:
    """Somebody answered there. Where it was tripped, everybody who waits may go on now: then True."""
    breaker = tx.session.get(Breaker, payer)
    if breaker is None:
        return False
    was_shut = breaker.shut_until is not None
    tx.session.execute(delete(Breaker).where(col(Breaker.payer) == payer))
    if was_shut:
        due.wake_payer(tx, payer, ("transmit", "receive"))
    return was_shut


def every(tx: Tx) -> list[Breaker]:
    """The breakers at which nobody answered last, by payer."""
    return list(tx.session.scalars(select(Breaker).order_by(col(Breaker.payer))))
