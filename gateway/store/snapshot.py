"""A consistent copy of the database while others write, as a SQLite file that needs neither server nor journal.

From SQLite by its backup interface, in one step: pages are copied under a shared lock, so that writers wait as long as
that takes and the copy never has to begin again. From PostgreSQL row by row in one REPEATABLE READ transaction, which
keeps nobody waiting. The file of a live database is never opened by other means (RELIABILITY section 1, rule 7).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlmodel import SQLModel

from gateway import models
from gateway.platform import open_private, sync_file
from gateway.store import guards, schema
from gateway.store.connection import BUSY_SECONDS, connect, reader, writer

PIECE = 1000  # rows in memory at once


def take(engine: Engine, target: Path) -> None:
    """Copy everything that is committed now to `target`, a file that is not there yet; durable when this returns."""
    if engine.dialect.name == "sqlite":
        open_private(target).close()
        place = str(engine.url.database)
        with closing(sqlite3.connect(place, timeout=BUSY_SECONDS)) as source, closing(sqlite3.connect(target)) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # made durable below, as a whole
            source.backup(copy)
    else:
        _by_rows(engine, target)
    with target.open("r+b") as file:
        sync_file(file)


def _by_rows(engine: Engine, target: Path) -> None:
    assert models  # every table is known
    copy = connect(target)
    try:
        schema.upgrade(copy)
        with reader(engine).connect() as source, writer(copy).connect() as into:
            driver = into.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.execute("PRAGMA foreign_keys = OFF")  # rows that name each other come in any order
            with into.begin():
                _copy_tables(source, into)
    finally:
        copy.dispose()


def _copy_tables(source: Connection, into: Connection) -> None:
    guards.remove(into)
    for table in SQLModel.metadata.sorted_tables:
        into.execute(table.delete())  # what a migration put there
        rows = source.execution_options(stream_results=True).execute(table.select())
        for piece in rows.partitions(PIECE):
            into.execute(table.insert(), [dict(row._mapping) for row in piece])
    guards.post(into)
