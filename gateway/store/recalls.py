"""What went under some accounts and numbers, and what of it was recalled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select, update
from sqlmodel import col

from gateway.identifiers import new_id
from gateway.models import Distribution, Recall, Reply, Request, Submission
from gateway.store import moves
from gateway.store.engine import Tx, bulk, changed, chunks, table_of


class Went(NamedTuple):
    """A request that was sent, or a reply that was handed over. `kind`: request, statement or extract."""

    kind: str
    record_id: str
    agency_id: str
    payer: str | None
    number: str | None
    account: str
    at: datetime
    dated: date | None  # of a statement
    services: tuple[date, ...]  # of a request: its first and its last
    on_paper: bool = False


def went(tx: Tx, accounts: Collection[str], numbers: Collection[str]) -> list[Went]:
    """Everything that was sent or handed over for one of the accounts, or under one of the transmission numbers."""
    found: dict[str, Went] = {}
    for column, values in (("account", accounts), ("number", numbers)):
        for piece in chunks(sorted(values)):
            found |= {one.record_id: one for one in (*_sent(tx, column, piece), *_handed(tx, column, piece))}
    return sorted(found.values(), key=lambda one: (one.at, one.record_id))


def _sent(tx: Tx, column: str, values: list[str]) -> Iterator[Went]:
    keys = (
        col(Request.id), col(Request.agency_id), col(Request.payer), col(Request.number), col(Request.account),
        col(Request.transmitted_at),
    )  # fmt: skip
    query = (
        select(*keys, func.min(col(Submission.first_service)), func.max(col(Submission.last_service)))
        .outerjoin(Submission, col(Submission.request_id) == col(Request.id))
        .where(col(Request.transmitted_at).is_not(None), col(Request.account).is_not(None))
        .where(table_of(Request).c[column].in_(values))
        .group_by(*keys)
    )
    for id_, agency, payer, number, account, at, first, last in tx.session.execute(query):
        services = tuple(day for day in (first, last) if day is not None)
        yield Went("request", id_, agency, payer, number, account, at, None, services)


def _handed(tx: Tx, column: str, values: list[str]) -> Iterator[Went]:
    """Statements and extracts of which at least one artefact is with somebody."""
    reply = table_of(Reply).c
    named: ColumnElement[Any] = reply.facts["account"].as_string() if column == "account" else reply.number
    query = (
        select(Reply, func.min(col(Distribution.delivered_at)))
        .join(Distribution, col(Distribution.reply_id) == col(Reply.id))
        .where(col(Reply.kind).in_(("statement", "extract")), named.in_(values))
        .where(col(Distribution.delivered_at).is_not(None))
        .group_by(col(Reply.id))
    )
    for row, at in tx.session.execute(query):
        facts, dated = row.facts, date.fromisoformat(row.facts["dated"])
        where = (row.payer, row.number, str(facts["account"]), at, dated)
        yield Went(row.kind, row.id, str(row.agency_id), *where, (), "on_paper" in facts)


def add(tx: Tx, rows: Iterable[Recall]) -> None:
    """Keep what is recalled; what was recalled for the same reason before, and withdrawn, is so no longer."""
    for row in rows:
        same = (col(Recall.record_id) == row.record_id) & (col(Recall.code) == row.code)
        again = {"withdrawn_at": None, "found_at": tx.now, "found_by": tx.actor, "incident_id": row.incident_id}
        if changed(tx, update(Recall).where(same).values(**again)) == 0:
            bulk(tx, Recall, [row.model_dump()])


def new(tx: Tx, went: Went, what: str, day: date, code: str) -> Recall:
    """A row of what turned out wrong."""
    facts: dict[str, Any] = {
        "record_id": went.record_id,
        "agency_id": went.agency_id,
        "account": went.account,
        "payer": went.payer,
    }
    more: dict[str, Any] = {"number": went.number, "happened_at": went.at, "found_at": tx.now, "found_by": tx.actor}
    return Recall(id=new_id("RCL"), what=what, day=day, code=code, **facts, **more)


def withdraw(tx: Tx, against: Mapping[str, Collection[str]]) -> list[str]:
    """What was recalled and was right after all: the ids of the records. `against`: why each record looked at should
    not have gone, as is known by now."""
    done: list[Recall] = []
    for piece in chunks(against):
        known = tx.session.scalars(
            select(Recall).where(col(Recall.record_id).in_(piece), col(Recall.withdrawn_at).is_(None))
        )
        done += [row for row in known if row.code not in against[row.record_id]]
    for row in done:
        row.withdrawn_at = tx.now
        moves.tell(tx, "recall", [(row.id, "recall_withdrawn", {"record": row.record_id})])
    tx.session.flush()
    return [row.record_id for row in done]


def every(tx: Tx, *, withdrawn: bool = False) -> list[Recall]:
    """What is recalled, the first that happened first; with `withdrawn` also what was right after all."""
    query = select(Recall).order_by(col(Recall.happened_at), col(Recall.id))
    return list(tx.session.scalars(query if withdrawn else query.where(col(Recall.withdrawn_at).is_(None))))
