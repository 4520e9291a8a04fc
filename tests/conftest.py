"""Fixtures that several rooms' tests share: a clock that stands still, and a store on each database."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from support import fresh
from support.dying import die_at
from support.postgres import Postgres, serving

from gateway import platform
from gateway.clock import FixedClock
from gateway.store import Store

pytest_plugins = ["support.tally"]
DATABASES = ["sqlite", "postgresql"]


def pytest_configure() -> None:
    """What a script runs in the background is deaf to Ctrl-C, and so would be every command that a test interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A command run in the test's own process sets up a log on a stream that ends with the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def clock() -> FixedClock:
    """Noon in Quebec on an ordinary day."""
    return FixedClock(datetime(2026, 3, 2, 17, tzinfo=UTC))


@pytest.fixture
def killing() -> Iterator[Callable[..., None]]:
    """`killing(point)`: the process dies when the flow passes it."""
    yield die_at
    platform.listen(None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the session."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def _migrated(postgres: Postgres) -> str:
    """A database with our tables, to copy: much faster than making them again."""
    name = postgres.database()
    Store.open(postgres.url(name), FixedClock(datetime(2026, 1, 1, tzinfo=UTC))).close()
    return name


@pytest.fixture(params=DATABASES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | Path]:
    """Where a new, empty database of each kind is: a Path for SQLite, a URL for PostgreSQL."""
    if request.param == "sqlite":
        yield tmp_path / "state" / "gateway.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> Iterator[Store]:
    """A new store on each database. One that only SQLite must serve asks for `store` with indirect parameters."""
    if request.param == "sqlite":
        opened = Store.open(fresh.database(tmp_path / "state" / "gateway.db"), clock)
        yield opened
        opened.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database(request.getfixturevalue("_migrated"))
    opened = Store.open(server.url(name), clock)
    yield opened
    opened.close()
    server.drop(name)
