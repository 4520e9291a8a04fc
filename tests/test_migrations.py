"""Every database, of whatever revision, becomes the one the models describe; a newer one is left alone."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel
from support import records

from gateway.clock import FixedClock
from gateway.errors import StoreError
from gateway.platform import WINDOWS
from gateway.resources import migrations_dir
from gateway.store import Store, chain, connection, moves, schema

REVISIONS = [script.revision for script in ScriptDirectory(str(migrations_dir())).walk_revisions()]
NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "later", "{head}"


def upgrade() -> None:
    with op.batch_alter_table("agency") as table:
        table.add_column(sa.Column("fax", sa.String()))
    {more}
"""


@pytest.fixture
def engine(address: str | Path) -> Iterator[Engine]:
    made = connection.connect(address)
    yield made
    made.dispose()


@pytest.mark.parametrize("start", [None, *REVISIONS])
def test_from_every_revision_the_tables_become_those_of_the_models(engine: Engine, start: str | None) -> None:
    if start is not None:
        schema.upgrade(engine, start)
    schema.upgrade(engine)
    with engine.connect() as reading:
        context = MigrationContext.configure(reading, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
        assert schema.revision(reading) == REVISIONS[0]


def test_the_chain_of_events_has_its_beginning(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.connect() as reading:
        assert reading.execute(text("SELECT id, hash, events FROM chain_head")).all() == [(1, chain.GENESIS, 0)]


def test_there_is_one_line_of_revisions() -> None:
    assert len(ScriptDirectory(str(migrations_dir())).get_heads()) == 1
    assert len(ScriptDirectory(str(migrations_dir())).get_bases()) == 1


def later(folder: Path, monkeypatch: pytest.MonkeyPatch, more: str = "pass") -> None:
    """From here on the program knows one more revision."""
    shutil.copytree(migrations_dir(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "later.py").write_text(NEXT.format(head=REVISIONS[0], more=more))
    monkeypatch.setattr(schema, "migrations_dir", lambda: folder)


def test_a_database_with_rows_is_migrated(
    address: str | Path, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(address, clock)
    records.settle(store)
    with store.write() as tx:
        records.batch(tx)
    store.close()
    later(tmp_path / "later", monkeypatch)
    store = Store.open(address, clock)
    with store.read() as tx:
        assert tx.session.execute(text("SELECT name, fax FROM agency")).all() == [("Agence Laurier", None)]
        assert moves.verify_chain(tx) is None
    with pytest.raises(StoreError), store.write() as tx:  # foreign keys hold again
        records.batch(tx, agency_id="AGE-none")
    store.close()


def test_a_newer_database_is_refused_and_left_alone(
    address: str | Path, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as future:
        later(tmp_path / "later", future)
        Store.open(address, clock).close()
    with pytest.raises(StoreError, match="a newer version made it") as caught:
        Store.open(address, clock)
    assert "une version plus récente" in str(caught.value)
    engine = connection.connect(address)
    with engine.connect() as reading:
        assert schema.revision(reading) == "later"
    engine.dispose()


def test_a_migration_that_fails_changes_nothing(
    address: str | Path, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(address, clock).close()
    later(tmp_path / "later", monkeypatch, more='op.execute("DELETE FROM nowhere")')
    with pytest.raises(StoreError, match="nowhere"):
        Store.open(address, clock)
    engine = connection.connect(address)
    with engine.connect() as reading:
        assert schema.revision(reading) == REVISIONS[0]
        assert "fax" not in {column["name"] for column in inspect(reading).get_columns("agency")}
    engine.dispose()


@pytest.fixture
def file(tmp_path: Path, clock: FixedClock) -> Path:
    """A SQLite file with rows in it."""
    path = tmp_path / "state" / "gateway.db"
    store = Store.open(path, clock)
    records.settle(store)
    store.close()
    return path


def test_a_sqlite_file_is_copied_before_it_is_migrated(
    file: Path, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(tmp_path / "later", monkeypatch)
    Store.open(file, clock).close()
    Store.open(file, clock).close()
    copies = [path for path in file.parent.iterdir() if path.suffix == ".backup"]
    assert [path.name for path in copies] == [f"gateway.db.{REVISIONS[0]}.backup"]
    assert WINDOWS or stat.S_IMODE(copies[0].stat().st_mode) == 0o600
    with closing(sqlite3.connect(copies[0])) as copy:
        assert copy.execute("SELECT name FROM agency").fetchall() == [("Agence Laurier",)]
        assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISIONS[0],)]


def test_a_copy_never_replaces_an_older_copy(
    file: Path, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(tmp_path / "later", monkeypatch, more='op.execute("DELETE FROM nowhere")')
    for _ in range(2):
        with pytest.raises(StoreError):
            Store.open(file, clock)
    assert {path.name for path in file.parent.glob("*.backup")} == {
        f"gateway.db.{REVISIONS[0]}.backup",
        f"gateway.db.{REVISIONS[0]}-2.backup",
    }


def test_a_migration_that_leaves_rows_without_what_they_refer_to_is_undone(
    file: Path, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(tmp_path / "later", monkeypatch, more='op.execute("DELETE FROM agency")')
    with pytest.raises(StoreError, match="table source"):
        Store.open(file, clock)
    with closing(sqlite3.connect(file)) as after:
        assert after.execute("SELECT count(*) FROM agency").fetchone() == (1,)


def test_a_new_file_needs_no_copy(file: Path) -> None:
    assert list(file.parent.glob("*.backup")) == []
