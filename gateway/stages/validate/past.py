"""What the agency's past says of each invoice: its number used before, and whether it may still be changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

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
    """Modifications and cancellations: of an invoice we know, with its token, not cancelled yet, and in time."""
    days = document.settings.get("change_days") if document.action == "modify" else None
    shown: Mapping[str, date] = {}
    if days is not None and known:
        with desk.rooms.store.read() as tx:
            shown = past.last_shown(tx, [invoice.id for invoice in known.values()])
    for index in invoices:
        invoice = known.get(index.payer_number or "")
        if invoice is None:
            yield Said("INVOICE_UNKNOWN", index)
            continue
        if invoice.cancelled_by is not None:
            yield Said("INVOICE_CANCELLED", index, both("validate.cancelled_by", request=invoice.cancelled_by))
        if invoice.jeton_comm and index.token and invoice.jeton_comm != index.token:
            yield Said("TOKEN_DIFFERS", index)
        dated = shown.get(invoice.id)
        if days is not None and dated is not None and (desk.today - dated).days > days:
            yield Said("CHANGE_LIMIT", index, both("validate.last_statement", dated=dated, days=days))
