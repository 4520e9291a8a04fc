"""When things came: an agency's deposits, a payer's statements, and since when a payer owes one."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, func, or_, select

from gateway.calendars import day_of
from gateway.models import Batch, Deposit, Invoice, Reply, Request, Statement, Submission
from gateway.store.births import born
from gateway.store.engine import Tx, chunks
from gateway.store.spoken import on_statement


class Owed(NamedTuple):
    """What a payer has found receivable and put on no statement yet."""

    invoices: int
    since: datetime  # when the oldest of them was handed over (aware UTC)


class Spoken(NamedTuple):
    """A payer's newest statement, by its own date and by the moment one last came, matched or not."""

    dated: date | None
    came: datetime | None


def deposits(tx: Tx, span: timedelta) -> dict[str, list[datetime]]:
    """Every agency's arrivals, in order: those of the last `span`, or of the span before its last one. Of each day in
    Toronto the first one is given, and the last of all."""
    since = tx.now - span
    newest = select(Batch.agency_id, func.max(Deposit.received_at)).join(Batch, col(Batch.id) == col(Deposit.batch_id))
    last = dict(tx.session.exec(newest.group_by(col(Batch.agency_id))).all())
    asleep = [(agency, moment - span) for agency, moment in last.items() if moment < since]
    found = _arrivals(tx, col(Deposit.received_at) >= since)
    for piece in chunks(asleep, 100):
        then = or_(
            *(and_(col(Batch.agency_id) == agency, col(Deposit.received_at) >= start) for agency, start in piece)
        )
        found |= _arrivals(tx, then)
    return found


def _arrivals(tx: Tx, which: ColumnElement[bool]) -> dict[str, list[datetime]]:
    """Read a few at a time: of years of arrivals little is kept."""
    firsts: dict[str, dict[date, datetime]] = defaultdict(dict)
    last: dict[str, datetime] = {}
    query = select(Batch.agency_id, Deposit.received_at).join(Batch, col(Batch.id) == col(Deposit.batch_id))
    for agency, moment in tx.session.execute(query.where(which).execution_options(yield_per=1000)):
        day = day_of(moment)
        firsts[agency][day] = min(moment, firsts[agency].get(day, moment))
        last[agency] = max(moment, last.get(agency, moment))
    return {agency: sorted({*days.values(), last[agency]}) for agency, days in firsts.items()}


def owed(tx: Tx) -> dict[str, Owed]:
    """Receivable invoices on no statement, by payer. In a closed request there is none (`closing`)."""
    query = (
        select(Invoice.payer, func.count(), func.min(Request.transmitted_at))
        .join(Request, col(Request.id) == col(Invoice.request_id))
        .join(Submission, born())
        .where(Submission.verdict == "receivable", col(Invoice.cancelled_by).is_(None))
        .where(col(Request.transmitted_at).is_not(None), col(Request.closed_at).is_(None), ~on_statement())
        .group_by(col(Invoice.payer))
    )
    return {str(payer): Owed(count, since) for payer, count, since in tx.session.exec(query) if since is not None}


def spoken(tx: Tx) -> dict[str, Spoken]:
    """When each payer last gave a statement."""
    dated_query = select(Statement.payer, func.max(Statement.dated)).group_by(col(Statement.payer))
    dated = dict(tx.session.exec(dated_query).all())
    came_query = select(Reply.payer, func.max(Reply.created_at)).where(Reply.kind == "statement")
    came = {str(payer): moment for payer, moment in tx.session.exec(came_query.group_by(col(Reply.payer)))}
    return {payer: Spoken(dated.get(payer), came.get(payer)) for payer in dated.keys() | came.keys()}
