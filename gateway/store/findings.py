"""How often we found a defect, and the payer took the invoice, or the request, all the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sql

from gateway.models import FindingRow, Request, Submission
from gateway.states import RequestState
from gateway.store.engine import Tx, table_of


class RuleCount(NamedTuple):
    """What has a listed finding of one rule, by what the payer said of it: invoices, and requests where the finding is
    about no invoice."""

    code: str
    severity: str
    authority: str
    receivable: int
    not_receivable: int
    unanswered: int


_SAID = ("receivable", "not_receivable", "")
_STATES = {RequestState.RECEIVABLE: "receivable", RequestState.NOT_RECEIVABLE: "not_receivable"}


def counts(tx: Tx) -> list[RuleCount]:
    """Every rule that spoke, most contradicted first. Findings beyond a report's list are not known, and one finding or
    three of a rule on one invoice (or on one request) count as one."""
    sums: dict[tuple[str, str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(_SAID, 0))
    for code, severity, authority, said, count in (*_of_invoices(tx), *_of_requests(tx)):
        sums[code, severity, authority][said] += count
    found = [RuleCount(*rule, *(by[said] for said in _SAID)) for rule, by in sums.items()]
    return sorted(found, key=lambda count: (-count.receivable, count.code, count.severity))


def _of_invoices(tx: Tx) -> Iterator[tuple[str, str, str, str, int]]:
    found, submission = table_of(FindingRow).c, table_of(Submission).c
    rule = (found.code, found.severity, found.authority)
    said = sql.select(found.request_id, found.ordinal, *rule).where(found.ordinal.is_not(None)).distinct().subquery().c
    keys = (said.code, said.severity, said.authority, submission.verdict)
    same = (submission.request_id == said.request_id) & (submission.ordinal == said.ordinal)
    for row in tx.session.execute(sql.select(*keys, sql.func.count()).where(same).group_by(*keys)):
        yield row[0], row[1], row[2], row[3] or "", row[4]


def _of_requests(tx: Tx) -> Iterator[tuple[str, str, str, str, int]]:
    found, request = table_of(FindingRow).c, table_of(Request).c
    rule = (found.code, found.severity, found.authority)
    said = sql.select(found.request_id, *rule).where(found.ordinal.is_(None)).distinct().subquery().c
    keys = (said.code, said.severity, said.authority, request.state)
    query = sql.select(*keys, sql.func.count()).where(request.id == said.request_id).group_by(*keys)
    for code, severity, authority, state, count in tx.session.execute(query):
        yield code, severity, authority, _STATES.get(state, ""), count
