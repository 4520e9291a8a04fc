"""Brings a database to the tables this version knows: migrations under a lock, after a copy of the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from gateway.errors import StoreError
from gateway.platform import open_private, sync_dir
from gateway.resources import migrations_dir
from gateway.store import guards
from gateway.store.connection import sentence, writer

_LOCK = 7_309_945_521  # any number: PostgreSQL's name for "someone migrates"


def upgrade(engine: Engine, target: str = "head") -> None:
    """Migrate to `target`, all or nothing. Raises StoreError when the database is newer than this program."""
    scripts = _scripts(migrations_dir())
    with engine.connect() as connection:
        found = _refuse_newer(connection, scripts)
    if found == scripts.get_current_head():
        return
    with _alone(engine) as connection:
        found = _refuse_newer(connection, scripts)  # again: another process may have been first
        if found is not None and engine.dialect.name == "sqlite":
            _back_up(Path(str(engine.url.database)), found)
        settings = _settings()
        settings.attributes["connection"] = connection
        guards.remove(connection)
        command.upgrade(settings, target)
        if revision(connection) == scripts.get_current_head():
            guards.post(connection)
        _refuse_dangling(connection)


def revision(connection: Connection) -> str | None:
    """The revision the database is at; None when it has no tables yet."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def _scripts(folder: Path) -> ScriptDirectory:
    """All migrations there are. They are read once for a process: that costs more than any question about them."""
    return ScriptDirectory(str(folder))


def _settings() -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    return settings


def _refuse_newer(connection: Connection, scripts: ScriptDirectory) -> str | None:
    found = revision(connection)
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreError(sentence("newer", where=connection.engine.url.database, revision=found))
    return found


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A write transaction no other migration runs beside. SQLite rebuilds tables to alter them, which needs its foreign
    keys off; they are checked before the commit."""
    lite = engine.dialect.name == "sqlite"
    with writer(engine).connect() as connection:
        if lite:
            _driver(connection).execute("PRAGMA foreign_keys = OFF")
        with connection.begin():
            if not lite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield connection
    engine.dispose()  # the next connection has its foreign keys on


def _refuse_dangling(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    row = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if row is not None:
        raise StoreError(sentence("dangling", where=connection.engine.url.database, table=row[0]))


def _back_up(path: Path, found: str) -> Path:
    """Copy the database beside itself, named by its old revision. Through SQLite: a plain copy drops its locks; and
    through another connection than the one that is about to change it, which SQLite would wait for without end."""
    names = (path.with_name(f"{path.name}.{found}{'' if n == 1 else f'-{n}'}.backup") for n in count(1))
    copy = next(name for name in names if not name.exists())
    open_private(copy).close()
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    sync_dir(copy.parent)
    return copy


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
