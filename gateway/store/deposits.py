"""What sources deposited: the batches, and every arrival of a file that made or repeated one."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists
from sqlmodel import col, or_, select

from gateway.errors import StaleState
from gateway.models import Batch, Deposit, Request
from gateway.ports import WaitingFile
from gateway.states import REQUEST_OVER, BatchState
from gateway.store import due, moves
from gateway.store.engine import Tx


def arrivals(tx: Tx, endpoint: str, file: WaitingFile) -> list[Deposit]:
    """What was recorded for this very file (endpoint, name, identity, time): almost always none or one.

    A file system may give the number of a removed file to a new one; such a file is told apart by its bytes and
    recorded under `identity_of`.
    """
    query = select(Deposit).where(
        Deposit.endpoint == endpoint,
        Deposit.name == file.name,
        Deposit.mtime_ns == file.mtime_ns,
        or_(Deposit.identity == file.identity, col(Deposit.identity).startswith(f"{file.identity}#", autoescape=True)),
    )
    return list(tx.session.exec(query))


def identity_of(known: list[Deposit], file: WaitingFile, sha256: str) -> str:
    """The identity to record a new arrival under."""
    return f"{file.identity}#{sha256[:16]}" if known else file.identity


def add(tx: Tx, deposit: Deposit) -> None:
    """Record one arrival."""
    tx.session.add(deposit)
    tx.session.flush()


def removed(tx: Tx, deposit_id: str) -> None:
    """The deposited file is out of the way."""
    deposit = tx.session.get_one(Deposit, deposit_id)
    if deposit.removed_at is None:
        deposit.removed_at = tx.now
        tx.session.add(deposit)


def live_batch(tx: Tx, agency_id: str, sha256: str) -> Batch | None:
    """The first batch of this agency with these bytes that still counts."""
    query = select(Batch).where(Batch.agency_id == agency_id, Batch.sha256 == sha256, _is_live())
    return tx.session.exec(query.order_by(col(Batch.received_at), col(Batch.id)).limit(1)).first()


def _is_live() -> ColumnElement[bool]:
    counts = exists().where(col(Request.batch_id) == col(Batch.id), col(Request.state).not_in(REQUEST_OVER))
    return or_(col(Batch.state).in_((BatchState.COLLECTED, BatchState.HELD)), counts)


def collected(tx: Tx, agency_id: str) -> list[Batch]:
    """The agency's batches that are not judged yet, in order of arrival."""
    query = select(Batch).where(Batch.agency_id == agency_id, Batch.state == BatchState.COLLECTED)
    return list(tx.session.exec(query.order_by(col(Batch.received_at), col(Batch.id))))


def every(tx: Tx) -> list[Batch]:
    """Every batch, in order of arrival."""
    return list(tx.session.exec(select(Batch).order_by(col(Batch.received_at), col(Batch.id))))


def get(tx: Tx, batch_id: str) -> Batch | None:
    """A batch by its id."""
    return tx.session.get(Batch, batch_id)


def release(tx: Tx, batch: Batch, *, reason: str) -> None:
    """A person lets a HELD batch be judged again. Raises StaleState when it is not HELD."""
    if batch.state != BatchState.HELD:
        raise StaleState(f"{batch.id} is {batch.state}, not HELD")
    moves.move(tx, batch, BatchState.COLLECTED, "released", detail={"said": reason})
    due.wake(tx, "validate", batch.agency_id)
