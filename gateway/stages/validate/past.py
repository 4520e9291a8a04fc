"""What the agency's past says of each invoice: its number used before, and whether it may still be changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.catalog import DocumentType
from gateway.messages import Both, both
from gateway.models import Invoice, Request
from gateway.report import InvoiceIndex
from gateway.stages.validate.desk import Desk
from gateway.store import past

_FIRST = {
    "receivable": "validate.first_receivable",
    "waiting": "validate.first_waiting",
    "held": "validate.first_held",
    "sent": "validate.first_sent",
}


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
    for index in invoices:
        if first := known.get(index.number or ""):
            yield Said("INVOICE_NUMBER_REUSED", index, both(_FIRST[first.outcome], request=first.request_id))
        elif index.number in desk.invoice_numbers:
            yield Said("INVOICE_NUMBER_REUSED", index, both("validate.first_in_lot"))


def of_changes(
    desk: Desk, document: DocumentType, known: Mapping[str, Invoice], invoices: list[InvoiceIndex]
) -> Iterator[Said]:
    """Modifications and cancellations: of an invoice we know, by its numbers and its token, not cancelled yet, and in
    time."""
    shown = _shown(desk, document, known)
    for index in invoices:
        invoice = known.get(index.payer_number or "")
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


def _shown(desk: Desk, document: DocumentType, known: Mapping[str, Invoice]) -> Mapping[str, date]:
    """When a statement last showed each invoice, where a limit counts from it."""
    if not known or not any(document.action in limit["actions"] for limit in _limits(document)):
        return {}
    with desk.rooms.store.read() as tx:
        return past.last_shown(tx, [invoice.id for invoice in known.values()])


def _limited(desk: Desk, document: DocumentType, index: InvoiceIndex, dated: date) -> Iterator[Said]:
    """Whether the limit has passed or is near: the newest that holds on the day of the statement."""
    known = [one for one in _limits(document) if document.action in one["actions"] and one["from"] <= dated]
    limit = max(known, key=lambda one: one["from"], default=None)
    if limit is None:
        return
    days = limit["days"]
    left = days - (desk.today - dated).days
    if left < 0:
        yield Said("CHANGE_LIMIT", index, both("validate.last_statement", dated=dated, days=days))
    elif left <= limit.get("warn", 0):
        yield Said("CHANGE_DAYS_LEFT", index, both("validate.days_left", dated=dated, days=days, left=left))


def _limits(document: DocumentType) -> Sequence[Mapping[str, Any]]:
    """`[[settings.change_limit]]` of the family: dated, for certain actions."""
    limits: Sequence[Mapping[str, Any]] = document.settings.get("change_limit", ())
    return limits
