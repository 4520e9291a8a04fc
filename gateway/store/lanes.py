"""Lanes: the requests that go to one payer under one transmission number, in their order."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, or_, select

from gateway.models import Credential, Event, Request, Submission
from gateway.states import REQUEST_UNANSWERED, CredentialState, RequestState
from gateway.store.engine import Tx

_ORDER = (col(Request.created_at), col(Request.ordinal), col(Request.id))
_UNDER_WAY = (RequestState.READY, RequestState.TRANSMITTING, RequestState.TRANSMITTED)
_USABLE = (CredentialState.TEMPORARY, CredentialState.CHANGING, CredentialState.ACTIVE)


def busy(tx: Tx) -> set[tuple[str, str]]:
    """(payer, number) of every lane on which something waits or is under way."""
    query = select(Request.payer, Request.number).where(col(Request.state).in_(_UNDER_WAY)).distinct()
    return {(payer, number) for payer, number in tx.session.exec(query) if payer and number}


def in_state(tx: Tx, payer: str, number: str, state: RequestState) -> list[Request]:
    """The lane's requests in that state, in the order they were made."""
    query = select(Request).where(Request.payer == payer, Request.number == number, Request.state == state)
    return list(tx.session.exec(query.order_by(*_ORDER)))


def overdue(tx: Tx, payer: str, number: str, now: datetime) -> list[Request]:
    """The lane's TRANSMITTED requests whose answer should have come."""
    waiting = in_state(tx, payer, number, RequestState.TRANSMITTED)
    return [request for request in waiting if request.answer_by is not None and request.answer_by <= now]


def awaits_another(tx: Tx, request: Request) -> bool:
    """Whether another request about one of its invoices is unanswered, for all we know."""
    mine = select(Submission.no_fact_ramq).where(Submission.request_id == request.id)
    query = (
        select(Request.id)
        .join(Submission, col(Submission.request_id) == col(Request.id))
        .where(Request.id != request.id, Request.agency_id == request.agency_id, Request.payer == request.payer)
        .where(col(Submission.no_fact_ramq).in_(mine))
        # One that is HELD after it was tried may be at the payer, and its answer may still come.
        .where(
            or_(
                col(Request.state).in_(REQUEST_UNANSWERED),
                (col(Request.state) == RequestState.HELD) & (col(Request.attempts) > 0),
            )
        )
    )
    return tx.session.exec(query.limit(1)).first() is not None


def opened_again(tx: Tx, payer: str, number: str, since: datetime, *, proof: bool) -> bool:
    """Whether the lane's credential was given or changed after `since` and can be tried; a login that proved it since
    counts as well where `proof` is said to be enough."""
    query = select(Credential).where(Credential.payer == payer, Credential.number == number)
    credential = tx.session.exec(query).first()
    if credential is None or credential.state not in _USABLE:
        return False
    moments = [credential.changed_at, credential.proved_at if proof else None]
    return any(moment is not None and moment > since for moment in moments)


def since(tx: Tx, request: Request) -> datetime:
    """When the request came to rest where it is."""
    query = select(Event.at).where(Event.record_id == request.id, Event.to_state == request.state)
    return tx.session.exec(query.order_by(col(Event.seq).desc()).limit(1)).first() or request.created_at
