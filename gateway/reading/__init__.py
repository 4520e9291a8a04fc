"""Reads what a payer sends back: replies, statements, errors, as their catalog describes them. No database, no verdict
of ours: a document that cannot be read is `Unreadable`, which is data."""

from gateway.reading.agreement import (
    reply_disagrees,
    same_result,
    statement_disagrees,
)
from gateway.reading.details import details, status
from gateway.reading.documents import read
from gateway.reading.layouts import (
    Document,
    Entry,
    InvoiceVerdict,
    LineVerdict,
    Message,
    PayerError,
    Receivability,
    StatementOfAccount,
    Unreadable,
)

__all__ = [
    "Document",
    "Entry",
    "InvoiceVerdict",
    "LineVerdict",
    "Message",
    "PayerError",
    "Receivability",
    "StatementOfAccount",
    "Unreadable",
    "details",
    "read",
    "reply_disagrees",
    "same_result",
    "statement_disagrees",
    "status",
]
