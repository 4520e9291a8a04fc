"""Lanes: the requests that go to one payer under one transmission number, in their order."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ColumnElement, func
from sqlmodel import col, or_, select

from gateway.models import Credential, Event, Request, Submission
from gateway.states import REQUEST_UNANSWERED, CredentialState, RequestState
from gateway.store.engine import Tx, chunks

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
    """Whether another request about one of its invoices is unanswered, for all we know; or older, and to go first."""
    # Told by their ids: asked with its agency or its payer, a database would read every request they ever made.
    return any(_to_wait_for(tx, request, piece) for piece in chunks(_about_the_same(tx, request)))


def _about_the_same(tx: Tx, request: Request) -> list[str]:
    """The other requests that name one of its invoices by the payer's number; none for new invoices."""
    mine = select(Submission.no_fact_ramq).where(
        Submission.request_id == request.id, col(Submission.no_fact_ramq).is_not(None)
    )
    query = select(Submission.request_id).where(col(Submission.no_fact_ramq).in_(mine))
    return list(tx.session.exec(query.where(Submission.request_id != request.id).distinct()))


def _to_wait_for(tx: Tx, request: Request, others: list[str]) -> bool:
    query = (
        select(Request.agency_id, Request.payer)
        .where(col(Request.id).in_(others))
        # One that is HELD after it was tried may be at the payer, and its answer may still come.
        .where(
            or_(
                col(Request.state).in_(REQUEST_UNANSWERED),
                (col(Request.state) == RequestState.HELD) & (col(Request.attempts) > 0),
                (col(Request.state) == RequestState.READY) & _older(request),
            )
        )
    )
    return (request.agency_id, request.payer) in tx.session.exec(query.distinct()).all()


def _older(request: Request) -> ColumnElement[bool]:
    same = col(Request.created_at) == request.created_at
    return or_(col(Request.created_at) < request.created_at, same & (col(Request.id) < request.id))


def oldest_services(tx: Tx, payer: str, number: str) -> list[tuple[str, str | None, str | None, date]]:
    """Of the lane's READY requests: id, format, a practice number, and its oldest service."""
    query = (
        select(Request.id, Request.format, Submission.practice, func.min(Submission.first_service))
        .join(Submission, col(Submission.request_id) == col(Request.id))
        .where(Request.payer == payer, Request.number == number, Request.state == RequestState.READY)
        .where(col(Submission.first_service).is_not(None))
        .group_by(col(Request.id), col(Request.format), col(Submission.practice))
    )
    return [(id_, format_, practice, day) for id_, format_, practice, day in tx.session.exec(query) if day]


def opened_again(tx: Tx, payer: str, number: str, since: datetime, *, proof: bool) -> bool:
    """Whether a credential of the lane (the number's own, or a machine's) was given or changed after `since` and can be
    tried; a login that proved it since counts as well where `proof` is said to be enough."""
    query = select(Credential).where(Credential.payer == payer, Credential.number == number)
    usable = tx.session.exec(query.where(col(Credential.state).in_(_USABLE))).all()
    moments = [moment for one in usable for moment in (one.changed_at, one.proved_at if proof else None)]
    return any(moment is not None and moment > since for moment in moments)


def since(tx: Tx, request: Request) -> datetime:
    """When the request came to rest where it is."""
    query = select(Event.at).where(Event.record_id == request.id, Event.to_state == request.state)
    return tx.session.exec(query.order_by(col(Event.seq).desc()).limit(1)).first() or request.created_at
