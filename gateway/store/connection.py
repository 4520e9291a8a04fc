"""How the gateway talks to SQLite and to PostgreSQL: pragmas, journals, locks, and errors in its own words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError, StatementError

from gateway.errors import StoreError
from gateway.messages import side_by_side
from gateway.platform import open_private, private_dir

BUSY_SECONDS = 30
LINKED_SQLITE = sqlite3.sqlite_version
_WRITES = "gateway_writes"


def journal_mode(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """The journal for a version of SQLite: WAL where it is safe.

    3.7.0 to 3.51.2 can lose committed pages when two connections write and checkpoint at the same instant (RELIABILITY
    section 1.6); 3.50.7 and 3.44.6 carry the correction.
    """
    fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)
    return "WAL" if fixed else "TRUNCATE"


def connect(url: str | Path) -> Engine:
    """The engine for a SQLite file (made 0600, its folder 0700) or for an SQLAlchemy URL. Raises StoreError."""
    parsed = URL.create("sqlite", database=str(url)) if isinstance(url, Path) else make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
    engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    _make_file(Path(parsed.database or ""))
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def reader(engine: Engine) -> Engine:
    """The engine for transactions that may only look, each at one consistent state."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def writer(engine: Engine) -> Engine:
    """The engine for transactions that change something."""
    return engine.execution_options(**{_WRITES: True})


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn the database's errors into StoreError, without the values that were sent to it."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
        problem = f"{type(cause).__name__}: {str(cause).partition(chr(10))[0]}"
        raise StoreError(sentence("broken", where=engine.url.database, problem=problem)) from error


def sentence(key: str, **values: object) -> str:
    """A sentence of this room in both languages, for an exception that cannot know its reader's."""
    return side_by_side(f"store.{key}", **values)


def _make_file(path: Path) -> None:
    if path.exists():
        return
    try:
        private_dir(path.parent)
        with suppress(FileExistsError):  # never opened by other means once it exists: that would drop SQLite's locks
            open_private(path).close()
    except OSError as error:
        raise StoreError(sentence("broken", where=path, problem=error.strerror)) from error


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing on its own: `_begin` does
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute(f"PRAGMA journal_mode = {journal_mode()}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    writes = bool(connection.get_execution_options().get(_WRITES))
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
