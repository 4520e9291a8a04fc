"""Bulk rows of a batch under judgement: written in chunks, counted only once their request's row exists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from sqlalchemy import delete
from sqlmodel import col, func, select

from gateway.models import FindingRow, Invoice, Request, Submission
from gateway.store.engine import Store, Tx, bulk_columns, chunks
from gateway.store.plain import Columns

CHUNK = 8000  # rows for one transaction: a tenth of a second; each commit waits for the disk
_TABLES = (Submission, Invoice, FindingRow)


def clear(store: Store, batch_id: str) -> None:
    """Forget what an interrupted judgement of this batch left; rows of requests that exist stay."""
    with store.write() as tx:
        standing = select(Request.id).where(Request.batch_id == batch_id)
        for table in _TABLES:
            mine = col(table.batch_id) == batch_id
            tx.session.exec(delete(table).where(mine, col(table.request_id).not_in(standing)))


def discard(store: Store, request_ids: Sequence[str]) -> None:
    """Forget rows whose requests will never exist."""
    with store.write() as tx:
        for table in _TABLES:
            for part in chunks(request_ids):
                tx.session.exec(delete(table).where(col(table.request_id).in_(part)))


def add(store: Store, table: type[Submission | Invoice | FindingRow], pieces: Iterable[Columns]) -> int:
    """Write rows, each piece in a transaction of its own; give their number."""
    total = 0
    for piece in filter(attrgetter("size"), pieces):
        with store.write() as tx:
            total += bulk_columns(tx, table, piece)
    return total


def whole(tx: Tx, request_id: str, submissions: int) -> bool:
    """Whether every staged submission of a request is still there: another worker may have begun the batch anew."""
    query = select(func.count()).select_from(Submission).where(Submission.request_id == request_id)
    return tx.session.exec(query).one() == submissions
