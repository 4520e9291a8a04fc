"""Invoices that a limit may still take away, set-wise; the alerts about them; and sending them again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sql
from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlmodel import col

from gateway.identifiers import new_id
from gateway.models import Batch, DeadlineAlert, Invoice, Request, Submission
from gateway.states import REQUEST_OVER, BatchState, RequestState
from gateway.store.engine import Tx, bulk, changed, chunks, table_of
from gateway.store.spoken import named
from gateway.store.status import standing_now


class Open(NamedTuple):
    """Invoices of one request with one practice number, one oldest service and one standing: not receivable yet, or
    receivable and on no statement."""

    agency_id: str
    request_id: str
    batch_id: str
    number: str | None  # no_dem_ext
    payer: str | None
    format: str | None
    practice: str | None
    service: date | None
    standing: str  # pending | held | sent | refused | not_receivable | receivable
    transmitted_at: datetime | None
    invoices: int
    cents: int | None  # claimed, or preliminary where the payer has said it; None: no amount is known
    unknown: int  # invoices without an amount


def open_invoices(tx: Tx, *, alerted: bool = False, of: str | None = None) -> list[Open]:
    """Every group of invoices with something to lose, in one query; with `alerted` only those of requests about which
    an alert was raised, with `of` those of one request. Left out: what is cancelled, what a later deposit of the same
    number stands for, what was sent again, and requests that are closed (`closing`), whose invoices are all such."""
    standing, amount = standing_now(), func.coalesce(col(Invoice.preliminary_cents), col(Submission.amount_cents))
    kept = (
        col(Submission.agency_id), col(Request.id), col(Request.batch_id), col(Request.no_dem_ext), col(Request.payer),
        col(Request.format), col(Submission.practice), col(Submission.first_service), standing.label("standing"),
        col(Request.transmitted_at),
    )  # fmt: skip
    unknown = func.sum(case((amount.is_(None), 1), else_=0))
    query = (
        select(*kept, func.count(), func.sum(amount), unknown)
        .select_from(Submission)
        .join(Request, col(Request.id) == col(Submission.request_id))
        .join(Invoice, col(Invoice.id) == col(Submission.invoice_id))
        .where(col(Submission.action) == "new", col(Invoice.cancelled_by).is_(None))
        .where(col(Request.state) != RequestState.CANCELLED, ~_settled(), ~superseded())
        .group_by(*kept)
        .order_by(col(Request.id), col(Submission.first_service))
    )
    if of is not None:
        query = query.where(col(Request.id) == of)
    elif alerted:
        query = query.where(col(Request.id).in_(select(col(DeadlineAlert.request_id))))
    else:
        query = query.where(col(Request.closed_at).is_(None))  # of the others few are asked for, and found by name
    return [Open(*row) for row in tx.session.execute(query)]


def _settled() -> ColumnElement[bool]:
    """On a statement, or receivable and sent again by a request that still counts."""
    again = table_of(Request).alias("again")
    sent_again = exists().where(again.c.replaces == col(Request.id), again.c.state.not_in(REQUEST_OVER))
    return or_(named(), and_(col(Submission.verdict) == "receivable", sent_again))


def superseded(*, for_good: bool = False) -> ColumnElement[bool]:
    """Refused or not receivable, and another of the same number stands for it: deposited later, or receivable.
    `for_good`: the other was deposited later, which cannot change."""
    other, of = table_of(Invoice).alias("other"), table_of(Request).alias("other_request")
    later = other.c.request_id > col(Invoice.request_id)
    receivable = and_(other.c.no_fact_ramq.is_not(None), other.c.cancelled_by.is_(None))
    same = (
        exists()
        .where(other.c.agency_id == col(Invoice.agency_id), other.c.no_fact_ext == col(Invoice.no_fact_ext))
        .where(other.c.id != col(Invoice.id), later if for_good else or_(later, receivable))
        .where(of.c.id == other.c.request_id)
    )
    dead = or_(col(Request.state).in_(REQUEST_OVER), col(Submission.verdict) == "not_receivable")
    return and_(dead, func.coalesce(col(Submission.verdict), "") != "receivable", same)


class Due(NamedTuple):
    """What an alert is about, on the day it is raised."""

    agency_id: str
    request_id: str
    service: date
    threshold: int
    last: date
    invoices: int
    cents: int | None


def alerts(tx: Tx) -> list[DeadlineAlert]:
    """Every alert, the newest first."""
    query = sql.select(DeadlineAlert).order_by(col(DeadlineAlert.raised_at).desc(), col(DeadlineAlert.id).desc())
    return list(tx.session.scalars(query))


def tightest(tx: Tx) -> dict[tuple[str, date], int]:
    """The smallest threshold told of each request and service."""
    keys = (col(DeadlineAlert.request_id), col(DeadlineAlert.service))
    rows = tx.session.execute(select(*keys, func.min(col(DeadlineAlert.threshold))).group_by(*keys))
    return {(request, service): threshold for request, service, threshold in rows}


def add_alerts(tx: Tx, told: Iterable[Due]) -> int:
    """Record alerts; give their number."""
    rows: list[dict[str, Any]] = [one._asdict() | {"id": new_id("ALR"), "raised_at": tx.now} for one in told]
    return bulk(tx, DeadlineAlert, rows)


def dismiss(tx: Tx, alert_id: str, today: date, *, said: str) -> bool | None:
    """A person has seen it. False: its last day has passed, nobody dismisses that; None: there is no such alert."""
    alert = tx.session.get(DeadlineAlert, alert_id)
    if alert is None:
        return None
    if alert.last < today:
        return False
    row = table_of(DeadlineAlert)
    values = {"dismissed_at": tx.now, "dismissed_by": tx.actor, "said": said}
    changed(tx, row.update().where(row.c.id == alert_id, row.c.dismissed_at.is_(None)).values(values))
    return True


class Sent(NamedTuple):
    """An invoice as it was sent."""

    ordinal: int
    number: str | None  # no_fact_ext
    practice: str | None
    first_service: date | None
    last_service: date | None
    lines: int
    amount_cents: int | None


def sent(tx: Tx, request_id: str) -> list[Sent]:
    """A request's receivable invoices that no statement shows and nobody cancelled, in the order of the document."""
    names = ("ordinal", "no_fact_ext", "practice", "first_service", "last_service", "lines", "amount_cents")
    query = (
        select(*(table_of(Submission).c[name] for name in names))
        .join(Invoice, col(Invoice.id) == col(Submission.invoice_id))
        .where(col(Submission.request_id) == request_id, col(Submission.action) == "new")
        .where(col(Submission.verdict) == "receivable")
        .where(col(Invoice.cancelled_by).is_(None))
        .where(~named())
        .order_by(col(Submission.ordinal))
    )
    return [Sent(*row) for row in tx.session.execute(query)]


