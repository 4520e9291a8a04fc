"""Requests and their submissions: what is known of numbers and invoices, and what a person decides about a request."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select

from gateway.errors import NotHeldFor, StaleState
from gateway.identifiers import lane
from gateway.models import Invoice, Request, Submission
from gateway.report import NO_PAYER_COULD_TAKE
from gateway.states import REQUEST_OVER, RequestState
from gateway.store import due, moves
from gateway.store.engine import Tx, changed, chunks

PERSON = "person"  # the hold a person puts on a request
# Holds that a plain release does not lift: findings (capitals), and what might be there already.
RISKY = frozenset({"in_doubt", "no_reply", "name_taken", "restored"})


def get(tx: Tx, request_id: str) -> Request | None:
    """A request by its id."""
    return tx.session.get(Request, request_id)


def of_batch(tx: Tx, batch_id: str) -> list[Request]:
    """The requests of a batch, in its order."""
    return list(tx.session.exec(select(Request).where(Request.batch_id == batch_id).order_by(col(Request.ordinal))))


def held(tx: Tx, agency_id: str) -> list[Request]:
    """The agency's HELD requests, in order of arrival."""
    query = select(Request).where(Request.agency_id == agency_id, Request.state == RequestState.HELD)
    return list(tx.session.exec(query.order_by(col(Request.created_at), col(Request.ordinal), col(Request.id))))


def live_with_number(tx: Tx, agency_id: str, number: str) -> list[Request]:
    """The agency's requests of that number that still count, oldest first."""
    query = select(Request).where(
        Request.agency_id == agency_id, Request.no_dem_ext == number, col(Request.state).not_in(REQUEST_OVER)
    )
    return list(tx.session.exec(query.order_by(col(Request.created_at), col(Request.ordinal), col(Request.id))))


def claims(tx: Tx, request_id: str) -> list[tuple[str, str | None, date | None, date | None]]:
    """What the submissions of a request ask for: account, practice number, first and last day of service."""
    services = func.min(Submission.first_service), func.max(Submission.last_service)
    query = select(Submission.account, Submission.practice, *services).where(Submission.request_id == request_id)
    rows = tx.session.exec(query.group_by(col(Submission.account), col(Submission.practice)))
    return [(account, practice, first, last) for account, practice, first, last in rows if account is not None]


def services(tx: Tx, request_id: str) -> list[tuple[str | None, date | None, date | None]]:
    """Practice number, first and last day of service of each submission of a request, the same ones once."""
    query = select(col(Submission.practice), col(Submission.first_service), col(Submission.last_service))
    found = tx.session.exec(query.where(Submission.request_id == request_id).distinct())
    return [(practice, first, last) for practice, first, last in found]


def unlinked(tx: Tx, request_id: str) -> list[Submission]:
    """The submissions of a modification or cancellation whose invoice is not known yet."""
    query = select(Submission).where(
        Submission.request_id == request_id, Submission.action != "new", col(Submission.invoice_id).is_(None)
    )
    return list(tx.session.exec(query.order_by(col(Submission.ordinal))))


def link(tx: Tx, submission: Submission, invoice: Invoice) -> None:
    """Say which invoice a submission is about: its account is the invoice's."""
    submission.invoice_id, submission.account = invoice.id, invoice.account
    tx.session.add(submission)
    tx.session.flush()


def known_invoices(tx: Tx, agency_id: str, payer: str | None, numbers: Iterable[str]) -> dict[str, Invoice]:
    """The agency's invoices by the payer's number."""
    found: dict[str, Invoice] = {}
    for part in chunks(sorted(set(numbers))):
        query = select(Invoice).where(
            Invoice.agency_id == agency_id, Invoice.payer == payer, col(Invoice.no_fact_ramq).in_(part)
        )
        found |= {str(invoice.no_fact_ramq): invoice for invoice in tx.session.exec(query)}
    return found


def given_payer(tx: Tx, request_id: str, payer: str | None) -> None:
    """The payer of a request became known: its invoices are that payer's."""
    tx.session.execute(update(Invoice).where(col(Invoice.request_id) == request_id).values(payer=payer))


