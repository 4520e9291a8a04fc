"""Whether a payer's document agrees with itself: pure questions, answered by a reason code or None."""

from __future__ import annotations

from gateway.reading.layouts import InvoiceVerdict, Receivability, StatementOfAccount


def reply_disagrees(reply: Receivability) -> str | None:
    """A request is receivable exactly when at least one of its invoices is."""
    if reply.receivable != any(invoice.receivable for invoice in reply.invoices):
        return "reply_contradicts_itself"
    keys = [(invoice.number, invoice.payer_number) for invoice in reply.invoices]
    return "reply_contradicts_itself" if len(set(keys)) != len(keys) else None


def statement_disagrees(statement: StatementOfAccount) -> str | None:
    """Its sums, to the cent (FORMATS section 3), and the number of its entries."""
    carried = statement.carried_in_cents + statement.total_cents - statement.withheld_cents
    ties = (
        statement.total_cents == sum(entry.paid_cents for entry in statement.entries)
        and carried == statement.paid_cents + statement.carried_out_cents
        and statement.declared_entries == len(statement.entries)
    )
    return None if ties else "statement_sums"


def same_result(first: Receivability, second: Receivability) -> bool:
    """Whether two replies to one request give the same verdicts, numbers and amounts. Messages are not compared: a
    repeat carries one more (9012, already processed)."""
    if first.receivable != second.receivable:
        return False
    return sorted(map(_result, first.invoices)) == sorted(map(_result, second.invoices))


def _result(invoice: InvoiceVerdict) -> tuple[str, ...]:
    lines = sorted((line.number, line.receivable, line.preliminary_cents) for line in invoice.lines)
    what = (invoice.number, invoice.payer_number, invoice.token, invoice.receivable, invoice.preliminary_cents, lines)
    return tuple(map(str, what))
