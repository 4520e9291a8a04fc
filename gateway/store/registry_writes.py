"""What a plan writes into the registry: new things and facts, changed settings, facts no longer believed.

Facts are inserted and superseded, never changed or deleted; the database refuses anything else (guards.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, update

from gateway.models import (
    Account,
    Agency,
    AgencyPayer,
    DeclaredSoftware,
    Developer,
    PracticeGroup,
    Practitioner,
    Source,
)
from gateway.models.facts import STAGED, Fact
from gateway.store.engine import Tx, bulk, chunks, table_of

Thing = Agency | Source | Account | Developer | Practitioner | PracticeGroup
# Things in the order in which they may refer to one another; then facts, which refer to any of them.
_ORDER: tuple[type[Thing], ...] = (PracticeGroup, Agency, Source, Developer, Practitioner, Account)
_AT_ONCE: tuple[type[Thing | Fact], ...] = (Source, DeclaredSoftware)  # a source has no moment of its own
CHUNK = 2000  # rows in one transaction: well under a second


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row, without its moment."""

    model: type[Thing | Fact]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Supersede:
    """From now on the new version is believed instead of the old one, or nothing is."""

    family: type[Fact]
    old: str
    values: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Change:
    """Other settings of a thing."""

    model: type[Thing]
    id: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SetPayers:
    """The payers of an agency, in this order."""

    agency_id: str
    payers: tuple[str, ...]


Write = Insert | Supersede | Change | SetPayers
Rows = dict[type[Thing] | type[Fact], list[Mapping[str, Any]]]


def touched(write: Write) -> str:
    """The id of the row that an event about it names."""
    if isinstance(write, Supersede):
        return str(write.values["id"]) if write.values else write.old
    if isinstance(write, Insert):
        return str(write.values["id"])
    return write.id if isinstance(write, Change) else write.agency_id


def new_rows(writes: Iterable[Write]) -> Rows:
    """The rows to insert, by table, in the order in which they may refer to one another."""
    rows: Rows = {model: [] for model in (*_ORDER, *Fact.__subclasses__())}
    for write in writes:
        if isinstance(write, Insert):
            rows[write.model].append(write.values)
        elif isinstance(write, Supersede) and write.values is not None:
            rows[write.family].append(write.values)
    return {model: values for model, values in rows.items() if values}


def insert(tx: Tx, rows: Rows, recorded_at: datetime) -> None:
    """Insert new rows, learned at this moment by this transaction's actor."""
    for model, values in rows.items():
        more: dict[str, Any] = {} if model is Source else {"recorded_at": recorded_at}
        if issubclass(model, Fact):
            more |= {"recorded_by": tx.actor, "superseded_at": None, "superseded_by": None}
        bulk(tx, model, ({**row, **more} for row in values))


def alter(tx: Tx, writes: Iterable[Write]) -> None:
    """Everything but the new rows: settings, payers, and what is no longer believed."""
    ended: dict[type[Fact], list[str]] = {}
    for write in writes:
        if isinstance(write, Supersede):
            ended.setdefault(write.family, []).append(write.old)
        elif isinstance(write, Change):
            table = table_of(write.model)
            tx.session.execute(update(table).where(table.c.id == write.id).values(dict(write.changes)))
        elif isinstance(write, SetPayers):
            _set_payers(tx, write)
    for family, ids in ended.items():
        _end(tx, family, ids)


def _set_payers(tx: Tx, write: SetPayers) -> None:
    table = table_of(AgencyPayer)
    tx.session.execute(delete(table).where(table.c.agency_id == write.agency_id))
    rows = ({"agency_id": write.agency_id, "position": n, "payer": p} for n, p in enumerate(write.payers, 1))
    bulk(tx, AgencyPayer, rows)


def _end(tx: Tx, family: type[Fact], ids: Sequence[str]) -> None:
    table = table_of(family)
    ending = {"superseded_at": tx.now, "superseded_by": tx.actor}
    believed = update(table).where(table.c.id == bindparam("old"), table.c.superseded_at.is_(None)).values(ending)
    tx.session.connection().execute(believed, [{"old": id_} for id_ in ids])


def pieces(rows: Rows) -> Iterator[tuple[type[Thing | Fact], list[Mapping[str, Any]]]]:
    """The rows that can be staged, a table and at most CHUNK rows at a time."""
    for model, values in rows.items():
        if model not in _AT_ONCE:
            yield from ((model, piece) for piece in chunks(values, CHUNK))


def not_staged(rows: Rows) -> Rows:
    """The rows that cannot be staged."""
    return {model: values for model, values in rows.items() if model in _AT_ONCE}


def make_count(tx: Tx) -> None:
    """What was staged is known from now on."""
    for table in _dated():
        tx.session.execute(update(table).where(table.c.recorded_at == STAGED).values(recorded_at=tx.now))


def discard_staged(tx: Tx) -> None:
    """Forget what an interrupted writer staged."""
    for table in reversed(list(_dated())):
        tx.session.execute(delete(table).where(table.c.recorded_at == STAGED))


def discard_staged_things(tx: Tx) -> None:
    """The same where something new could meet a staged name."""
    things = [table_of(model) for model in _ORDER if model is not Source]
    for table in things:
        if tx.session.execute(select(table.c.id).where(table.c.recorded_at == STAGED).limit(1)).first():
            return discard_staged(tx)
    return None


def _dated() -> Iterator[Table]:
    """Every table whose rows have a moment, the ones others refer to first."""
    return (table_of(model) for model in (*_ORDER, *Fact.__subclasses__()) if model is not Source)