def unpaid(tx: Tx, request_id: str) -> list[int]:
    """The ordinals of those invoices."""
    return [one.ordinal for one in sent(tx, request_id)]


def numbers_used(tx: Tx, agency_id: str, numbers: Iterable[str]) -> set[str]:
    """Which of these numbers some invoice of the agency bears."""
    found: set[str] = set()
    for part in chunks(numbers):
        query = select(col(Invoice.no_fact_ext)).where(
            col(Invoice.agency_id) == agency_id, col(Invoice.no_fact_ext).in_(part)
        )
        found.update(tx.session.scalars(query))
    return found


def replacing(tx: Tx, request_ids: Collection[str]) -> dict[str, str]:
    """What each of these was sent again by: a request that counts, or a lot that is not judged yet."""
    found: dict[str, str] = {}
    lots = select(col(Batch.replaces), col(Batch.id)).where(
        col(Batch.replaces).in_(request_ids), col(Batch.state).in_((BatchState.COLLECTED, BatchState.HELD))
    )
    again = select(col(Request.replaces), col(Request.id)).where(
        col(Request.replaces).in_(request_ids), col(Request.state).not_in(REQUEST_OVER)
    )
    for query in (lots, again):
        found |= {str(old): new for old, new in tx.session.execute(query)}
    return found
