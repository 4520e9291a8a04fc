"""Agencies in shadow: which requests are never sent, and what the payer answered to what another gateway sent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlmodel import col

from gateway.models import Agency, Batch, Invoice, Reply, Request, Statement, StatementEntry, Submission
from gateway.states import ReplyState, RequestState
from gateway.store import moves
from gateway.store.engine import Tx
from gateway.store.proofs import Sums, sums

SHADOW, LIVE = "shadow", "live"
CYCLES = 2  # statements of so many different days, before an agency changes gateway


def agency(tx: Tx, agency_id: str) -> bool:
    """Whether the agency is in shadow now."""
    return tx.session.scalar(select(col(Agency.transmit)).where(col(Agency.id) == agency_id)) == SHADOW


def of(tx: Tx, request: Request) -> bool:
    """Whether this request is never sent: deposited while its agency was in shadow, or its agency is so now."""
    marked = select(col(Batch.shadow)).where(col(Batch.id) == request.batch_id)
    return bool(tx.session.scalar(marked)) or agency(tx, request.agency_id)


def ready(tx: Tx, payer: str, number: str) -> list[Request]:
    """The lane's READY requests that are never sent, in the order they were made; one query."""
    query = (
        select(Request)
        .join(Batch, col(Batch.id) == col(Request.batch_id))
        .join(Agency, col(Agency.id) == col(Request.agency_id))
        .where(col(Request.payer) == payer, col(Request.number) == number, col(Request.state) == RequestState.READY)
        .where(or_(col(Batch.shadow).is_(True), col(Agency.transmit) == SHADOW))
    )
    return list(tx.session.scalars(query.order_by(col(Request.created_at), col(Request.ordinal), col(Request.id))))


@dataclass(frozen=True, slots=True)
class Seen:
    """One agency's shadow so far. Amounts in cents."""

    since: datetime | None  # its first lot of this time in shadow
    lots: int
    states: dict[str, Sums]  # of the requests of those lots, by state
    refused_invoices: int  # found receivable requests, of which the payer refused these
    preliminary_cents: int  # what the payer said of the receivable ones
    differing: list[str]  # request numbers that we let through and the payer found not receivable
    doubtful: dict[str, int]  # replies nobody could be found for, by reason
    statements: list[date]  # different days of statements that were fed
    paid_cents: int
    on_statements: int  # receivable invoices that some statement shows
    strangers: int  # entries of those statements about invoices that were never deposited here
    strangers_cents: int

    @property
    def enough(self) -> bool:
        """Whether it saw the payment cycles that a change of gateway wants."""
        return len(self.statements) >= CYCLES


def agencies(tx: Tx) -> list[Agency]:
    """Every agency that is in shadow, or was, by name."""
    was = exists().where(col(Batch.agency_id) == col(Agency.id), col(Batch.shadow).is_(True))
    query = select(Agency).where((col(Agency.transmit) == SHADOW) | was)
    return list(tx.session.scalars(query.order_by(col(Agency.name))))


def seen(tx: Tx, one: Agency, numbers: Collection[str]) -> Seen:
    """Count everything, from the first lot after the last one that was not in shadow. `numbers`: the agency's
    transmission numbers, under which replies were fed."""
    last_live = select(func.max(col(Batch.id))).where(col(Batch.agency_id) == one.id, col(Batch.shadow).is_(False))
    after = tx.session.scalar(last_live) or ""
    mine = (col(Batch.agency_id) == one.id) & (col(Batch.shadow).is_(True)) & (col(Batch.id) > after)
    since, lots = tx.session.execute(select(func.min(col(Batch.received_at)), func.count()).where(mine)).one()
    verdicts = _verdicts(tx, mine)
    dates, paid = _statements(tx, one.id, since)
    shown = _shown(tx, one.id, mine, since)
    return Seen(
        since=since,
        lots=lots,
        states=_states(tx, mine),
        refused_invoices=verdicts[0],
        preliminary_cents=verdicts[1],
        differing=_differing(tx, mine),
        doubtful=_doubtful(tx, numbers, since),
        statements=dates,
        paid_cents=paid,
        on_statements=shown[0],
        strangers=shown[1],
        strangers_cents=shown[2],
    )


def _states(tx: Tx, mine: ColumnElement[bool]) -> dict[str, Sums]:
    requests = select(col(Request.state), func.count()).join(Batch, col(Batch.id) == col(Request.batch_id)).where(mine)
    counts = {str(state): count for state, count in tx.session.execute(requests.group_by(col(Request.state)))}
    known = func.count(col(Submission.amount_cents))
    amount = (func.count(), func.coalesce(func.sum(col(Submission.amount_cents)), 0), func.count() - known)
    query = (
        select(col(Request.state), *amount)
        .join(Request, col(Request.id) == col(Submission.request_id))
        .join(Batch, col(Batch.id) == col(Request.batch_id))
        .where(mine)
    )
    amounts = {state: rest for state, *rest in tx.session.execute(query.group_by(col(Request.state)))}
    return {state: Sums(count, *amounts.get(state, (0, 0, 0))) for state, count in counts.items()}


