"""The submission that an invoice was born with."""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlmodel import and_, col

from gateway.models import Invoice, Submission


def born() -> ColumnElement[bool]:
    """Whether a submission is an invoice's first. It is said both ways: from either the other is found by a key, and
    not among all of its request."""
    request, ordinal = col(Submission.request_id), col(Submission.ordinal)
    there = and_(request == col(Invoice.request_id), ordinal == col(Invoice.ordinal))
    return and_(there, col(Submission.invoice_id) == col(Invoice.id))
