"""What may be purged, and what was. A document is kept while anything about it is unfinished or owed.

Finished and owed to nobody: its lot is judged, every request of it is over, every reply about it was delivered or put
aside, its file is out of the agency's folder, every invoice the payer found receivable stands on a statement, and no
recall of it waits for its incident to be closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.sql.elements import SQLCoreOperations
from sqlmodel import col

from gateway.models import (
    Batch,
    DeliveryProof,
    Deposit,
    Event,
    Incident,
    Invoice,
    Parcel,
    Recall,
    Reply,
    Request,
    Submission,
    Tombstone,
)
from gateway.states import REQUEST_FINAL, BatchState, ReplyState, RequestState
from gateway.store import moves
from gateway.store.engine import Tx, changed, chunks
from gateway.store.spoken import on_statement

DOCUMENTS, STATEMENTS = "documents", "statements"
PURGED = "purged"
_KINDS = {"LOT": "batch", "RET": "reply", "COL": "parcel", "PRV": "delivery_proof"}
_JUDGED = (BatchState.VALIDATED, BatchState.REFUSED)
_DONE = (ReplyState.DISTRIBUTED, ReplyState.DISCARDED)


def finished_lots(tx: Tx, before: datetime) -> Iterator[str]:
    """The lots that came before then, are finished and owed to nobody, the oldest first; those already purged are left
    out."""
    query = _old_lots(before).where(*_finished(before)).order_by(col(Batch.received_at), col(Batch.id))
    yield from tx.session.scalars(query)


def unfinished_lots(tx: Tx, before: datetime) -> int:
    """How many lots are as old and stay because something about them is unfinished or owed."""
    old = tx.session.scalar(select(func.count()).select_from(_old_lots(before).subquery())) or 0
    finished = _old_lots(before).where(*_finished(before)).subquery()
    return old - (tx.session.scalar(select(func.count()).select_from(finished)) or 0)


def belonging(tx: Tx, lots: Iterable[str]) -> list[str]:
    """Who else holds bytes of these lots: their replies, and papers on which a person decided."""
    found: list[str] = []
    for piece in chunks(lots):
        mine = select(col(Request.id)).where(col(Request.batch_id).in_(piece))
        about = or_(col(Reply.batch_id).in_(piece), col(Reply.request_id).in_(mine))
        found += tx.session.scalars(select(col(Reply.id)).where(about, col(Reply.kind) != "statement"))
        found += tx.session.scalars(select(col(DeliveryProof.id)).where(col(DeliveryProof.record_id).in_(mine)))
    return sorted(set(found))


def loose_replies(tx: Tx, before: datetime, kind: str) -> list[str]:
    """Statements; or replies about no lot (nobody knew what they spoke of); that are over and came before then."""
    which = (
        col(Reply.kind) == "statement"
        if kind == STATEMENTS
        else and_(col(Reply.kind) != "statement", col(Reply.batch_id).is_(None), col(Reply.request_id).is_(None))
    )
    waiting = exists().where(col(Recall.record_id) == col(Reply.id), _waits_for_its_incident())
    over = (col(Reply.state).in_(_DONE), col(Reply.created_at) < before, ~_purged(col(Reply.id)), ~waiting)
    return list(tx.session.scalars(select(col(Reply.id)).where(which, *over).order_by(col(Reply.created_at))))


def empty_parcels(tx: Tx, before: datetime) -> list[str]:
    """Parcels out of the payer's box of which no reply is kept any more."""
    kept = exists().where(col(Reply.parcel_id) == col(Parcel.id), ~_purged(col(Reply.id)))
    over = (col(Parcel.removed_at).is_not(None), col(Parcel.received_at) < before, ~kept, ~_purged(col(Parcel.id)))
    return list(tx.session.scalars(select(col(Parcel.id)).where(*over)))


def bury(tx: Tx, owner: str, kind: str, *, files: int, size: int, at: datetime | None = None) -> bool:
    """Commit that an owner's bytes go: a tombstone, and an event of that owner. False when it has one, or nobody knows
    the owner. `at`: when it was purged, where that was before (a database older than the purge)."""
    what = _KINDS.get(owner.partition("-")[0])
    if what is None or tx.session.get(Tombstone, owner) is not None:
        return False
    made = Tombstone(owner=owner, kind=kind, purged_at=at or tx.now, purged_by=tx.actor, files=files, size=size)
    tx.session.add(made)
    tx.session.flush()
    detail: dict[str, Any] = {"class": kind, "files": files, "size": size}
    record = tx.session.get(Batch, owner) or tx.session.get(Reply, owner)
    if record is not None:
        moves.note(tx, record, PURGED, detail)
    else:
        moves.tell(tx, what, [(owner, PURGED, detail)])
    return True


