"""The rows of a document that is judged, by column: no object is made for each of a hundred thousand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.models import Invoice, Request
from gateway.report import InvoiceIndex, Report
from gateway.store.plain import Column, Columns, Same, columns_of
from gateway.store.staged import CHUNK

# Column of the table → what an invoice says of itself.
_SUBMISSION = {
    "ordinal": "ordinal",
    "no_fact_ext": "number",
    "no_fact_ramq": "payer_number",
    "jeton_comm": "token",
    "practice": "practice",
    "account": "account",
    "line": "line",
    "first_service": "first_service",
    "last_service": "last_service",
    "amount_cents": "amount_cents",
    "lines": "lines",
    "valid": "valid",
}
_INVOICE = {"ordinal": "ordinal", "no_fact_ext": "number", "account": "account", "practice": "practice"}


def submissions(
    request: Request, said: Sequence[InvoiceIndex], ids: Sequence[str | None], known: Mapping[str, Invoice]
) -> Iterator[Columns]:
    """What the request asks of each invoice; `ids`: of the invoices, `known`: ours by the payer's number, for those
    that are changed."""
    common = _of_request(request) | {"action": Same(request.action or "new")}
    common["messages"] = Same([])  # the default, said for all at once: it would be written for each
    for own, invoice_ids in _pieces(said, ids):
        columns = common | {column: own[name] for column, name in _SUBMISSION.items()} | {"invoice_id": invoice_ids}
        if known:
            columns["account"] = _accounts(own, known)
        yield Columns(len(invoice_ids), columns)


def invoices(request: Request, said: Sequence[InvoiceIndex], ids: Sequence[str | None]) -> Iterator[Columns]:
    """The invoices that are born with the request."""
    common = _of_request(request) | {"payer": Same(request.payer)}
    for own, invoice_ids in _pieces(said, ids):
        columns = common | {column: own[name] for column, name in _INVOICE.items()} | {"id": invoice_ids}
        yield Columns(len(invoice_ids), columns)


def _of_request(request: Request) -> dict[str, Column]:
    names = {"request_id": request.id, "batch_id": request.batch_id, "agency_id": request.agency_id}
    return {name: Same(value) for name, value in names.items()}


def _accounts(own: Mapping[str, Sequence[Any]], known: Mapping[str, Invoice]) -> list[str | None]:
    """Through which account: that of the invoice that is changed, where we know it."""
    pairs = zip(own["payer_number"], own["account"], strict=True)
    return [found.account if (found := known.get(number or "")) else account for number, account in pairs]


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
    said: Sequence[InvoiceIndex], ids: Sequence[str | None]
) -> Iterator[tuple[dict[str, tuple[Any, ...]], Sequence[str | None]]]:
    """By column, as many as one transaction takes."""
    for start in range(0, len(said), CHUNK):
        part = said[start : start + CHUNK]
        yield dict(zip(InvoiceIndex._fields, zip(*part, strict=True), strict=True)), ids[start : start + CHUNK]
