"""What a matched reply keeps for its summary: numbers, verdicts, cents. Its lists and the payer's own words are read
from the document when the summary is rendered."""

from __future__ import annotations

from typing import Any

from gateway.models import Request
from gateway.reading import Receivability, StatementOfAccount, status


def receivability_facts(request: Request, content: Receivability) -> dict[str, Any]:
    """Of a reply to a request."""
    receivable = [invoice for invoice in content.invoices if invoice.receivable]
    return {
        "request": request.id,
        "request_number": request.no_dem_ext,
        "file": request.member,
        "action": request.action,
        "account": request.account,
        "status": status(content.receivable),
        "invoices_total": request.invoices,
        "receivable": len(receivable),
        "not_receivable": request.invoices - len(receivable),
        "preliminary_cents": sum(invoice.preliminary_cents or 0 for invoice in receivable),
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
    }
