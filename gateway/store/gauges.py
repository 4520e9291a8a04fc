"""What the metrics count, set-wise: no id of a record, no name of anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from gateway.models import Attempt, Batch, Breaker, Credential, Due, FindingRow, Reply, Request
from gateway.store import alerts, backups, breakers, outbox
from gateway.store.engine import Tx, table_of


@dataclass(frozen=True, slots=True)
class Gauges:
    """One consistent look. Keys are labels; moments are aware UTC."""

    at: datetime
    records: dict[tuple[str, str], tuple[int, datetime]]  # kind, state → how many, when the oldest was made
    transmissions: dict[tuple[str, str], int]  # payer, outcome ("unknown" while nothing is known)
    findings: dict[tuple[str, str], int]  # code, severity
    credentials: list[Credential]
    looks: list[Due]
    backup: datetime | None  # when the last one was made, and when one was last proved by a rehearsal
    rehearsal: datetime | None
    breakers: list[Breaker]  # payers of whom nobody answered last
    alerts: dict[tuple[str, str], int]  # kind, severity: those that are not over
    messages: dict[str, int]  # recipient: those that have not arrived


def gauges(tx: Tx) -> Gauges:
    """Count everything. Costs a pass over attempts and listed findings: whoever asks often keeps the answer a while."""
    return Gauges(
        tx.now,
        _records(tx),
        _transmissions(tx),
        _findings(tx),
        list(tx.session.scalars(select(Credential).order_by(col(Credential.payer), col(Credential.number)))),
        list(tx.session.scalars(select(Due).order_by(col(Due.stage), col(Due.endpoint)))),
        _last(tx, backups.MADE),
        _last(tx, backups.REHEARSED),
        breakers.every(tx),
        alerts.counted(tx),
        outbox.waiting(tx),
    )


def _last(tx: Tx, what: str) -> datetime | None:
    news = backups.last(tx, what)
    return news.at if news is not None else None


def _records(tx: Tx) -> dict[tuple[str, str], tuple[int, datetime]]:
    found: dict[tuple[str, str], tuple[int, datetime]] = {}
    for kind, model, born in (
        ("batch", Batch, "received_at"),
        ("request", Request, "created_at"),
        ("reply", Reply, "created_at"),
    ):
        row = table_of(model).c
        query = select(row.state, func.count(), func.min(row[born])).group_by(row.state)
        found |= {(kind, str(state)): (count, oldest) for state, count, oldest in tx.session.execute(query)}
    return found


def _transmissions(tx: Tx) -> dict[tuple[str, str], int]:
    outcome = func.coalesce(col(Attempt.outcome), "unknown")
    query = select(col(Request.payer), outcome, func.count()).join(Attempt, col(Attempt.record_id) == col(Request.id))
    rows = tx.session.execute(query.group_by(col(Request.payer), outcome))
    return {(str(payer), str(what)): count for payer, what, count in rows}


def _findings(tx: Tx) -> dict[tuple[str, str], int]:
    keys = (col(FindingRow.code), col(FindingRow.severity))
    return {
        (code, severity): n for code, severity, n in tx.session.execute(select(*keys, func.count()).group_by(*keys))
    }
