"""What the database itself sees to for the registry: facts are only added and superseded, and every change is noticed.

Triggers. They are taken away before a migration and made again after it: SQLite loses them when it rebuilds a table,
and a migration may have to touch rows.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from sqlalchemy import DDL, Connection, Table, inspect, update
from sqlmodel import SQLModel

from gateway import models
from gateway.models.facts import Fact

# What facts speak of: its rows may change, and make a book of the registry outdated too.
_THINGS: tuple[type[SQLModel], ...] = (
    models.Account,
    models.Agency,
    models.AgencyPayer,
    models.Developer,
    models.PracticeGroup,
    models.Practitioner,
    models.Source,
)
_CHANGES = ("INSERT", "UPDATE", "DELETE")
# The two lines a row may still get: its moment, when it was staged; and the end of its being believed, once.
_LITE_UPDATE = """
CREATE TRIGGER %(name)s BEFORE UPDATE ON %(table)s
WHEN NOT (%(same)s AND (OLD.recorded_at IS NEW.recorded_at OR OLD.recorded_at >= '9999-01-01')
          AND (OLD.superseded_at IS NULL OR OLD.superseded_at IS NEW.superseded_at))
BEGIN SELECT RAISE(ABORT, 'a fact of the registry is never rewritten'); END
"""
_LITE_DELETE = """
CREATE TRIGGER %(name)s BEFORE DELETE ON %(table)s WHEN OLD.recorded_at < '9999-01-01'
BEGIN SELECT RAISE(ABORT, 'a fact of the registry is never deleted'); END
"""
_LITE_NOTICE = """
CREATE TRIGGER %(name)s AFTER %(change)s ON %(table)s
BEGIN UPDATE registry_token SET token = lower(hex(randomblob(16))); END
"""
_GREAT_FUNCTIONS = (
    """
CREATE OR REPLACE FUNCTION registry_keep() RETURNS trigger AS $keep$
DECLARE lines text[] := ARRAY['recorded_at', 'superseded_at', 'superseded_by'];
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.recorded_at >= '9999-01-01' THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'a fact of the registry is never deleted';
  END IF;
  IF (to_jsonb(OLD) - lines) IS DISTINCT FROM (to_jsonb(NEW) - lines)
     OR (OLD.recorded_at IS DISTINCT FROM NEW.recorded_at AND OLD.recorded_at < '9999-01-01')
     OR (OLD.superseded_at IS NOT NULL AND OLD.superseded_at IS DISTINCT FROM NEW.superseded_at) THEN
    RAISE EXCEPTION 'a fact of the registry is never rewritten';
  END IF;
  RETURN NEW;
END $keep$ LANGUAGE plpgsql
""",
    """
CREATE OR REPLACE FUNCTION registry_notice() RETURNS trigger AS $notice$
BEGIN UPDATE registry_token SET token = gen_random_uuid()::text; RETURN NULL; END $notice$ LANGUAGE plpgsql
""",
)
_GREAT_KEEP = """
CREATE TRIGGER %(name)s BEFORE UPDATE OR DELETE ON %(table)s FOR EACH ROW EXECUTE FUNCTION registry_keep()
"""
_GREAT_NOTICE = """
CREATE TRIGGER %(name)s AFTER INSERT OR UPDATE OR DELETE ON %(table)s
FOR EACH STATEMENT EXECUTE FUNCTION registry_notice()
"""


def remove(connection: Connection) -> None:
    """Take every guard away."""
    for table in (*facts(), *_tables(_THINGS)):
        for name in _names(table):
            if connection.dialect.name == "sqlite":
                _do(connection, "DROP TRIGGER IF EXISTS %(name)s", name=name)
            elif inspect(connection).has_table(table.name):
                _do(connection, "DROP TRIGGER IF EXISTS %(name)s ON %(table)s", name=name, table=table.name)


def post(connection: Connection) -> None:
    """Put every guard in its place. The tables are those of the models."""
    lite = connection.dialect.name == "sqlite"
    for function in () if lite else _GREAT_FUNCTIONS:
        _do(connection, function)
    for table in facts():
        (_keep_lite if lite else _keep_great)(connection, table)
    for table in (*facts(), *_tables(_THINGS)):
        if not lite:
            _do(connection, _GREAT_NOTICE, name=f"notice_{table.name}", table=table.name)
        for change in _CHANGES if lite else ():
            name = f"notice_{table.name}_{change.lower()}"
            _do(connection, _LITE_NOTICE, name=name, table=table.name, change=change)
    fresh = update(_table(models.RegistryToken)).values(token=secrets.token_hex(16))
    connection.execute(fresh)  # no two databases ever share one


def facts() -> Iterator[Table]:
    """Every table of facts."""
    return _tables(tuple(Fact.__subclasses__()))


def _tables(classes: tuple[type[SQLModel], ...]) -> Iterator[Table]:
    return map(_table, classes)


def _table(model: type[SQLModel]) -> Table:
    table = inspect(model).local_table
    assert isinstance(table, Table)
    return table


def _names(table: Table) -> Iterator[str]:
    yield f"keep_{table.name}"
    yield f"keep_{table.name}_whole"
    yield f"notice_{table.name}"
    yield from (f"notice_{table.name}_{change.lower()}" for change in _CHANGES)


def _keep_lite(connection: Connection, table: Table) -> None:
    lines = ("recorded_at", "superseded_at", "superseded_by")
    same = " AND ".join(f"OLD.{column.name} IS NEW.{column.name}" for column in table.c if column.name not in lines)
    _do(connection, _LITE_UPDATE, name=f"keep_{table.name}", table=table.name, same=same)
    _do(connection, _LITE_DELETE, name=f"keep_{table.name}_whole", table=table.name)


def _keep_great(connection: Connection, table: Table) -> None:
    _do(connection, _GREAT_KEEP, name=f"keep_{table.name}", table=table.name)


def _do(connection: Connection, statement: str, **words: str) -> None:
    connection.execute(DDL(statement, context=words))  # type: ignore[no-untyped-call]
