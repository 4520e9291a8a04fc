"""Many rows into one table at once: bare tuples to SQLite, by one statement compiled once; by COPY to PostgreSQL.

SQLAlchemy says how each type is written and what a column left out holds; what it would do again for every row is left
out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from sqlalchemy import Boolean, Connection, Date, Dialect, Table, insert
from sqlalchemy import Column as TableColumn
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Same:
    """A column in which every row holds the same: it is looked at once."""

    value: Any


Column = Sequence[Any] | Same


@dataclass(frozen=True, slots=True)
class Columns:
    """`size` rows of a table, by the names of its columns."""

    size: int
    named: Mapping[str, Column]

    def rows(self) -> list[dict[str, Any]]:
        """The same, row by row."""
        spread = [repeat(one.value, self.size) if isinstance(one, Same) else one for one in self.named.values()]
        return [dict(zip(self.named, row, strict=True)) for row in zip(*spread, strict=True)]


def columns_of(rows: Sequence[Row]) -> Columns:
    """Rows that all have the same keys."""
    return Columns(len(rows), {name: [row[name] for row in rows] for name in rows[0]} if rows else {})


def insert_columns(connection: Connection, table: Table, given: Columns) -> bool:
    """Insert rows; columns left out get their default. False where that cannot be done so (another driver; a default
    that only the database can tell), and nothing was done. Raises DBAPIError."""
    write = _WAYS.get(connection.dialect.driver)
    if write is None or not given.size:
        return False
    left_out = [c for c in table.columns if c.default is not None and c.name not in given.named]
    columns = {**given.named, **{column.name: _default(column, given.size) for column in left_out}}
    names = [column.name for column in table.columns if column.name in columns]
    if len(names) < len(columns) or None in columns.values():
        return False
    written = [_written(connection.dialect, table.c[name], columns[name], given.size) for name in names]
    write(connection, table, names, zip(*written, strict=True))
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


def _default(column: TableColumn[Any], size: int) -> Column | None:
    """What rows hold in a column that was left out."""
    default = column.default
    if isinstance(default, ScalarElementColumnDefault):
        return Same(default.arg)
    if isinstance(default, CallableColumnDefault):
        make = default.arg
        return [make(None) for _ in range(size)]  # type: ignore[arg-type]  # ours ask for no context
    return None


def _written(dialect: Dialect, column: TableColumn[Any], values: Column | None, size: int) -> Iterable[Any]:
    """A column's values, as its type is written: a day, yes and no once for all rows."""
    sort = column.type
    write: Callable[[Any], Any] = sort.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
    if isinstance(values, Same):
        return repeat(write(values.value), size)
    assert values is not None
    if write is _as_it_is:
        return values
    if isinstance(sort, Date | Boolean):
        known = {value: write(value) for value in set(values)}
        return map(known.__getitem__, values)
    return map(write, values)


def _as_it_is(value: Any) -> Any:
    return value
