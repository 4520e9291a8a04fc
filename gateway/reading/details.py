"""What the readable summary of a payer's document lists, in the payer's own words: read anew from the document each
time, since a text the payer wrote may quote anybody's data, and so must not stay in a database."""

from __future__ import annotations

from typing import Any

from gateway.reading.layouts import Document, Entry, InvoiceVerdict, LineVerdict, Message, Receivability
from gateway.reading.layouts import StatementOfAccount as Statement

LISTED = 5000  # invoices or entries listed in a summary; the counts stay true, the document itself lies beside it


def details(content: Document, *, most: int | None = LISTED) -> dict[str, Any]:
    """The lists of a summary, as `rendering` takes them; nothing of a document that has none. `most`: invoices or
    entries that are listed; None: all of them."""
    if isinstance(content, Receivability):
        return {
            "messages": _messages(content.messages),
            "invoices": [_invoice(invoice) for invoice in content.invoices[:most]],
            "listed": len(content.invoices[:most]),
        }
    if isinstance(content, Statement):
        return {
            "entries": [_entry(entry) for entry in content.entries[:most]],
            "listed": len(content.entries[:most]),
        }
    return {}


def status(receivable: bool) -> str:
    """The word for a verdict of the payer."""
    return "receivable" if receivable else "not_receivable"


def _messages(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"code": message.code, "text": message.text} for message in messages]


def _invoice(invoice: InvoiceVerdict) -> dict[str, Any]:
    return {
        "number": invoice.number,
        "payer_number": invoice.payer_number,
        "token": invoice.token,
        "status": status(invoice.receivable),
        "preliminary_cents": invoice.preliminary_cents,
        "messages": _messages(invoice.messages),
        "lines": [_line(line) for line in invoice.lines],
    }


def _line(line: LineVerdict) -> dict[str, Any]:
    return {
        "number": line.number,
        "status": status(line.receivable),
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
