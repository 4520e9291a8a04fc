"""What the watch asks, set-wise: what is held, which passwords do not let in, which numbers were somebody else's."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, literal, select, union_all
from sqlmodel import col

from gateway.models import Batch, Credential, DeadlineAlert, Due, FindingRow, Reply, Request
from gateway.states import CredentialState
from gateway.store.credentials import UNREADABLE
from gateway.store.engine import Tx, table_of


class Held(NamedTuple):
    """Records of one kind that rest HELD for one reason, of one agency (None: nobody knows whose)."""

    kind: str  # batch | request | reply
    agency_id: str | None
    reason: str
    records: int
    oldest: str  # an id


class Foreign(NamedTuple):
    """Requests of one agency that bore another agency's transmission number."""

    agency_id: str
    records: int
    newest: str  # an id


def held(tx: Tx) -> list[Held]:
    """Everything that waits for a person, counted."""
    parts = []
    for kind, model in (("batch", Batch), ("request", Request), ("reply", Reply)):
        row = table_of(model).c
        reason = func.coalesce(row.reason, "").label("reason")
        parts.append(select(literal(kind).label("kind"), row.agency_id, reason, row.id).where(row.state == "HELD"))
    every = union_all(*parts).subquery().c
    keys = (every.kind, every.agency_id, every.reason)
    query = select(*keys, func.count(), func.min(every.id)).group_by(*keys).order_by(*keys)
    return [Held(*row) for row in tx.session.execute(query)]


def foreign(tx: Tx, since: datetime, code: str) -> list[Foreign]:
    """Requests judged since a moment with a finding of this code, by agency."""
    bears = select(col(FindingRow.request_id)).where(col(FindingRow.code) == code)
    query = (
        select(col(Request.agency_id), func.count(), func.max(col(Request.id)))
        .where(col(Request.created_at) >= since, col(Request.id).in_(bears))
        .group_by(col(Request.agency_id))
        .order_by(col(Request.agency_id))
    )
    return [Foreign(*row) for row in tx.session.execute(query)]


def unread(tx: Tx) -> list[Credential]:
    """Passwords the payer made, in an answer that nobody can read: a person must say them."""
    stuck = (col(Credential.state) == CredentialState.CHANGING, col(Credential.reason) == UNREADABLE)
    query = select(Credential).where(*stuck)
    return list(tx.session.scalars(query.order_by(col(Credential.payer), col(Credential.number))))


def barred(tx: Tx) -> list[Credential]:
    """Passwords that let nobody in and should."""
    states = (CredentialState.LOCKED, CredentialState.EXPIRED)
    query = select(Credential).where(col(Credential.state).in_(states))
    return list(tx.session.scalars(query.order_by(col(Credential.payer), col(Credential.number))))


def longest_due(tx: Tx) -> datetime | None:
    """Since when the longest due look has been waiting for a worker."""
    waits = select(func.min(col(Due.next_run))).where(col(Due.owner).is_(None), col(Due.next_run) < tx.now)
    return tx.session.scalar(waits)


def thresholds_told(tx: Tx) -> dict[str, int]:
    """How many times a limit that comes near was told, by agency: it only ever grows."""
    keys = col(DeadlineAlert.agency_id)
    return {str(agency): count for agency, count in tx.session.execute(select(keys, func.count()).group_by(keys))}
