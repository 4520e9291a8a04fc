"""What can be proved about one transmission, and what a person adds to it: a paper that says that it arrived."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlmodel import col

from gateway.errors import StaleState
from gateway.identifiers import lane
from gateway.models import DeliveryProof, Event, Reply, Request, Submission
from gateway.states import RequestState
from gateway.store import attempts, due, moves
from gateway.store.engine import Tx


class Sums(NamedTuple):
    """How much a decision is about. Cents are what is claimed; `unknown`: invoices without an amount."""

    requests: int
    invoices: int
    cents: int
    unknown: int


def sums(tx: Tx, request_ids: list[str]) -> Sums:
    """The invoices of these requests, and their amounts."""
    known = func.count(col(Submission.amount_cents))
    query = select(func.count(), func.coalesce(func.sum(col(Submission.amount_cents)), 0), func.count() - known)
    invoices, cents, unknown = tx.session.execute(query.where(col(Submission.request_id).in_(request_ids))).one()
    return Sums(len(request_ids), invoices, cents, unknown)


def links(tx: Tx, request_id: str) -> list[Event]:
    """The request's links of the chain of events, the first one first; looks of people are in their own register."""
    told = (col(Event.record_id) == request_id, col(Event.record_kind) == "request")
    return list(tx.session.scalars(select(Event).where(*told).order_by(col(Event.seq))))


def replies_about(tx: Tx, request: Request) -> list[Reply]:
    """What came under the request's number that answers it, or bears its name at the payer, whatever became of it."""
    stem = PurePosixPath(request.wire_name or "").stem
    named = func.substr(col(Reply.name), 1, len(stem) + 1) == f"{stem}."
    lane_s = (col(Reply.payer) == request.payer) & (col(Reply.number) == request.number)
    answers = (col(Reply.request_id) == request.id) & (col(Reply.kind) == "receivability")
    query = select(Reply).where(or_(answers, lane_s & named) if stem else answers)
    return list(tx.session.scalars(query.order_by(col(Reply.id))))


def papers(tx: Tx, request_id: str) -> list[DeliveryProof]:
    """What people gave as proof, the first paper first."""
    query = select(DeliveryProof).where(col(DeliveryProof.record_id) == request_id)
    return list(tx.session.scalars(query.order_by(col(DeliveryProof.id))))


def mark_delivered(tx: Tx, request: Request, paper: DeliveryProof, *, reason: str, reply_within: float) -> None:
    """A person says, with a paper, that the payer has it: TRANSMITTED, and its answer is awaited from now on. Raises
    StaleState when it is not HELD, or was never tried."""
    if request.state != RequestState.HELD or request.attempts == 0:
        raise StaleState(f"{request.id} is {request.state}, tried {request.attempts} times")
    tx.session.add(paper)
    while attempt := attempts.unfinished(tx, request.id):
        attempts.end(tx, attempt.id, "marked_delivered")
    said = {"said": reason, "evidence": paper.id, "sha256": paper.sha256, "size": paper.size}
    moves.move(
        tx,
        request,
        RequestState.TRANSMITTED,
        "marked_delivered",
        detail=said,
        holds=[],
        next_try_at=None,
        transmitted_at=request.transmitted_at or tx.now,
        answer_by=tx.now + timedelta(seconds=reply_within),
    )
    due.wake(tx, "match", lane(request.payer or "", request.number or ""))
