"""Many rows into one table at once: bare tuples to SQLite, by one statement compiled once; by COPY to PostgreSQL.

SQLAlchemy says how each type is written and what a column left out holds; what it would do again for every row is left
out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Boolean, Connection, Date, Dialect, Table, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault

Row = Mapping[str, Any]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> bool:
    """Insert rows that all have the same keys; columns left out get their default. False where that cannot be done so
    (another driver; a default that only the database can tell), and nothing was done. Raises DBAPIError."""
    write = _WAYS.get(connection.dialect.driver)
    if write is None or not rows:
        return False
    names = [column.name for column in table.columns if column.name in rows[0] or column.default is not None]
    left_out = {name: _default(table, name) for name in names if name not in rows[0]}
    if not set(names).issuperset(rows[0]) or None in left_out.values():
        return False
    columns = [
        _written(connection.dialect, table, name, [row[name] for row in rows] if make is None else make(len(rows)))
        for name in names
        for make in [left_out.get(name)]
    ]
    write(connection, table, names, zip(*columns, strict=True))
    return True


def _repeat(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """One statement, repeated by the driver."""
    statement = insert(table).compile(dialect=connection.dialect, column_keys=list(names))
    assert statement.positiontup == names  # SQLite's: in the table's order
    connection.exec_driver_sql(str(statement), list(rows))


def _copy(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY, in the transaction of the connection. SQLAlchemy has no word for it: names are those of our own tables,
    quoted by it, and values never stand in the statement."""
    dialect, driver = connection.dialect, connection.connection
    quoted = dialect.identifier_preparer
    columns = ", ".join(quoted.format_column(table.c[name]) for name in names)
    statement = f"COPY {quoted.format_table(table)} ({columns}) FROM STDIN"
    errors: Any = dialect.loaded_dbapi.Error
    try:
        with closing(driver.cursor()) as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except errors as error:
        raise DBAPIError.instance(statement, None, error, errors, hide_parameters=True, dialect=dialect) from error


_WAYS: Mapping[str, Callable[[Connection, Table, Sequence[str], Iterable[tuple[Any, ...]]], None]] = {
    "pysqlite": _repeat,
    "psycopg": _copy,
}


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