def reheld(tx: Tx, request: Request, holds: list[str], reason: str, *, said: str = "", **changes: Any) -> None:
    """A HELD request stays held, for other causes than before; `said`: by the person who decided it. Raises StaleState
    when it is no longer HELD."""
    changes |= {"holds": holds, "reason": holds[0]}
    still = (col(Request.id) == request.id) & (col(Request.state) == RequestState.HELD)
    if changed(tx, update(Request).where(still).values(changes)) != 1:
        raise StaleState(f"{request.id} is no longer HELD")
    for name, value in changes.items():
        set_committed_value(request, name, value)
    moves.note(tx, request, reason, {"holds": holds} | ({"said": said} if said else {}))


def to_held(tx: Tx, request: Request, holds: list[str], detail: dict[str, Any] | None = None, **changes: Any) -> None:
    """Hold a request that was READY or on its way, for these codes."""
    detail = {"holds": holds} | (detail or {})
    moves.move(tx, request, RequestState.HELD, holds[0], detail=detail, holds=holds, **changes)


def look_again(tx: Tx, request: Request, at: datetime | None) -> None:
    """When a HELD request is looked for at the payer again; None: no more. Raises StaleState."""
    still = (col(Request.id) == request.id) & (col(Request.state) == RequestState.HELD)
    if changed(tx, update(Request).where(still).values(next_try_at=at)) != 1:
        raise StaleState(f"{request.id} is no longer HELD")
    set_committed_value(request, "next_try_at", at)


def wake_lane(tx: Tx, request: Request) -> None:
    """Tell `transmit` that there may be something to send under the request's number."""
    if request.payer and request.number:
        due.wake(tx, "transmit", lane(request.payer, request.number))


def hold(tx: Tx, request: Request, *, reason: str) -> None:
    """A person keeps a READY request back; one that is HELD already gets this cause as well. Raises StaleState."""
    if request.state == RequestState.HELD:
        reheld(tx, request, [*[h for h in request.holds if h != PERSON], PERSON], "held", said=reason)
        return
    if request.state != RequestState.READY:
        raise StaleState(f"{request.id} is {request.state}: only a READY or HELD request can be held back")
    to_held(tx, request, [PERSON], {"said": reason})


def release(tx: Tx, request: Request, *, despite: Collection[str], reason: str) -> list[str]:
    """A person lets a HELD request go, in spite of the codes named; give the codes that still hold it.

    What nobody may send (another agency's number, say) stays. Raises StaleState when the request is not HELD,
    NotHeldFor where a code is named that it is not held for: whoever decides must have read why.
    """
    if request.state != RequestState.HELD:
        raise StaleState(f"{request.id} is {request.state}, not HELD")
    if strange := sorted({*despite} - {*request.holds, *request.despite}):
        raise NotHeldFor(strange, request.holds)
    left = [code for code in request.holds if not _lifted(code, despite)]
    all_despite = sorted({*request.despite, *despite})
    if left:
        if left != request.holds:
            reheld(tx, request, left, "released_in_part", said=reason, despite=all_despite)
        return left
    detail = {"said": reason, "despite": sorted(despite)}
    moves.move(
        tx, request, RequestState.READY, "released", detail=detail, holds=[], despite=all_despite, next_try_at=None
    )
    wake_lane(tx, request)
    return []


def _lifted(code: str, despite: Collection[str]) -> bool:
    if code in NO_PAYER_COULD_TAKE:
        return False
    return code in despite or (code == code.lower() and code not in RISKY)


def cancel(tx: Tx, request: Request, *, reason: str) -> None:
    """A person withdraws a request that has not gone. Raises StaleState when it went, or is over."""
    if request.state not in (RequestState.READY, RequestState.HELD, RequestState.SHADOWED):
        raise StaleState(f"{request.id} is {request.state}: only a READY or HELD request can be cancelled")
    moves.move(tx, request, RequestState.CANCELLED, "cancelled", detail={"said": reason})
