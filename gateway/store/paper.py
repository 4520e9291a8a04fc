"""Statements of account that came on paper, and since when an account's invoices wait for one."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import col

from gateway.models import Invoice, PaperStatement, Request, Submission
from gateway.store import moves
from gateway.store.births import born
from gateway.store.engine import Tx
from gateway.store.spoken import on_statement


class Last(NamedTuple):
    """The newest statement of an account that came on paper."""

    dated: date
    received_on: date


def known(tx: Tx, account: str, dated: date, number: str) -> str | None:
    """The id of the statement that was written down before."""
    same = (col(PaperStatement.account) == account, col(PaperStatement.dated) == dated)
    return tx.session.scalars(select(col(PaperStatement.id)).where(*same, col(PaperStatement.number) == number)).first()


def add(tx: Tx, row: PaperStatement) -> None:
    """Write one down; the chain is told the account, the days, and whether a scan is kept."""
    tx.session.add(row)
    tx.session.flush()
    detail = {"account": row.account, "dated": str(row.dated), "received_on": str(row.received_on)}
    moves.tell(tx, "paper_statement", [(row.id, "paper_arrived", detail | {"scan": row.scan_ref is not None})])


def every(tx: Tx) -> list[PaperStatement]:
    """Every one, by account and date."""
    order = (col(PaperStatement.account), col(PaperStatement.dated), col(PaperStatement.number))
    return list(tx.session.scalars(select(PaperStatement).order_by(*order)))


def last(tx: Tx) -> dict[str, Last]:
    """The newest by account."""
    newest = (func.max(col(PaperStatement.dated)), func.max(col(PaperStatement.received_on)))
    rows = tx.session.execute(select(col(PaperStatement.account), *newest).group_by(col(PaperStatement.account)))
    return {account: Last(dated, received) for account, dated, received in rows}


def waiting(tx: Tx) -> dict[str, datetime]:
    """When the oldest receivable invoice that is on no statement was handed over, by account. In a closed request there
    is none (`closing`)."""
    query = (
        select(col(Request.account), func.min(col(Request.transmitted_at)))
        .select_from(Invoice)
        .join(Request, col(Request.id) == col(Invoice.request_id))
        .join(Submission, born())
        .where(col(Submission.verdict) == "receivable", col(Invoice.cancelled_by).is_(None))
        .where(col(Request.transmitted_at).is_not(None), col(Request.account).is_not(None))
        .where(col(Request.closed_at).is_(None), ~on_statement())
        .group_by(col(Request.account))
    )
    return {row[0]: row[1] for row in tx.session.execute(query)}
