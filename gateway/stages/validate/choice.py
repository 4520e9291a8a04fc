"""Salvage: which invoices of a document are set aside, which are answered already, and whether it may be divided."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.catalog import DocumentType
from gateway.models import Request
from gateway.registry import sending
from gateway.report import Finding, InvoiceIndex, Report
from gateway.stages.validate import context
from gateway.stages.validate.desk import Desk
from gateway.stages.validate.parts import Answers
from gateway.store import salvage as lineage
from gateway.store.salvage import Seen


@dataclass(frozen=True, slots=True)
class Choice:
    """The ordinals to set aside, the invoices that are receivable already, and what the past refuses."""

    away: set[int]
    answered: Answers
    refusing: Sequence[Finding]


def choose(desk: Desk, request: Request, invoices: list[InvoiceIndex], kind: DocumentType) -> Choice:
    """What would refuse the request is set aside; every invalid invoice, where the agency wants it so."""
    every = desk.book.agency(request.agency_id).set_aside == "invalid"
    away = {index.ordinal for index in invoices if index.refused or (every and not index.valid)}
    said = context.of_invoices(desk, request, invoices, kind)
    refusing = [found for one in said if (found := context.told(desk, kind, one)).refuses]
    away |= {found.invoice.ordinal for found in refusing if found.invoice is not None}
    return Choice(away, _answered(desk, request, invoices, away), refusing)


def _answered(desk: Desk, request: Request, invoices: list[InvoiceIndex], away: Collection[int]) -> Answers:
    """What was deposited before and is receivable: the same number, and the same in all we keep of an invoice. A
    number that was used again for something else stays a reason to hold."""
    payer = sending.payer_for(desk.book, desk.rooms.config, request.agency_id, request.format)
    left = [index for index in invoices if index.number and index.ordinal not in away]
    if request.action != "new" or payer is None:
        return []
    with desk.rooms.store.read() as tx:
        known = lineage.receivable(tx, request.agency_id, payer.name, (str(index.number) for index in left))
    pairs = [(index, known[str(index.number)]) for index in left if index.number in known]
    return [(index, answer) for index, answer in pairs if answer.seen == _seen(index)]


def _seen(index: InvoiceIndex) -> Seen:
    return Seen(*(getattr(index, name) for name in Seen._fields))


def head_is_bad(report: Report) -> bool:
    """Whether there is an error outside the invoices."""
    return any(found.invoice is None and found.severity == "error" for found in report.findings)


def not_agreed(desk: Desk, report: Report) -> str | None:
    """Why the software in whose name the part would go has not agreed to it; None when it has."""
    declared, agreed, says = desk.declared, desk.source.salvage_agreed, report.index
    if declared is None or agreed is None or agreed > desk.today:
        return "not_agreed"
    pairs = ((declared.developer, says.developer), (declared.name, says.software))
    other = any(known and said and known.strip().casefold() != said.strip().casefold() for known, said in pairs)
    return "other_software" if other else None
