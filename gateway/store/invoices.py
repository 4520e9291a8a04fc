"""What a payer's reply does to submissions, invoices and lines. Many rows at a time, never an object for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any, NamedTuple

import sqlalchemy as sql
from sqlalchemy import bindparam, delete, update
from sqlmodel import col, select

from gateway.models import Invoice, Line, Request, Submission
from gateway.store.births import born
from gateway.store.engine import Tx, bulk, chunks, listed, table_of


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submission of a request, as far as a reply can speak of it."""

    ordinal: int
    invoice_id: str | None
    action: str
    no_fact_ext: str | None
    no_fact_ramq: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reply gives one submission. Amounts in cents."""

    ordinal: int
    invoice_id: str | None
    action: str
    receivable: bool
    messages: list[str]
    payer_number: str | None = None
    token: str | None = None
    preliminary_cents: int | None = None


def submissions(tx: Tx, request_id: str) -> list[Submitted]:
    """Every submission of a request, in the document's order."""
    table = table_of(Submission)
    wanted = [table.c[name] for name in ("ordinal", "invoice_id", "action", "no_fact_ext", "no_fact_ramq")]
    rows = tx.session.execute(sql.select(*wanted).where(table.c.request_id == request_id).order_by(table.c.ordinal))
    return [Submitted(ordinal, invoice, intern(action), *numbers) for ordinal, invoice, action, *numbers in rows]


def forget_lines(tx: Tx, request_id: str) -> None:
    """Drop lines that a killed run staged; they never counted."""
    tx.session.execute(delete(Line).where(col(Line.request_id) == request_id))


def add_lines(tx: Tx, rows: Iterable[Mapping[str, Any]]) -> int:
    """Add lines of a request. They count once it has its verdict."""
    return bulk(tx, Line, rows)


def apply(tx: Tx, request: Request, verdicts: Sequence[Verdict]) -> None:
    """Write a reply's verdicts: the submissions of `request`, and what they change about invoices."""
    _submissions(tx, request.id, verdicts)
    accepted = [v for v in verdicts if v.receivable and v.invoice_id]
    _update_invoices(
        tx,
        [v for v in accepted if v.action == "new"],
        lambda v: {"no_fact_ramq": v.payer_number, "jeton_comm": v.token, "preliminary_cents": v.preliminary_cents},
    )
    _update_invoices(
        tx,
        [v for v in accepted if v.action == "modify"],
        lambda v: {"jeton_comm": v.token, "preliminary_cents": v.preliminary_cents, "modified_by": request.id},
    )
    _update_invoices(tx, [v for v in accepted if v.action == "cancel"], lambda _: {"cancelled_by": request.id})


def _submissions(tx: Tx, request_id: str, verdicts: Sequence[Verdict]) -> None:
    table = table_of(Submission)
    statement = (
        update(table)
        .where(table.c.request_id == request_id, table.c.ordinal == bindparam("which"))
        .values(verdict=bindparam("said"), messages=bindparam("codes"))
    )
    rows = [
        {"which": v.ordinal, "said": "receivable" if v.receivable else "not_receivable", "codes": v.messages}
        for v in verdicts
    ]
    if rows:
        tx.session.connection().execute(statement, rows)


def _update_invoices(tx: Tx, verdicts: Sequence[Verdict], values: Callable[[Verdict], dict[str, Any]]) -> None:
    if not verdicts:
        return
    table = table_of(Invoice)
    rows = [{f"new_{name}": value for name, value in values(v).items()} | {"which": v.invoice_id} for v in verdicts]
    names = [name.removeprefix("new_") for name in rows[0] if name != "which"]
    statement = update(table).where(table.c.id == bindparam("which"))
    statement = statement.values({name: bindparam(f"new_{name}") for name in names})
    tx.session.connection().execute(statement, rows)


def by_payer_number(tx: Tx, payer: str, numbers: Iterable[str]) -> dict[str, str]:
    """Invoices of any agency by the payer's number: number → invoice id."""
    found: dict[str, str] = {}
    for piece in chunks(numbers):
        query = select(Invoice.no_fact_ramq, Invoice.id).where(
            Invoice.payer == payer, col(Invoice.no_fact_ramq).in_(piece)
        )
        found.update((str(number), invoice) for number, invoice in tx.session.exec(query))
    return found


class Owned(NamedTuple):
    """An invoice that a statement may speak of, and whose it is."""

    id: str
    agency_id: str
    account: str | None


def owned_by_payer_number(tx: Tx, payer: str, numbers: Iterable[str]) -> dict[str, list[Owned]]:
    """The invoices of any agency that bear these payer's numbers; one query, however many they are."""
    found: dict[str, list[Owned]] = {}
    query = select(Invoice.no_fact_ramq, Invoice.id, Invoice.agency_id, Invoice.account).where(
        Invoice.payer == payer, col(Invoice.no_fact_ramq).in_(listed(tx, numbers))
    )
    for number, *invoice in tx.session.exec(query):
        found.setdefault(str(number), []).append(_owned(*invoice))
    return found


def _owned(id_: str, agency_id: str, account: str | None) -> Owned:
    """With what a hundred thousand invoices have in common kept once."""
    return Owned(id_, intern(agency_id), account and intern(account))


def owned_by_own_number(tx: Tx, agencies: Iterable[str], payer: str, numbers: Iterable[str]) -> dict[str, list[Owned]]:
    """One invoice of each of the agencies by its own number; where an agency used it twice, the receivable one, else
    the newest. One query, however many they are."""
    owned = [col(Invoice.no_fact_ext), col(Invoice.id), col(Invoice.agency_id), col(Invoice.account)]
    rows = tx.session.execute(
        sql.select(*owned, col(Submission.verdict))
        .select_from(Invoice)
        .join(Submission, born())
        .where(col(Invoice.payer) == payer, col(Invoice.agency_id).in_(sorted(agencies)))
        .where(col(Invoice.no_fact_ext).in_(listed(tx, numbers)))
    )
    last: dict[tuple[str, str], Owned] = {}
    for number, id_, agency_id, account, _ in sorted(rows, key=lambda row: (row[4] == "receivable", row[1])):
        last[str(number), agency_id] = _owned(id_, agency_id, account)
    found: dict[str, list[Owned]] = {}
    for (number, _), invoice in last.items():
        found.setdefault(number, []).append(invoice)
    return found
