"""Statements on paper: which are expected, which came, which are late; a matched one is handed to its owner only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from support.command import call
from support.registry import ONE_AGENCY, PAYER, one_agency
from support.returns import Fact, ReturnHouse, parcel, recev, statement

from gateway.app import open_app
from gateway.config import load
from gateway.models import Accreditation, Event, PaperStatement, StatementCoordinates
from gateway.registry import Book
from gateway.registry.paper import Expected, expected
from gateway.resident import recover
from gateway.store import moves, paper

ACCOUNT = "personal:231234"
SCAN = b"%PDF- canari-9c2e"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    house.agency("AGE-2", "18002")
    yield house
    house.close()


def awaited(house: ReturnHouse, day: date) -> list[Expected]:
    with house.store.read() as tx:
        found = expected(Book.load(tx), day, paper.last(tx), paper.waiting(tx), timedelta(days=180))
        return list(found)


def on_paper(house: ReturnHouse) -> None:
    facts = {"account_id": ACCOUNT, "route": "paper", "valid_from": date(2020, 1, 1)}
    house.add(StatementCoordinates(id="SCO-1", recorded_at=house.clock.now(), **facts))


def receivable(house: ReturnHouse) -> None:
    """An invoice that the payer found receivable, handed over on October 1st."""
    house.transmitted("D-1", ["F-1"], account=ACCOUNT, transmitted_at=house.clock.now())
    house.answered("D-1.recev.xml", recev("D-1", Fact("F-1", "00000000101")))


def came(house: ReturnHouse, received: date) -> None:
    with house.store.write() as tx:
        facts = {"account": ACCOUNT, "agency_id": "AGE-1", "dated": date(2026, 10, 8), "number": "P-1", "cents": 1}
        row = PaperStatement(id="PAP-1", received_on=received, recorded_at=tx.now, recorded_by="Rose", **facts)
        paper.add(tx, row)


def test_paper_is_expected_where_statements_go_on_paper_and_waited_for_once_an_invoice_is(house: ReturnHouse) -> None:
    assert awaited(house, date(2026, 10, 1)) == []
    on_paper(house)
    (one,) = awaited(house, date(2026, 11, 20))
    assert (one.account, one.agency_id, one.why.code) == (ACCOUNT, "AGE-1", "STATEMENT_ON_PAPER")
    assert (one.waits_since, one.days(date(2026, 11, 20))) == (None, 0)
    receivable(house)
    (one,) = awaited(house, date(2026, 11, 20))
    assert (one.waits_since, one.days(date(2026, 11, 20))) == (date(2026, 10, 1), 50)
    came(house, date(2026, 11, 10))
    (one,) = awaited(house, date(2026, 11, 20))
    assert one.days(date(2026, 11, 20)) == 10
    with house.store.read() as tx:
        assert moves.verify_chain(tx) is None


def test_an_account_that_left_and_came_back_is_expected_on_paper_until_the_window_is_over(house: ReturnHouse) -> None:
    now = house.clock.now()
    with house.store.write() as tx:
        tx.session.get_one(Accreditation, f"ACC-{ACCOUNT}-AGE-1").superseded_at = tx.now
    stays = [("AGE-1", date(2016, 7, 1), date(2026, 6, 30)), ("AGE-2", date(2026, 7, 1), date(2026, 8, 31))]
    for n, (agency, first, last) in enumerate([*stays, ("AGE-1", date(2026, 9, 1), None)]):
        days = {"valid_from": first, "valid_to": last, "recorded_at": now}
        house.add(Accreditation(id=f"ACC-{n}", account_id=ACCOUNT, agency_id=agency, **days))
    (one,) = awaited(house, date(2026, 10, 1))
    assert (one.agency_id, one.why.code) == ("AGE-1", "SWITCHED_ACCREDITATION")
    assert awaited(house, date(2027, 6, 1)) == []


def test_what_was_matched_and_is_owed_no_longer_is_held_before_anything_is_handed_over(house: ReturnHouse) -> None:
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    (reply,) = house.replies("statement")
    assert reply.state == "MATCHED"
    with house.store.write() as tx:
        tx.session.get_one(Accreditation, f"ACC-{ACCOUNT}-AGE-1").superseded_at = tx.now
    house.accredit(ACCOUNT, "AGE-2", date(2016, 7, 1))
    house.distributed("SRC-1")
    assert (house.now(reply).state, house.now(reply).reason) == ("HELD", "no_longer_owed")
    assert not [name for name in house.at_the_agency("SRC-1") if name.startswith("etat_")]


# -- the command --

ON_PAPER = """
[[account]]
id = "personal:231234"
kind = "personal"
practitioners = ["231234"]
[[accreditation]]
account = "personal:231234"
agency = "A"
from = 2020-01-01
[[statement_coordinates]]
account = "personal:231234"
route = "paper"
from = 2020-01-01
"""


def test_a_paper_statement_is_noted_once_with_its_scan_sealed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = one_agency(tmp_path, ONE_AGENCY + ON_PAPER, PAYER)
    (tmp_path / "scan.pdf").write_bytes(SCAN)

    def said(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert call("statement", "paper", *words, *at) == code
        out = capsys.readouterr()
        return out.out + out.err

    assert "expected: personal:231234" in said("list")
    note = ("record", "personal:231234", "--dated", "2026-03-05", "--number", "P-7", "--amount")
    scan = ("--scan", str(tmp_path / "scan.pdf"), "--entries", "3", "--actor", "Rose")
    assert "noted" in said(*note, "-1 234,50", *scan)
    assert "noted already" in said(*note, "5", code=2)
    for wrong, why in (("1.005", "no amount"), ("beaucoup", "no amount"), ("NaN", "no amount")):
        assert why in said(
            "record", "personal:231234", "--dated", "2026-03-06", "--number", "P-8", "--amount", wrong, code=2
        )
    for account, why in (("231234", "is no account"), ("admin:12345", "not in the registry")):
        assert why in said("record", account, "--dated", "2026-03-06", "--number", "P-8", "--amount", "1", code=2)
    future = ("--dated", "2126-03-06", "--number", "P-8", "--amount", "1")
    assert "comes in the future" in said("record", "personal:231234", *future, code=2)
    before = ("--dated", "2019-03-06", "--number", "P-8", "--amount", "1")
    assert "not owed" in said("record", "personal:231234", *before, code=2)
    assert "noted" in said("record", "personal:231234", *before, "--agency", "A")
    told = json.loads(said("list", "--json"))
    assert [(row["cents"], row["entries"], row["scan"]) for row in told["arrived"]] == [
        (100, None, False),
        (-123450, 3, True),
    ]
    assert told["expected"][0]["last"] == "2026-03-05"
    row = told["arrived"][1]
    out = tmp_path / "out.pdf"
    assert not any(SCAN in file.read_bytes() for file in (tmp_path / "var").rglob("*") if file.is_file())
    with open_app(load(tmp_path / "gateway.toml")) as app:
        recover(app)  # what the archive holds for it is known
        with app.store.read() as tx:
            assert moves.verify_chain(tx) is None
            events = [e.reason for e in tx.session.exec(select(Event)) if e.record_kind == "paper_statement"]
    assert events == ["paper_arrived", "paper_arrived"]
    said("scan", row["id"], "--out", str(out))
    assert out.read_bytes() == SCAN
    assert said("scan", told["arrived"][0]["id"], "--out", str(out), code=2)
