"""Requests of which only a part went: their lineage, their control totals, and the numbers given to what came back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sql
from sqlmodel import col, select

from gateway.models import Invoice, Reply, Request, Salvage, Submission
from gateway.states import REQUEST_OVER, ReplyState
from gateway.store.engine import Tx, chunks, table_of


def add(tx: Tx, salvage: Salvage) -> None:
    """Record it, in the transaction in which both its requests are born."""
    tx.session.add(salvage)
    tx.session.flush()


def of(tx: Tx, request: Request) -> Salvage | None:
    """The salvage a request was part of, as the one deposited or as the one that goes."""
    return tx.session.get(Salvage, request.derived_from or request.id)


def originals(tx: Tx, request_ids: Collection[str]) -> set[str]:
    """The requests of which these are the parts that go."""
    query = select(Request.derived_from).where(col(Request.id).in_(request_ids), col(Request.derived_from).is_not(None))
    return {str(original) for original in tx.session.exec(query)} if request_ids else set()


def given(tx: Tx, agency_id: str, name: str) -> bool:
    """Whether a document set aside went back to the agency under this name."""
    query = select(Salvage.request_id).where(Salvage.agency_id == agency_id, Salvage.aside_name == name)
    return tx.session.exec(query.limit(1)).first() is not None


def used(tx: Tx, agency_id: str, number: str) -> bool:
    """Whether this number can no longer be given to anything: a document set aside bears it, or a request did."""
    query = select(Request.id).where(Request.agency_id == agency_id, Request.no_dem_ext == number)
    return given(tx, agency_id, number) or tx.session.exec(query.limit(1)).first() is not None


def same_original(tx: Tx, agency_id: str, number: str, sha256: str) -> Request | None:
    """The request that goes for a document of this number and these bytes, while it counts."""
    originals = select(Request.id).where(
        Request.agency_id == agency_id, Request.no_dem_ext == number, Request.sha256 == sha256
    )
    query = select(Request).where(col(Request.derived_from).in_(originals), col(Request.state).not_in(REQUEST_OVER))
    return tx.session.exec(query.order_by(col(Request.id)).limit(1)).first()


class Seen(NamedTuple):
    """What we keep of an invoice that tells it from another one of the same number."""

    practice: str | None
    account: str | None
    first_service: date | None
    last_service: date | None
    amount_cents: int | None
    lines: int


class Answered(NamedTuple):
    """An invoice that was deposited before and found receivable: what it was, and the first answer."""

    request_id: str
    payer_number: str | None
    seen: Seen
    at: datetime | None = None  # when the answer came


def receivable(tx: Tx, agency_id: str, payer: str, numbers: Iterable[str]) -> dict[str, Answered]:
    """The agency's receivable invoices of these numbers at this payer, cancelled ones not among them."""
    found: dict[str, Answered] = {}
    invoice, submission = table_of(Invoice).c, table_of(Submission).c
    same = (submission.request_id == invoice.request_id) & (submission.ordinal == invoice.ordinal)
    for part in chunks(sorted(set(numbers))):
        query = (
            sql.select(
                *(invoice.no_fact_ext, invoice.request_id, invoice.no_fact_ramq),
                *(submission[name] for name in Seen._fields),
            )
            .join_from(table_of(Invoice), table_of(Submission), same)
            .where(invoice.agency_id == agency_id, invoice.payer == payer, invoice.no_fact_ext.in_(part))
            .where(submission.verdict == "receivable", invoice.cancelled_by.is_(None))
        )
        for number, request_id, payer_number, *seen in tx.session.execute(query):
            found[number] = Answered(request_id, payer_number, Seen(*seen))
    days = _answered_at(tx, {answer.request_id for answer in found.values()})
    return {number: answer._replace(at=days.get(answer.request_id)) for number, answer in found.items()}


def _answered_at(tx: Tx, request_ids: set[str]) -> dict[str, datetime]:
    """When the first answer to each of these requests came."""
    found: dict[str, datetime] = {}
    for part in chunks(sorted(request_ids)):
        query = select(Reply.request_id, Reply.created_at).where(
            col(Reply.request_id).in_(part),
            Reply.kind == "receivability",
            col(Reply.state).not_in([ReplyState.RECEIVED, ReplyState.HELD, ReplyState.DISCARDED]),
        )
        for request_id, at in tx.session.exec(query.order_by(col(Reply.id))):
            found.setdefault(str(request_id), at)
    return found
