"""What the history says of backups, rehearsals and restorations, and the few facts of the database they carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, null, select
from sqlmodel import col

from gateway.models import (
    Application,
    Batch,
    Credential,
    DeliveryProof,
    Distribution,
    Event,
    PaperStatement,
    Parcel,
    Reply,
    Request,
)
from gateway.states import BatchState, RequestState
from gateway.store import moves, schema
from gateway.store.engine import Tx

KIND = "backup"  # of the events; each kind of news is a record of its own, so that the last one is found at once
MADE, REHEARSED, RESTORED, RELEASED = "backup_made", "backup_rehearsed", "backup_restored", "restore_released"
# Every column that says where archived bytes are, and the one with their sha256, where it is kept.
REFS: tuple[tuple[Any, Any], ...] = (
    (Batch.archive_ref, Batch.sha256),
    (Request.archive_ref, Request.sha256),
    (Request.wire_ref, Request.wire_sha256),
    (Request.report_ref, null()),
    (Parcel.archive_ref, Parcel.sha256),
    (Reply.archive_ref, Reply.sha256),
    (Distribution.archive_ref, Distribution.sha256),
    (DeliveryProof.archive_ref, DeliveryProof.sha256),
    (Application.proof_ref, null()),
    (Application.letter_ref, null()),
    (PaperStatement.scan_ref, null()),
)


@dataclass(frozen=True, slots=True)
class News:
    """The last time something became of a backup: which one, when (aware UTC)."""

    backup: str
    at: datetime
    detail: dict[str, Any]


def tell(tx: Tx, what: str, backup: str, detail: dict[str, Any] | None = None) -> None:
    """Something became of a backup: an event."""
    moves.tell(tx, KIND, [(what, what, {"backup": backup} | (detail or {}))])


def last(tx: Tx, what: str) -> News | None:
    """The last event of that kind."""
    query = select(col(Event.at), col(Event.detail)).where(col(Event.record_id) == what, col(Event.record_kind) == KIND)
    row = tx.session.execute(query.order_by(col(Event.seq).desc()).limit(1)).one_or_none()
    return None if row is None else News(str(row.detail.get("backup", "")), row.at, row.detail)


def archived(tx: Tx) -> Iterator[tuple[str, str | None]]:
    """Every archived file a row speaks of, once: its ref and the sha256 its bytes must have, where one is kept."""
    for ref, sha256 in REFS:
        query = select(ref, sha256).where(ref.is_not(None)).distinct()
        for row in tx.session.execute(query, execution_options={"yield_per": 1000}):
            yield row[0], row[1]


def doubtful(tx: Tx) -> list[Request]:
    """After a restoration: requests that have not gone as far as this database knows, by lane and in their order."""
    states = (RequestState.READY, RequestState.TRANSMITTING, RequestState.HELD)
    query = select(Request).where(
        col(Request.state).in_(states),
        col(Request.payer).is_not(None),
        col(Request.number).is_not(None),
        col(Request.wire_name).is_not(None),
    )
    order = (col(Request.payer), col(Request.number), col(Request.created_at), col(Request.ordinal), col(Request.id))
    return list(tx.session.scalars(query.order_by(*order)))


def unjudged(tx: Tx) -> list[Batch]:
    """Lots that nobody judged yet, in the order they came."""
    query = select(Batch).where(col(Batch.state) == BatchState.COLLECTED)
    return list(tx.session.scalars(query.order_by(col(Batch.received_at), col(Batch.id))))


def generation(tx: Tx) -> int:
    """The highest generation of any password's slots; 0 without passwords."""
    return int(tx.session.scalar(select(func.max(col(Credential.generation)))) or 0)


def revision(tx: Tx) -> str:
    """The revision of the tables."""
    return schema.revision(tx.session.connection()) or ""
