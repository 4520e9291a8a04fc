"""Many rows into one table at once: the statement is compiled once, the driver repeats it with bare tuples.

SQLAlchemy makes the statement and says how each type is written; what it would do again for every row is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, Connection, Date, Dialect, Table, insert
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault

Row = Mapping[str, Any]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> bool:
    """Insert rows that all have the same keys; columns left out get their default. False where that cannot be done so
    (other databases take their own ways; a default that only the database can tell), and nothing was done."""
    if not rows or connection.dialect.name != "sqlite":
        return False
    statement = insert(table).compile(dialect=connection.dialect, column_keys=list(rows[0]))
    names: Sequence[str] = getattr(statement, "positiontup", None) or ()
    left_out = {name: _default(table, name) for name in names if name not in rows[0]}
    if not set(names).issuperset(rows[0]) or None in left_out.values():
        return False
    columns = [
        _written(connection.dialect, table, name, [row[name] for row in rows] if make is None else make(len(rows)))
        for name in names
        for make in [left_out.get(name)]
    ]
    connection.exec_driver_sql(str(statement), list(zip(*columns, strict=True)))
    return True


def _default(table: Table, name: str) -> Callable[[int], Sequence[Any]] | None:
    """What makes a column's default for so many rows."""
    default = table.c[name].default
    if isinstance(default, ScalarElementColumnDefault):
        value = default.arg
        return lambda number: [value] * number
    if isinstance(default, CallableColumnDefault):
        make = default.arg
        return lambda number: [make(None) for _ in range(number)]  # type: ignore[arg-type]  # ours ask for no context
    return None


def _written(dialect: Dialect, table: Table, name: str, values: Sequence[Any]) -> Sequence[Any]:
    """A column's values, as its type is written: a day, yes and no once for all rows."""
    sort = table.c[name].type
    write: Callable[[Any], Any] | None = sort.dialect_impl(dialect).bind_processor(dialect)
    if write is None:
        return values
    if isinstance(sort, Date | Boolean):
        known = {value: write(value) for value in set(values)}
        return list(map(known.__getitem__, values))
    return list(map(write, values))