def _verdicts(tx: Tx, mine: ColumnElement[bool]) -> tuple[int, int]:
    """Of requests the payer found receivable: the invoices it refused, and what it said the others are worth."""
    base = (
        select(func.count(), func.coalesce(func.sum(col(Invoice.preliminary_cents)), 0))
        .select_from(Submission)
        .join(Request, col(Request.id) == col(Submission.request_id))
        .join(Batch, col(Batch.id) == col(Request.batch_id))
        .outerjoin(Invoice, col(Invoice.id) == col(Submission.invoice_id))
        .where(mine, col(Request.state) == RequestState.RECEIVABLE)
    )
    refused = tx.session.execute(base.where(col(Submission.verdict) == "not_receivable")).one()
    good = tx.session.execute(base.where(col(Submission.verdict) == "receivable")).one()
    return refused[0], good[1]


def _differing(tx: Tx, mine: ColumnElement[bool]) -> list[str]:
    query = (
        select(func.coalesce(col(Request.no_dem_ext), col(Request.id)))
        .join(Batch, col(Batch.id) == col(Request.batch_id))
        .where(mine, col(Request.state) == RequestState.NOT_RECEIVABLE)
    )
    return list(tx.session.scalars(query.order_by(col(Request.id))))


def _doubtful(tx: Tx, numbers: Collection[str], since: datetime | None) -> dict[str, int]:
    """HELD replies that came under these numbers and are nobody's yet."""
    if since is None:
        return {}
    reason = func.coalesce(col(Reply.reason), "")
    query = select(reason, func.count()).where(
        col(Reply.state) == ReplyState.HELD, col(Reply.created_at) >= since, col(Reply.number).in_(numbers)
    )
    return {str(code): count for code, count in tx.session.execute(query.group_by(reason))}


def _statements(tx: Tx, agency_id: str, since: datetime | None) -> tuple[list[date], int]:
    if since is None:
        return [], 0
    fed = (col(Statement.agency_id) == agency_id, col(Reply.created_at) >= since)
    query = select(col(Statement.dated), func.sum(func.coalesce(col(Statement.paid_cents), 0))).join(
        Reply, col(Reply.id) == col(Statement.reply_id)
    )
    rows = tx.session.execute(query.where(*fed).group_by(col(Statement.dated)).order_by(col(Statement.dated))).all()
    return [row[0] for row in rows], sum(row[1] for row in rows)


def _shown(tx: Tx, agency_id: str, mine: ColumnElement[bool], since: datetime | None) -> tuple[int, int, int]:
    """Invoices of shadow lots on statements; entries about none of ours, and their amount."""
    if since is None:
        return 0, 0, 0
    entries = (
        select(StatementEntry)
        .join(Statement, col(Statement.reply_id) == col(StatementEntry.reply_id))
        .join(Reply, col(Reply.id) == col(Statement.reply_id))
        .where(col(Statement.agency_id) == agency_id, col(Reply.created_at) >= since)
        .subquery()
    )
    ours = select(col(Invoice.id)).join(Batch, col(Batch.id) == col(Invoice.batch_id)).where(mine)
    known = select(func.count(entries.c.invoice_id.distinct())).where(entries.c.invoice_id.in_(ours))
    strange = select(func.count(), func.coalesce(func.sum(entries.c.paid_cents), 0)).where(
        entries.c.invoice_id.is_(None)
    )
    count, cents = tx.session.execute(strange).one()
    return tx.session.scalar(known) or 0, count, cents


def called(tx: Tx, name: str) -> Agency | None:
    """The agency of that name."""
    return tx.session.scalars(select(Agency).where(col(Agency.name) == name)).one_or_none()


def in_state(tx: Tx, agency_id: str, state: str) -> Sums:
    """The agency's requests in a state, and their invoices."""
    found = tx.session.scalars(
        select(col(Request.id)).where(col(Request.agency_id) == agency_id, col(Request.state) == state)
    )
    return sums(tx, list(found))


def switch(tx: Tx, one: Agency, to: str, said: dict[str, object]) -> None:
    """Put an agency in shadow, or live. `said`: the numbers it was decided on, and why, for the event."""
    one.transmit = to
    tx.session.add(one)
    tx.session.flush()
    moves.note(tx, one, "went_live" if to == LIVE else "went_into_shadow", said)
