"""What `gateway calendar` answers, and the silences that `gateway status` tells."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import records
from support.command import call

from gateway.calendars import load
from gateway.cli.silent import silent
from gateway.clock import FixedClock
from gateway.identifiers import new_id
from gateway.models import Deposit, Invoice, Request, Submission
from gateway.states import ReplyState, RequestState
from gateway.store import Store, Tx, rhythm
from gateway.store.engine import changed, table_of
from gateway.watch.silence import missing

OWN = """
[[calendar]]
payer = "sandbox"
cut_off = 2026-01-07T16:00:00
statement_after_days = 9
[[calendar.period]]
cut_off = 2026-10-14T16:00:00
statement = 2026-10-23
authority = "official"
"""


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert call(*words, "--json") == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def house(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "gateway.toml").write_text(
        '[[payer]]\nname = "sandbox"\nformats = ["ramq-rfp"]\nkind = "folder"\nenvironment = "test"\n', "utf-8"
    )
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "calendar.toml").write_text(OWN, "utf-8")
    return ("--config", str(tmp_path / "gateway.toml"), "--lang", "en")


def test_the_calendar_shows_periods_and_holidays(house: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "calendar", "--payer", "sandbox", "--from", "2026-10-01", "--to", "2026-10-31", *house)
    assert told["periods"][-1] == {
        "cut_off": "2026-10-14 16:00", "statement": "2026-10-23", "payment": None, "authority": "official",
    }  # fmt: skip
    assert told["closed"] == [{"day": "2026-10-12", "name": "Thanksgiving Day"}]
    assert call("calendar", "--from", "2026-12-20", "--to", "2027-01-05", *house[:-1], "fr") == 0
    said = capsys.readouterr().out
    assert "Jour de Noël" in said
    assert "reconstitué" in said


def test_an_unknown_payer_or_day_is_told(house: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("calendar", "--payer", "sandbax", *house) == 2
    assert "sandbox" in capsys.readouterr().err
    assert call("calendar", "--from", "tomorrow", *house) == 2


def test_a_lot_counts_for_the_cut_off_after_its_hand_over(
    house: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("status", *house) == 0  # the first start makes keys and database
    store = Store.open(tmp_path / "var" / "gateway.db", FixedClock(datetime(2026, 10, 14, 20, 1, tzinfo=UTC)))
    records.settle(store)
    with store.write() as tx:
        batch = records.batch(tx)
        records.request(tx, batch, transmitted_at=datetime(2026, 10, 14, 20, 0, tzinfo=UTC))
        records.request(tx, batch, ordinal=2, transmitted_at=tx.now)
        records.request(tx, batch, ordinal=3, state=RequestState.HELD)
    store.close()
    told = answer(capsys, "calendar", "--lot", batch.id, *house)["counts"]
    assert [(row["how"], row["statement"], row["authority"]) for row in told[:2]] == [
        ("sent", "2026-10-23", "official"),
        ("sent", "2026-11-06", "reconstructed"),
    ]
    assert told[2]["how"] == "waiting"
    assert call("calendar", "--lot", batch.id, *house) == 0
    assert (
        "1 request(s) handed over to sandbox, which count for the cut-off of 2026-10-14 16:00"
        in capsys.readouterr().out
    )


# -- nothing came --


def deposited(tx: Tx, *moments: datetime) -> None:
    batch = records.batch(tx)
    for number, moment in enumerate(moments):
        tx.session.add(
            Deposit(
                id=new_id("DEP"),
                batch_id=batch.id,
                endpoint="e",
                name=f"{number}",
                identity="i",
                mtime_ns=number,
                size=1,
                sha256="00",
                received_at=moment,
            )
        )


def test_an_agency_that_stopped_is_told_however_long_ago(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    records.settle(store)
    monday = datetime(2026, 3, 16, 14, tzinfo=UTC)
    with store.write() as tx:
        deposited(tx, *(monday + timedelta(weeks=n) for n in range(6)))
    clock.advance(datetime(2026, 9, 22, 14, tzinfo=UTC) - clock.now())
    with store.read() as tx:
        (told,) = silent(tx, load(tmp_path))
    assert (told["name"], told["last"], told["since"], told["learned"]) == (
        "Agence Laurier", "2026-04-20 10:00", "2026-04-27", True,
    )  # fmt: skip
    (tmp_path / "calendar.toml").write_text('[[rhythm]]\nagency = "Agence Laurier"\nweekdays = []\n', "utf-8")
    with store.read() as tx:
        assert silent(tx, load(tmp_path)) == []


def receivable(tx: Tx, handed_over: datetime) -> None:
    request = records.request(tx, records.batch(tx), transmitted_at=handed_over)
    changed(tx, table_of(Request).update().values(state=RequestState.RECEIVABLE))
    common = {"request_id": request.id, "batch_id": request.batch_id, "agency_id": records.AGENCY, "ordinal": 1}
    invoice = new_id("FAC")
    tx.session.add(Submission(**common, invoice_id=invoice, action="new", verdict="receivable"))
    tx.session.add(Invoice(**common, id=invoice, payer="sandbox"))


def test_a_payer_that_owes_a_statement_is_told_after_its_day(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    records.settle(store)
    (tmp_path / "calendar.toml").write_text(OWN, "utf-8")
    known = load(tmp_path)
    with store.write() as tx:
        receivable(tx, datetime(2026, 10, 14, 19, tzinfo=UTC))

    def told(day: int) -> list[str]:
        clock.advance(datetime(2026, 10, day, 14, tzinfo=UTC) - clock.now())
        with store.read() as tx:
            return [one["statement"] for one in silent(tx, known)]

    assert told(26) == []  # Friday's statement may take until Monday
    assert told(27) == ["2026-10-23"]
    with store.write() as tx:
        records.reply(tx, kind="statement", state=ReplyState.RECEIVED)
    assert told(28) == []


def test_what_came_after_the_cut_off_is_not_owed_yet_and_a_guessed_calendar_waits_a_cycle(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text(OWN, "utf-8")
    known, now = load(tmp_path), datetime(2026, 10, 27, 14, tzinfo=UTC)
    late = rhythm.Owed(1, datetime(2026, 10, 14, 20, 1, tzinfo=UTC))
    assert missing(known.of("sandbox"), late, None, now) is None
    guessed = known.of("other")
    owes = rhythm.Owed(1, datetime(2026, 9, 1, tzinfo=UTC))
    period = missing(guessed, owes, None, now)
    assert period is not None
    assert period.statement <= date(2026, 10, 27) - timedelta(days=guessed.every_days)
    assert missing(guessed, owes, rhythm.Spoken(period.statement, None), now) is None
