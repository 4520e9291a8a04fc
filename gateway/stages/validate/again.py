"""Asks again about what is HELD for want of knowledge: the registry may know it now, or the day may have come."""

from __future__ import annotations

from typing import Any

import structlog

from gateway.clock import today
from gateway.errors import StaleState
from gateway.models import Request
from gateway.platform import passing
from gateway.registry import Book, sending
from gateway.stages import Rooms
from gateway.stages.validate.past import STOPPED
from gateway.states import RequestState
from gateway.store import Tx, chunks, moves, requests

log = structlog.get_logger()

ASKED = sending.CODES | {"INVOICE_UNKNOWN", STOPPED}
_AT_ONCE = 100  # requests in one transaction


def ask(rooms: Rooms, book: Book, agency_id: str) -> int:
    """Ask again about the agency's HELD requests; give how many may go now."""
    with rooms.store.read() as tx:
        held = [request.id for request in requests.held(tx, agency_id) if ASKED & set(request.holds)]
    freed = 0
    for part in chunks(held, _AT_ONCE):
        with rooms.store.write() as tx:
            freed += sum(_one(tx, rooms, book, request_id) for request_id in part)
        passing("validate.asked")
    if freed:
        log.info("requests_freed", agency=agency_id, requests=freed)
    return freed


def _one(tx: Tx, rooms: Rooms, book: Book, request_id: str) -> int:
    request = requests.get(tx, request_id)
    if request is None or request.state != RequestState.HELD:
        return 0
    unknown = _link(tx, request)
    claims = [sending.Claim(*claim) for claim in requests.claims(tx, request.id)]
    answer = sending.ask(book, rooms.config, rooms.catalog, request, claims, today(rooms.clock))
    left = [code for code in request.holds if code not in ASKED]
    left += answer.codes + (["INVOICE_UNKNOWN"] if unknown and "INVOICE_UNKNOWN" not in request.despite else [])
    left += [STOPPED] if STOPPED in request.holds and _stopped(tx, book, request) else []
    if left == request.holds:
        return 0
    try:
        return _settle(tx, request, left, answer)
    except StaleState:
        return 0


def _settle(tx: Tx, request: Request, left: list[str], answer: sending.Clearance) -> int:
    changes: dict[str, Any] = {"payer": answer.payer or request.payer, "number": answer.number or request.number}
    if changes["payer"] != request.payer:
        requests.given_payer(tx, request.id, changes["payer"])
    if left:
        requests.reheld(tx, request, left, "asked_again", **changes)
        return 0
    moves.move(tx, request, RequestState.READY, "asked_again", holds=[], **changes)
    requests.wake_lane(tx, request)
    return 1


def _stopped(tx: Tx, book: Book, request: Request) -> bool:
    """Whether a practitioner still does not bill on the first or the last day of one of its invoices."""
    return any(
        practice is not None and not all(book.may_bill(practice, day) for day in days if day)
        for practice, *days in requests.services(tx, request.id)
    )


def _link(tx: Tx, request: Request) -> bool:
    """Tie submissions to invoices that have become known since; whether some are still unknown."""
    waiting = requests.unlinked(tx, request.id)
    numbers = {submission.no_fact_ramq for submission in waiting if submission.no_fact_ramq}
    known = requests.known_invoices(tx, request.agency_id, request.payer, numbers) if numbers else {}
    for submission in waiting:
        if invoice := known.get(submission.no_fact_ramq or ""):
            requests.link(tx, submission, invoice)
    return any((submission.no_fact_ramq or "") not in known for submission in waiting)
