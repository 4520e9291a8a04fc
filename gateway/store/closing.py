"""Requests of which no limit can take anything any more. They are closed for good, and whoever looks for what is open
does not read them over: the work is that of what is open, however long the past."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select, update
from sqlmodel import col

from gateway.models import Invoice, Request, Submission
from gateway.states import REQUEST_FINAL, RequestState
from gateway.store.deadlines import superseded
from gateway.store.engine import Tx, changed
from gateway.store.spoken import on_statement


def closable(tx: Tx, most: int) -> list[str]:
    """At most so many requests that rest in a final state and whose invoices are each on a statement, cancelled, or
    refused and deposited again later. None of that can change."""
    left = (
        select(1)
        .select_from(Submission)
        .join(Invoice, col(Invoice.id) == col(Submission.invoice_id))
        .where(col(Submission.request_id) == col(Request.id), col(Submission.action) == "new")
        .where(col(Invoice.cancelled_by).is_(None), ~on_statement(), ~superseded(for_good=True))
        .where(col(Request.state) != RequestState.CANCELLED)
    )
    done = select(col(Request.id)).where(
        col(Request.closed_at).is_(None), col(Request.state).in_(REQUEST_FINAL), ~exists(left)
    )
    return list(tx.session.scalars(done.limit(most)))


def close(tx: Tx, request_ids: Sequence[str]) -> None:
    """Nobody looks at these again for what is open. As many as may stand in one IN (…)."""
    changed(tx, update(Request).where(col(Request.id).in_(request_ids)).values(closed_at=tx.now))
