"""What the readable summary of a payer's document shows: numbers, verdicts, messages, cents. Nobody's health."""

from __future__ import annotations

from typing import Any

from gateway.models import Request
from gateway.reading import Entry, InvoiceVerdict, LineVerdict, Message, Receivability, StatementOfAccount

LISTED = 5000  # invoices or entries listed in a summary; the counts stay true, the document itself lies beside it


def receivability_facts(request: Request, content: Receivability) -> dict[str, Any]:
    """Of a reply to a request."""
    receivable = [invoice for invoice in content.invoices if invoice.receivable]
    return {
        "request": request.id,
        "request_number": request.no_dem_ext,
        "file": request.member,
        "action": request.action,
        "account": request.account,
        "status": _status(content.receivable),
        "messages": _messages(content.messages),
        "invoices_total": request.invoices,
        "receivable": len(receivable),
        "not_receivable": request.invoices - len(receivable),
        "preliminary_cents": sum(invoice.preliminary_cents or 0 for invoice in receivable),
        "invoices": [_invoice(invoice) for invoice in content.invoices[:LISTED]],
        "listed": min(len(content.invoices), LISTED),
    }


def statement_facts(content: StatementOfAccount) -> dict[str, Any]:
    """Of a statement of account."""
    return {
        "number": content.number,
        "dated": content.dated.isoformat(),
        "period": content.period,
        "mode": content.mode,
        "system": content.system,
        "account": content.account,
        "paid_on": content.paid_on.isoformat() if content.paid_on else None,
        "paid_cents": content.paid_cents,
        "withheld_cents": content.withheld_cents,
        "carried_in_cents": content.carried_in_cents,
        "carried_out_cents": content.carried_out_cents,
        "total_cents": content.total_cents,
        "entries_total": len(content.entries),
        "entries": [_entry(entry) for entry in content.entries[:LISTED]],
        "listed": min(len(content.entries), LISTED),
    }


def _status(receivable: bool) -> str:
    return "receivable" if receivable else "not_receivable"


def _messages(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"code": message.code, "text": message.text} for message in messages]


def _invoice(invoice: InvoiceVerdict) -> dict[str, Any]:
    return {
        "number": invoice.number,
        "payer_number": invoice.payer_number,
        "token": invoice.token,
        "status": _status(invoice.receivable),
        "preliminary_cents": invoice.preliminary_cents,
        "messages": _messages(invoice.messages),
        "lines": [_line(line) for line in invoice.lines],
    }


def _line(line: LineVerdict) -> dict[str, Any]:
    return {
        "number": line.number,
        "status": _status(line.receivable),
        "preliminary_cents": line.preliminary_cents,
        "formula": line.formula,
        "messages": _messages(line.messages),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "payer_number": entry.payer_number,
        "number": entry.number,
        "line": entry.line,
        "code": entry.code,
        "service": entry.service.isoformat() if entry.service else None,
        "preliminary_cents": entry.preliminary_cents,
        "paid_cents": entry.paid_cents,
        "messages": _messages(entry.messages),
    }
