"""Opens the database and gives transactions: one writer at a time, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    CursorResult,
    Engine,
    Executable,
    Select,
    Table,
    cast,
    func,
    insert,
    inspect,
    literal,
    select,
)
from sqlmodel import Session, SQLModel

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.models import ChainHead
from gateway.store import connection, plain, schema, snapshot

IN_LIST = 500  # values in one IN (…), well below every database's limit
Item = TypeVar("Item")


@dataclass
class Tx:
    """One transaction: `now` (aware UTC) is the same moment from its beginning to its end."""

    session: Session
    now: datetime
    actor: str
    undo: list[Callable[[], None]] = field(default_factory=list, repr=False)  # puts objects back after a rollback
    after: list[Callable[[], None]] = field(default_factory=list, repr=False)  # called once it is committed


class _Nesting(threading.local):
    """How many transactions this thread has open: a write inside another one would wait for itself."""

    depth = 0
    writing: Tx | None = None


class Store:
    """The database. Threads may share one; each `read` and `write` takes a connection of its own."""

    def __init__(self, engine: Engine, clock: Clock, actor: str, nesting: _Nesting | None = None) -> None:
        self._engine, self._clock, self._actor = engine, clock, actor
        self._nesting = nesting or _Nesting()
        self._reader, self._writer = connection.reader(engine), connection.writer(engine)

    @classmethod
    def open(cls, url: str | Path, clock: Clock, *, actor: str = "system") -> Store:
        """Open the database; make or migrate it when that is due. A Path is a SQLite file, a text an SQLAlchemy URL.

        Raises StoreError when it cannot be opened, or when a newer version of the program made it.
        """
        engine = connection.connect(url)
        try:
            with connection.translated(engine):
                schema.upgrade(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, clock, actor)

    def as_actor(self, actor: str) -> Store:
        """The same database with another actor on the events; closing one closes both."""
        return Store(self._engine, self._clock, actor, self._nesting)

    def close(self) -> None:
        """Let every connection go."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One consistent look at the database; writing in it fails. Keep it short: writers may have to wait.

        Raises StoreError when the database fails.
        """
        with self._nested(), connection.translated(self._engine), Session(self._reader, **_OPTIONS) as session:
            session.connection()
            yield Tx(session, self._clock.now(), self._actor)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that commits at the end; any exception undoes it, the objects it moved included.

        Only one is open at a time, over all processes: what was read in it still holds when it commits. Keep it short.
        Raises StoreError when the database fails or stays taken for 30 s.
        """
        if self._nesting.depth:
            raise RuntimeError("a write inside another transaction of the same thread would wait for itself")
        with self._nested(), connection.translated(self._engine), Session(self._writer, **_OPTIONS) as session:
            # The turn, where BEGIN IMMEDIATE is not known.
            session.execute(select(table_of(ChainHead).c.id).with_for_update())
            tx = self._nesting.writing = Tx(session, self._clock.now(), self._actor)
            try:
                yield tx
                session.commit()
            except BaseException:
                _undo(tx)
                raise
            finally:
                self._nesting.writing = None
        for act in tx.after:
            act()

    @property
    def writing(self) -> Tx | None:
        """The transaction that this thread is writing in, if it is."""
        return self._nesting.writing

    def copy_to(self, target: Path) -> None:
        """A consistent copy of everything committed now, as a SQLite file that is not there yet; others may go on
        writing. Raises StoreError when the database fails, OSError when the disk cannot keep it."""
        with connection.translated(self._engine):
            try:
                snapshot.take(self._engine, target)
            except sqlite3.Error as error:
                raise StoreError(connection.sentence("broken", where=target, problem=error)) from error

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._nesting.depth += 1
        try:
            yield
        finally:
            self._nesting.depth -= 1


_OPTIONS: dict[str, Any] = {"expire_on_commit": False}


def _undo(tx: Tx) -> None:
    tx.session.expunge_all()  # before the rollback, which would empty the objects
    tx.session.rollback()
    for put_back in reversed(tx.undo):
        put_back()


def bulk(tx: Tx, model: type[SQLModel], rows: Iterable[Mapping[str, Any]], chunk: int = 1000) -> int:
    """Insert many rows, `chunk` at a time, without making an object of any; give their number.

    Every row has the same keys; columns left out get their default.
    """
    return sum(bulk_columns(tx, model, plain.columns_of(piece)) for piece in chunks(rows, chunk))


def bulk_columns(tx: Tx, model: type[SQLModel], given: plain.Columns) -> int:
    """The same of rows that are given by column: one statement for all of them."""
    if given.size and not plain.insert_columns(tx.session.connection(), table_of(model), given):
        tx.session.execute(insert(table_of(model)), given.rows())
    return given.size


def chunks(items: Iterable[Item], size: int = IN_LIST) -> Iterator[list[Item]]:
    """Pieces of at most `size` items; by default as many as may stand in one IN (…)."""
    left = iter(items)
    while piece := list(islice(left, size)):
        yield piece


def listed(tx: Tx, values: Iterable[str]) -> Select[Any]:
    """A query that gives these texts: for an IN (…) of any length in one statement, with one parameter."""
    text = json.dumps(sorted(set(values)))
    if tx.session.get_bind().dialect.name == "postgresql":
        return select(func.json_array_elements_text(cast(literal(text), JSON)).column_valued("listed"))
    return select(func.json_each(text).table_valued("value", name="listed").c.value)


def changed(tx: Tx, statement: Executable) -> int:
    """Do an update or a deletion; give the number of rows it met."""
    result = tx.session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


def table_of(model: type[SQLModel]) -> Table:
    """The table under a model, for statements that need no objects."""
    table = inspect(model).local_table
    assert isinstance(table, Table)
    return table
