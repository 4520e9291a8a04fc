"""Transactions: one writer at a time, readers that cannot write, durable journals, two processes on one file."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import date
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest
from sqlalchemy import text
from sqlmodel import col, select
from support import records

from gateway.clock import FixedClock
from gateway.errors import StoreError
from gateway.models import Agency, Batch, Line, Submission
from gateway.platform import WINDOWS
from gateway.store import Store, connection, journal_mode, moves, plain, status
from gateway.store.engine import bulk, listed, table_of

COMMAND = """
import sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.store import Store
from support import records

store = Store.open(Path(sys.argv[1]), SystemClock(), actor=sys.argv[2])
for _ in range(25):
    with store.write() as tx:
        records.batch(tx, name=sys.argv[2])
store.close()
"""


@pytest.fixture
def lite(tmp_path: Path, clock: FixedClock) -> Store:
    return Store.open(tmp_path / "state" / "gateway.db", clock)


def pragma(store: Store, name: str) -> object:
    with store.read() as tx:
        return tx.session.execute(text(f"PRAGMA {name}")).scalar_one()


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "TRUNCATE"),
        ((3, 44, 5), "TRUNCATE"),
        ((3, 44, 6), "WAL"),
        ((3, 45, 0), "TRUNCATE"),
        ((3, 50, 6), "TRUNCATE"),
        ((3, 50, 7), "WAL"),
        ((3, 51, 2), "TRUNCATE"),
        ((3, 51, 3), "WAL"),
        ((3, 53, 0), "WAL"),
    ],
)
def test_wal_is_used_only_by_versions_of_sqlite_that_keep_it_whole(version: tuple[int, ...], mode: str) -> None:
    assert journal_mode(version) == mode


def test_sqlite_commits_are_durable_and_foreign_keys_hold(lite: Store) -> None:
    assert pragma(lite, "journal_mode") == journal_mode().lower()
    assert (pragma(lite, "synchronous"), pragma(lite, "foreign_keys"), pragma(lite, "busy_timeout")) == (2, 1, 30_000)
    lite.close()


@pytest.mark.skipif(WINDOWS, reason="no permission bits")
def test_only_its_owner_can_read_the_file(lite: Store, tmp_path: Path) -> None:
    lite.close()
    assert stat.S_IMODE((tmp_path / "state" / "gateway.db").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError), store.read() as tx:
        tx.session.execute(text("DELETE FROM chain_head"))
    with store.write() as tx:
        moves.note(tx, Agency(id="AGE-1", name="x", kind="solo", recorded_at=tx.now), "seen")


def test_a_reader_sees_one_moment(store: Store) -> None:
    records.settle(store)
    with store.read() as tx:
        before = status.states(tx, Batch)
        writer = Thread(target=_deposit, args=(store,))
        if tx.session.get_bind().dialect.name == "postgresql":
            writer.start()
            writer.join()
        assert status.states(tx, Batch) == before


def _deposit(store: Store) -> None:
    with store.write() as tx:
        records.batch(tx)


def test_the_moment_of_a_transaction_does_not_pass(store: Store, clock: FixedClock) -> None:
    with store.write() as tx:
        began = clock.now()
        clock.sleep(5)
        assert tx.now == began


def test_only_one_writes_at_a_time(store: Store) -> None:
    order: list[str] = []
    inside = Flag()

    def second() -> None:
        inside.wait()
        with store.write():
            order.append("second")

    other = Thread(target=second)
    other.start()
    with store.write():
        inside.set()
        other.join(0.2)
        order.append("first")
    other.join()
    assert order == ["first", "second"]


def test_a_write_inside_another_transaction_is_refused_instead_of_waiting_for_itself(store: Store) -> None:
    for outer in (store.read, store.as_actor("x").write):
        with outer(), pytest.raises(RuntimeError, match="wait for itself"), store.write():
            pass
    with store.write():
        pass


def test_what_a_transaction_read_can_be_used_after_it(store: Store) -> None:
    records.settle(store)
    with store.read() as tx:
        agency = tx.session.exec(select(Agency)).one()
    assert agency.name == "Agence Laurier"


def test_the_databases_errors_come_without_values(store: Store) -> None:
    records.settle(store)
    with pytest.raises(StoreError) as caught, store.write() as tx:
        bulk(tx, Agency, [{"id": "AGE-2", "name": "Agence Laurier", "kind": "solo", "recorded_at": tx.now}])
    assert "Agence Laurier" not in str(caught.value)


def test_many_rows_go_in_without_objects_and_with_their_defaults(store: Store) -> None:
    rows = (
        {"request_id": "DEM-1", "ordinal": n, "batch_id": "LOT-1", "agency_id": "AGE-1", "action": "new"}
        for n in range(1, 2502)
    )
    with store.write() as tx:
        assert bulk(tx, Submission, rows) == 2501
        assert bulk(tx, Submission, []) == 0
    with store.read() as tx:
        last = tx.session.get(Submission, ("DEM-1", 2501))
    assert last is not None
    assert (last.valid, last.messages, last.lines) == (True, [], 0)


def test_the_service_and_a_command_write_to_one_sqlite_file_at_once(
    lite: Store, tmp_path: Path, clock: FixedClock
) -> None:
    records.settle(lite)
    lite.close()
    file = tmp_path / "state" / "gateway.db"
    here = Path(__file__).parent
    run = [sys.executable, "-c", f"import sys; sys.path[:0] = {[str(here), str(here.parent)]!r}\n{COMMAND}", str(file)]
    processes = [subprocess.Popen([*run, name]) for name in ("service", "command")]
    assert [process.wait(60) for process in processes] == [0, 0]
    store = Store.open(file, clock)
    with store.read() as tx:
        assert status.states(tx, Batch) == {"COLLECTED": 50}
        assert moves.verify_chain(tx) is None
    store.close()


def test_two_processes_may_make_the_database_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gateway.clock import SystemClock; from gateway.store import Store"
    )
    code += "\nStore.open(Path(sys.argv[1]), SystemClock()).close()"
    root = str(Path(__file__).parent.parent)
    run = [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n{code}", str(tmp_path / "gateway.db")]
    processes = [subprocess.Popen(run) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]


def test_a_file_that_is_no_database_is_told_in_both_languages(tmp_path: Path, clock: FixedClock) -> None:
    (tmp_path / "gateway.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path / "gateway.db", clock)
    assert "La base de données" in str(caught.value)
    assert "The database" in str(caught.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, clock: FixedClock) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(StoreError, match="taken"):
        Store.open(tmp_path / "taken" / "gateway.db", clock)


def test_a_sqlite_url_is_a_file_too(tmp_path: Path, clock: FixedClock) -> None:
    engine = connection.connect(f"sqlite:///{tmp_path / 'other.db'}")
    engine.dispose()
    assert (tmp_path / "other.db").exists()


def test_a_list_of_any_length_and_of_any_letters_is_one_parameter(store: Store) -> None:
    odd = ["o'x", 'say "x"', "ééé", "%", "_", "\\", "[1]", "x"]
    records.settle(store)
    with store.write() as tx:
        for name in [*odd, "another"]:
            records.batch(tx, name=name)
    with store.read() as tx:
        wanted = listed(tx, [*odd, *odd, *(f"none-{n}" for n in range(5000))])
        found = tx.session.exec(select(Batch.name).where(Batch.name.in_(wanted)))  # type: ignore[attr-defined]
        assert sorted(found) == sorted(odd)
        none = tx.session.exec(select(Batch.name).where(Batch.name.in_(listed(tx, []))))  # type: ignore[attr-defined]
        assert list(none) == []


def test_many_rows_are_written_as_sqlalchemy_writes_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days, nothing, yes and no, lists and defaults: the same in the database, whichever way they came."""
    days = [date(2026, 9, 14), None, date(2026, 9, 15), date(2026, 9, 14)]
    rows = [
        {
            "batch_id": "LOT-1",
            "agency_id": "AGE-1",
            "ordinal": n,
            "action": "new",
            "first_service": day,
            "no_fact_ext": f"{n}",
        }
        for n, day in enumerate(days)
    ]
    with store.write() as tx:
        assert (
            bulk(tx, Submission, [row | {"request_id": "DEM-1", "valid": bool(n % 2)} for n, row in enumerate(rows)])
            == 4
        )
        assert bulk(tx, Submission, [row | {"request_id": "DEM-2"} for row in rows]) == 4
        with monkeypatch.context() as patch:
            patch.setattr(plain, "insert_columns", lambda *_: False)
            bulk(tx, Submission, [row | {"request_id": "DEM-3", "valid": bool(n % 2)} for n, row in enumerate(rows)])
            bulk(tx, Submission, [row | {"request_id": "DEM-4"} for row in rows])
    with store.read() as tx:
        kept: dict[str, list[object]] = {}
        for row in tx.session.execute(text("SELECT * FROM submission ORDER BY request_id, ordinal")).mappings():
            kept.setdefault(row["request_id"], []).append({k: v for k, v in row.items() if k != "request_id"})
    assert kept["DEM-1"] == kept["DEM-3"]
    assert kept["DEM-2"] == kept["DEM-4"]
    assert len(kept["DEM-1"]) == 4


