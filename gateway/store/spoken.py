"""Whether a payer's statement speaks of an invoice."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, select
from sqlmodel import col

from gateway.models import Invoice, Statement, StatementEntry


def on_statement() -> ColumnElement[bool]:
    """Whether a statement shows the invoice. Entries of one that is still being read do not count yet."""
    counts = col(Statement.reply_id) == col(StatementEntry.reply_id)
    shown = select(1).select_from(StatementEntry).join(Statement, counts)
    return exists(shown.where(col(StatementEntry.invoice_id) == col(Invoice.id)))


def named() -> ColumnElement[bool]:
    """Whether an entry names it, be it of a statement that is still being read: then nobody sends it again."""
    return exists().where(col(StatementEntry.invoice_id) == col(Invoice.id))
