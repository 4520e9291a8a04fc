"""What the agency's past says of each invoice: its number used before, and whether it may still be changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from gateway import limits
from gateway.catalog import DocumentType
from gateway.messages import Both, both
from gateway.models import Invoice, Request
from gateway.registry.people import PARTICIPATING
from gateway.report import InvoiceIndex
from gateway.stages.validate.desk import Desk
from gateway.store import past

_FIRST = {
    "receivable": "validate.first_receivable",
    "waiting": "validate.first_waiting",
    "held": "validate.first_held",
    "sent": "validate.first_sent",
}


STOPPED = "PRACTITIONER_STOPPED"
_Who = tuple[str | None, date | None, date | None]  # practitioner, first and last service
_Stopped = dict[_Who, Both]


@dataclass(frozen=True, slots=True)
class Said:
    """A rule that an invoice breaks, and what its sentence cannot know."""

    code: str
    index: InvoiceIndex
    more: Both | None = None


def of_new(desk: Desk, request: Request, invoices: list[InvoiceIndex]) -> Iterator[Said]:
    """Numbers that stand already, with what became of the first."""
    numbers = {index.number for index in invoices if index.number}
    with desk.rooms.store.read() as tx:
        known = past.standing(tx, request.agency_id, numbers)
    stopped = _stopped(desk, invoices)
    for index in invoices:
        yield from _no_longer_bills(stopped, index)
        if first := known.get(index.number or ""):
            yield Said("INVOICE_NUMBER_REUSED", index, both(_FIRST[first.outcome], request=first.request_id))
        elif index.number in desk.invoice_numbers:
            yield Said("INVOICE_NUMBER_REUSED", index, both("validate.first_in_lot"))


def _stopped(desk: Desk, invoices: Iterable[InvoiceIndex]) -> _Stopped:
    """Which of these bill for services after they became non-participating, disengaged, moved away or retired. The
    invoices of a lot name a few practitioners and days: each is asked about once."""
    found: _Stopped = {}
    for who in {_who(index) for index in invoices}:
        practice, days = who[0], [day for day in who[1:] if day]
        if practice is not None and not all(desk.book.may_bill(practice, day) for day in days):
            standing = next(s for day in days if (s := desk.book.standing(practice, day)) != PARTICIPATING)
            found[who] = both(f"validate.stopped_{standing}")
    return found


def _who(index: InvoiceIndex) -> _Who:
    return index.practice, index.first_service, index.last_service


def _no_longer_bills(stopped: _Stopped, index: InvoiceIndex) -> Iterator[Said]:
    if stopped and (why := stopped.get(_who(index))):
        yield Said(STOPPED, index, why)


def of_changes(
    desk: Desk, document: DocumentType, known: Mapping[str, Invoice], invoices: list[InvoiceIndex]
) -> Iterator[Said]:
    """Modifications and cancellations: of an invoice we know, by its numbers and its token, not cancelled yet, and in
    time."""
    shown, billed = _shown(desk, document, known), _billed(desk, document, known)
    stopped = _stopped(desk, invoices) if document.action == "modify" else {}
    for index in invoices:
        invoice = known.get(index.payer_number or "")
        yield from _no_longer_bills(stopped, index)
        if invoice is None:
            yield Said("INVOICE_UNKNOWN", index)
            continue
        if invoice.cancelled_by is not None:
            yield Said("INVOICE_CANCELLED", index, both("validate.cancelled_by", request=invoice.cancelled_by))
        if invoice.jeton_comm and index.token and invoice.jeton_comm != index.token:
            yield Said("TOKEN_DIFFERS", index)
        if invoice.no_fact_ext and index.number and invoice.no_fact_ext != index.number:
            yield Said("INVOICE_NUMBER_DIFFERS", index, both("validate.first_number", number=invoice.no_fact_ext))
        if invoice.id in shown:
            yield from _limited(desk, document, index, shown[invoice.id])
        if invoice.id in billed:
            yield from _added(desk, document, index, billed[invoice.id])


def _shown(desk: Desk, document: DocumentType, known: Mapping[str, Invoice]) -> Mapping[str, date]:
    """When a statement last showed each invoice, where a limit counts from it."""
    if not known or not limits.of(document.settings).limits_action(document.action):
        return {}
    with desk.rooms.store.read() as tx:
        return past.last_shown(tx, [invoice.id for invoice in known.values()])


def _limited(desk: Desk, document: DocumentType, index: InvoiceIndex, dated: date) -> Iterator[Said]:
    """Whether the limit has passed or is near, counted from the newest statement."""
    known = limits.of(document.settings)
    counted = known.change(dated, known.of_kind(index.kind, index.practice), document.action)
    if counted is None:
        return
    days, left = counted.limit.days, counted.left(desk.today)
    if left < 0:
        yield Said("CHANGE_LIMIT", index, both("validate.last_statement", dated=dated, days=days))
    elif left <= counted.limit.warn:
        yield Said("CHANGE_DAYS_LEFT", index, both("validate.days_left", dated=dated, days=days, left=left))


def _billed(desk: Desk, document: DocumentType, known: Mapping[str, Invoice]) -> Mapping[str, past.Billed]:
    """The services each invoice has already, for requests that may add some."""
    if document.action != "modify" or not known:
        return {}
    with desk.rooms.store.read() as tx:
        return past.billed(tx, [invoice.id for invoice in known.values()])


def _added(desk: Desk, document: DocumentType, index: InvoiceIndex, billed: past.Billed) -> Iterator[Said]:
    """A service outside the days the invoice had keeps its own limit: a modification does not extend it."""
    ends = (index.first_service, index.last_service)
    added = min((day for day in ends if day and not billed.first <= day <= billed.last), default=None)
    known = limits.of(document.settings)
    counted = known.submission(added, known.of_kind(index.kind, index.practice)) if added else None
    if counted and counted.left(desk.today) < 0:
        yield Said("CHANGE_ADDS_LATE", index, both("validate.added_late", service=added, last=counted.last))