def test_rows_are_written_plainly_on_both_databases_with_texts_of_every_sort(store: Store) -> None:
    texts = ["a\tb", "a\nb\\.", "\\N", "", '"é"', "\r\n", "{}", "'"]
    rows = [
        {"batch_id": "LOT-1", "agency_id": "AGE-1", "request_id": "DEM-1", "ordinal": n, "action": "new"}
        | {"no_fact_ext": one}
        for n, one in enumerate(texts)
    ]
    with store.write() as tx:
        assert plain.insert_columns(tx.session.connection(), table_of(Submission), plain.columns_of(rows))
    with store.read() as tx:
        assert list(tx.session.exec(select(Submission.no_fact_ext).order_by(col(Submission.ordinal)))) == texts


def test_lists_and_moments_are_written_plainly_too(store: Store) -> None:
    line = {"request_id": "DEM-1", "ordinal": 1, "number": 1, "verdict": "receivable", "messages": ["1081", "a\tb"]}
    agency = {"id": "AGE-2", "name": "Agence Laurier", "kind": "solo"}
    with store.write() as tx:
        bulk(tx, Line, [line])
        bulk(tx, Agency, [agency | {"recorded_at": tx.now}])
        now = tx.now
    with store.read() as tx:
        kept = tx.session.exec(select(Line)).one()
        assert (kept.messages, kept.preliminary_cents) == (["1081", "a\tb"], None)
        assert tx.session.exec(select(Agency.recorded_at)).one() == now


def test_rows_that_are_refused_leave_nothing_and_say_so(store: Store) -> None:
    row = {"batch_id": "LOT-1", "agency_id": "AGE-1", "request_id": "DEM-1", "ordinal": 1, "action": "new"}
    with pytest.raises(StoreError, match=r"(?i)unique"), store.write() as tx:
        bulk(tx, Submission, [row, row])
    with store.write() as tx:
        assert bulk(tx, Submission, [row]) == 1
