"""How often we found a defect, and the payer took the invoice all the same."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sql

from gateway.models import FindingRow, Submission
from gateway.store.engine import Tx, table_of


class RuleCount(NamedTuple):
    """Invoices with a listed finding of one rule, by what the payer said of them."""

    code: str
    severity: str
    authority: str
    receivable: int
    not_receivable: int
    unanswered: int


def counts(tx: Tx) -> list[RuleCount]:
    """Every rule that spoke of an invoice, most contradicted first. Findings beyond a report's list are not known, and
    one finding or three of a rule on one invoice count as one."""
    found, submission = table_of(FindingRow).c, table_of(Submission).c
    kind = (found.code, found.severity, found.authority)
    said = sql.select(found.request_id, found.ordinal, *kind).where(found.ordinal.is_not(None)).distinct().subquery().c
    verdict = sql.func.coalesce(submission.verdict, "")
    sums = [sql.func.sum(sql.case((verdict == value, 1), else_=0)) for value in ("receivable", "not_receivable", "")]
    same = (submission.request_id == said.request_id) & (submission.ordinal == said.ordinal)
    query = (
        sql.select(said.code, said.severity, said.authority, *sums)
        .where(same)
        .group_by(said.code, said.severity, said.authority)
        .order_by(sums[0].desc(), said.code, said.severity)
    )
    return [RuleCount(*row) for row in tx.session.execute(query)]
