"""What became of the invoices of a document of which only a part goes, and what its agency is told of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.archive import Stored
from gateway.clock import local
from gateway.models import Request, Salvage
from gateway.report import LISTED, Finding, InvoiceIndex
from gateway.store.salvage import Answered

Answers = Sequence[tuple[InvoiceIndex, Answered]]


@dataclass(frozen=True, slots=True)
class Aside:
    """The document of the invoices set aside, as it goes back with the report. Its bytes are the report's own."""

    name: str  # <no_dem_ext>-R<n>
    stored: Stored
    reply_id: str

    def columns(self) -> dict[str, Any]:
        """Of the reply it goes back with."""
        stored = self.stored
        return {"id": self.reply_id, "archive_ref": stored.ref, "size": stored.size, "sha256": stored.sha256}


@dataclass(frozen=True, slots=True)
class Divided:
    """The three parts of a document: what goes, what was set aside, what the payer answered before."""

    row: Salvage
    derived: Request | None  # None: nothing was left to send
    aside: Aside | None
    set_aside: Sequence[InvoiceIndex]
    answered: Answers


def facts(divided: Divided, request: Request, findings: Sequence[Finding]) -> dict[str, Any]:
    """What the report says of the parts: numbers, reasons, control totals; of the lists at most LISTED each."""
    return {
        "deposited_sha256": request.sha256,
        "sent": _sent(divided.derived),
        "set_aside": _document(divided.aside),
        "totals": totals(divided.row),
        "invoices": _why(divided.set_aside, findings),
        "invoices_total": len(divided.set_aside),
        "answered": [_answer(index, answer) for index, answer in divided.answered[:LISTED]],
        "answered_total": len(divided.answered),
    }


def totals(row: Salvage) -> dict[str, dict[str, int | None]]:
    """The control totals: deposited = sent + set aside + answered before."""
    return {
        "deposited": {"invoices": row.invoices, "cents": row.cents},
        "sent": {"invoices": row.kept_invoices, "cents": row.kept_cents},
        "set_aside": {"invoices": row.aside_invoices, "cents": row.aside_cents},
        "answered": {"invoices": row.answered_invoices, "cents": row.answered_cents},
    }


def _sent(request: Request | None) -> dict[str, Any] | None:
    if request is None:
        return None
    names = ("state", "holds", "sha256", "size")
    return {"request": request.id, "number": request.no_dem_ext} | {name: getattr(request, name) for name in names}


def _document(aside: Aside | None) -> dict[str, Any] | None:
    if aside is None:
        return None
    return {
        "number": aside.name,
        "file": f"{aside.name}.xml",
        "sha256": aside.stored.sha256,
        "size": aside.stored.size,
    }


def _why(set_aside: Sequence[InvoiceIndex], findings: Sequence[Finding]) -> list[dict[str, Any]]:
    codes: dict[int, list[str]] = defaultdict(list)
    for found in findings:
        if found.invoice is not None and found.severity == "error" and found.code not in codes[found.invoice.ordinal]:
            codes[found.invoice.ordinal].append(found.code)
    return [
        {"number": i.number or i.payer_number, "ordinal": i.ordinal, "line": i.line, "codes": codes.get(i.ordinal, [])}
        for i in set_aside[:LISTED]
    ]


def _answer(index: InvoiceIndex, answer: Answered) -> dict[str, Any]:
    return {
        "number": index.number,
        "ordinal": index.ordinal,
        "payer_number": answer.payer_number,
        "verdict": "receivable",
        "dated": local(answer.at).date().isoformat() if answer.at else None,
        "request": answer.request_id,
    }
