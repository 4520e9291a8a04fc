"""What an agency's past says of the invoices it deposits now: numbers that stand, and when a statement last spoke."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from sqlmodel import col, func, or_, select

from gateway.models import Invoice, Request, Statement, StatementEntry, Submission
from gateway.states import REQUEST_OVER, RequestState
from gateway.store.births import born
from gateway.store.engine import Tx, chunks


class First(NamedTuple):
    """The invoice that bears a number already."""

    request_id: str
    outcome: str  # receivable | waiting | held | sent


_OUTCOMES = {RequestState.READY: "waiting", RequestState.HELD: "held"}


def standing(tx: Tx, agency_id: str, numbers: Iterable[str]) -> dict[str, First]:
    """Which of these `no_fact_ext` stand at the agency (neither refused, not receivable nor cancelled), and what became
    of the invoice that bears each."""
    found: dict[str, First] = {}
    for part in chunks(sorted(set(numbers))):
        query = (
            select(Invoice.no_fact_ext, Request.id, Request.state, Submission.verdict)
            .join(Request, col(Request.id) == col(Invoice.request_id))
            .join(Submission, born())
            .where(Invoice.agency_id == agency_id, col(Invoice.no_fact_ext).in_(part))
            .where(col(Request.state).not_in(REQUEST_OVER), col(Invoice.cancelled_by).is_(None))
            .where(or_(col(Submission.verdict).is_(None), Submission.verdict != "not_receivable"))
        )
        for number, request_id, state, verdict in tx.session.exec(query):
            outcome = verdict or _OUTCOMES.get(RequestState(state), "sent")
            found[str(number)] = First(request_id, outcome)
    return found


def last_shown(tx: Tx, invoice_ids: Iterable[str]) -> dict[str, date]:
    """The date of the most recent statement that shows each of these invoices; one never shown is not there."""
    found: dict[str, date] = {}
    for part in chunks(sorted(set(invoice_ids))):
        query = (
            select(StatementEntry.invoice_id, func.max(Statement.dated))
            .join(Statement, col(Statement.reply_id) == col(StatementEntry.reply_id))
            .where(col(StatementEntry.invoice_id).in_(part))
            .group_by(col(StatementEntry.invoice_id))
        )
        found |= {str(invoice_id): dated for invoice_id, dated in tx.session.exec(query)}
    return found


class Billed(NamedTuple):
    """The services an invoice has in what the payer found receivable of it."""

    first: date
    last: date


def billed(tx: Tx, invoice_ids: Iterable[str]) -> dict[str, Billed]:
    """The oldest and the newest service of each of these invoices; one without a receivable submission is not there."""
    found: dict[str, Billed] = {}
    for part in chunks(sorted(set(invoice_ids))):
        query = (
            select(Submission.invoice_id, func.min(Submission.first_service), func.max(Submission.last_service))
            .where(col(Submission.invoice_id).in_(part), Submission.verdict == "receivable")
            .where(col(Submission.first_service).is_not(None), col(Submission.last_service).is_not(None))
            .group_by(col(Submission.invoice_id))
        )
        found |= {str(key): Billed(first, last) for key, first, last in tx.session.exec(query) if first and last}
    return found
