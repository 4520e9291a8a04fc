"""The rows of a document that is judged, by column: no object is made for each of a hundred thousand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.models import Invoice, Request
from gateway.report import InvoiceIndex, Report
from gateway.store.plain import Column, Columns, Same, columns_of
from gateway.store.staged import CHUNK


def submissions(
    request: Request, invoices: Sequence[InvoiceIndex], ids: Sequence[str | None], known: Mapping[str, Invoice]
) -> Iterator[Columns]:
    """What the request asks of each invoice; `ids`: of the invoices, `known`: ours by the payer's number, for those
    that are changed."""
    for own, invoice_ids in _pieces(invoices, ids):
        accounts: Column = own["account"]
        if known:
            accounts = [
                invoice.account if (invoice := known.get(number or "")) else account
                for number, account in zip(own["payer_number"], own["account"], strict=True)
            ]
        columns: dict[str, Column] = {
            "request_id": Same(request.id),
            "ordinal": own["ordinal"],
            "batch_id": Same(request.batch_id),
            "agency_id": Same(request.agency_id),
            "invoice_id": invoice_ids,
            "action": Same(request.action or "new"),
            "no_fact_ext": own["number"],
            "no_fact_ramq": own["payer_number"],
            "jeton_comm": own["token"],
            "practice": own["practice"],
            "account": accounts,
            "line": own["line"],
            "first_service": own["first_service"],
            "last_service": own["last_service"],
            "amount_cents": own["amount_cents"],
            "lines": own["lines"],
            "valid": own["valid"],
            "messages": Same([]),  # the default, said for all at once: it would be written for each
        }
        yield Columns(len(invoice_ids), columns)


def invoices(request: Request, invoices: Sequence[InvoiceIndex], ids: Sequence[str | None]) -> Iterator[Columns]:
    """The invoices that are born with the request."""
    for own, invoice_ids in _pieces(invoices, ids):
        columns: dict[str, Column] = {
            "id": invoice_ids,
            "agency_id": Same(request.agency_id),
            "payer": Same(request.payer),
            "request_id": Same(request.id),
            "ordinal": own["ordinal"],
            "batch_id": Same(request.batch_id),
            "no_fact_ext": own["number"],
            "account": own["account"],
            "practice": own["practice"],
        }
        yield Columns(len(invoice_ids), columns)


def findings(request: Request, report: Report) -> Columns:
    """The listed findings."""
    return columns_of(
        [
            {
                "request_id": request.id,
                "position": position,
                "batch_id": request.batch_id,
                "code": found.code,
                "severity": found.severity,
                "authority": found.authority,
                "line": found.line,
                "ordinal": found.invoice.ordinal if found.invoice else None,
            }
            for position, found in enumerate(report.findings, 1)
        ]
    )


def _pieces(
    invoices: Sequence[InvoiceIndex], ids: Sequence[str | None]
) -> Iterator[tuple[dict[str, tuple[Any, ...]], Sequence[str | None]]]:
    """By column, as many as one transaction takes."""
    for start in range(0, len(invoices), CHUNK):
        part = invoices[start : start + CHUNK]
        yield dict(zip(InvoiceIndex._fields, zip(*part, strict=True), strict=True)), ids[start : start + CHUNK]