def erased(tx: Tx, owners: Sequence[str]) -> None:
    """Their files are gone."""
    for piece in chunks(owners):
        changed(tx, update(Tombstone).where(col(Tombstone.owner).in_(piece)).values(erased_at=tx.now))


def to_erase(tx: Tx) -> list[str]:
    """Owners that are purged and whose files may still lie there: a process was killed."""
    return list(tx.session.scalars(select(col(Tombstone.owner)).where(col(Tombstone.erased_at).is_(None))))


def known(tx: Tx, owners: Iterable[str]) -> set[str]:
    """Which of these have a tombstone."""
    found: set[str] = set()
    for piece in chunks(owners):
        found.update(tx.session.scalars(select(col(Tombstone.owner)).where(col(Tombstone.owner).in_(piece))))
    return found


def tombstone(tx: Tx, owner: str) -> tuple[Tombstone, Event] | None:
    """What was purged of an owner, and the event that tells of it."""
    row = tx.session.get(Tombstone, owner)
    query = select(Event).where(col(Event.record_id) == owner, col(Event.reason) == PURGED)
    event = tx.session.scalars(query.order_by(col(Event.seq)).limit(1)).first()
    return (row, event) if row is not None and event is not None else None


def first_event(tx: Tx) -> datetime | None:
    """When the history begins."""
    return tx.session.scalar(select(col(Event.at)).order_by(col(Event.seq)).limit(1))


def _old_lots(before: datetime) -> Select[Any]:
    return select(col(Batch.id)).where(col(Batch.received_at) < before, ~_purged(col(Batch.id)))


def _finished(before: datetime) -> list[ColumnElement[bool]]:
    requests = select(col(Request.id)).where(col(Request.batch_id) == col(Batch.id)).correlate(Batch)
    about = or_(col(Reply.batch_id) == col(Batch.id), col(Reply.request_id).in_(requests))
    waiting = or_(col(Reply.state).not_in(_DONE), col(Reply.created_at) >= before)
    return [
        col(Batch.state).in_(_JUDGED),
        ~exists().where(col(Request.batch_id) == col(Batch.id), col(Request.state).not_in(REQUEST_FINAL)),
        ~exists().where(about, waiting),
        ~exists().where(col(Deposit.batch_id) == col(Batch.id), col(Deposit.removed_at).is_(None)),
        ~_owed(),
        ~_recalled(),
    ]


def _owed() -> ColumnElement[bool]:
    """An invoice of the lot that the payer has not spoken of, or found receivable and has on no statement yet."""
    return exists(
        select(1)
        .select_from(Submission)
        .join(Request, col(Request.id) == col(Submission.request_id))
        .join(Invoice, col(Invoice.id) == col(Submission.invoice_id))
        .where(
            col(Request.batch_id) == col(Batch.id),
            col(Request.state) == RequestState.RECEIVABLE,
            col(Submission.action) == "new",
            col(Invoice.cancelled_by).is_(None),
            or_(col(Submission.verdict).is_(None), col(Submission.verdict) == "receivable"),
            ~on_statement(),
        )
        .correlate(Batch)
    )


def _recalled() -> ColumnElement[bool]:
    """It went where it should not have, and the incident is not closed."""
    requests = select(col(Request.id)).where(col(Request.batch_id) == col(Batch.id)).correlate(Batch)
    about = or_(col(Reply.batch_id) == col(Batch.id), col(Reply.request_id).in_(requests))
    replies = select(col(Reply.id)).where(about).correlate(Batch)
    mine = or_(col(Recall.record_id).in_(requests), col(Recall.record_id).in_(replies))
    return exists(select(1).select_from(Recall).where(mine, _waits_for_its_incident()).correlate(Batch))


def _waits_for_its_incident() -> ColumnElement[bool]:
    closed = select(col(Incident.id)).where(col(Incident.closed_at).is_not(None))
    open_ = or_(col(Recall.incident_id).is_(None), col(Recall.incident_id).not_in(closed))
    return and_(col(Recall.withdrawn_at).is_(None), open_)


def _purged(owner: SQLCoreOperations[str]) -> ColumnElement[bool]:
    return exists().where(col(Tombstone.owner) == owner)
