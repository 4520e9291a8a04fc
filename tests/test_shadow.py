"""Shadow mode: everything but sending, answers given by hand, and a switch after which nothing old goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from support.command import call
from support.house import paimt
from support.returns import Fact, ReturnHouse, recev, statement

from gateway.cli.shadow import held, total
from gateway.errors import Denied
from gateway.models import Agency, Attempt, Event, Parcel, Reply
from gateway.registry import Book
from gateway.registry.entering import may_enter
from gateway.stages.receive import feed
from gateway.states import RequestState
from gateway.store import moves, requests, shadow
from gateway.store.shadow import LIVE, SHADOW, Seen

RECEIVABLE = recev("D-1", Fact("F-1", "00000000101"), Fact("F-2", "00000000102", code="9999"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    switch(house, SHADOW)
    yield house
    house.close()


def switch(house: ReturnHouse, to: str) -> None:
    with house.store.write() as tx:
        shadow.switch(tx, tx.session.get_one(Agency, "AGE-1"), to, {"said": "a test"})


def fed(house: ReturnHouse, folder: Path, name: str, data: str) -> list[Reply]:
    """Given by hand and matched: the replies that came of it."""
    before = {reply.id for reply in house.all(Reply)}
    (folder / name).write_text(data, encoding="utf-8")
    feed(house.rooms, "sandbox", "18001", folder / name, name)
    house.matched()
    return [reply for reply in house.all(Reply) if reply.id not in before]


def seen(house: ReturnHouse) -> Seen:
    with house.store.read() as tx:
        one = tx.session.get_one(Agency, "AGE-1")
        return shadow.seen(tx, one, held(Book.load(tx), one, house.clock.now().date()))


def test_a_request_in_shadow_comes_to_the_payers_door_and_no_further(house: ReturnHouse) -> None:
    house.boxes.refusals["deposit:18001"] = Denied("nobody may even log in")
    (request,) = house.given("D-1.xml", paimt("D-1"))
    assert house.sent().worked == 1
    assert (house.request("D-1").state, house.all(Attempt)) == ("SHADOWED", [])
    (event,) = [e for e in house.all(Event) if e.to_state == "SHADOWED"]
    assert event.detail == {"name": "D-1.xml", "size": request.wire_size, "sha256": request.wire_sha256}
    assert house.sent().worked == 0


def test_what_the_payer_left_is_not_fetched_in_shadow(house: ReturnHouse) -> None:
    house.left("D-1.recev.xml", RECEIVABLE)
    assert house.fetched().worked == 0
    assert house.at_the_payer_for_us() == ["D-1.recev.xml"]
    with pytest.raises(Denied, match="in shadow"):
        may_enter(house.store, house.clock, "sandbox", "18001")
    switch(house, LIVE)
    may_enter(house.store, house.clock, "sandbox", "18001")


def test_another_agency_goes_on(house: ReturnHouse) -> None:
    house.agency("AGE-2", "18002")
    house.account("personal:230002", "AGE-2")
    house.given("a.xml", paimt("D-1"))
    house.given("b.xml", paimt("D-2", sender="18002").replace("231234", "230002"), "SRC-2")
    house.sent("18001")
    house.sent("18002")
    assert house.states() == {"D-1": "SHADOWED", "D-2": "TRANSMITTED"}


def test_an_objection_of_the_registry_or_altered_bytes_hold_it_as_ever(house: ReturnHouse) -> None:
    house.given("D-1.xml", paimt("D-1"))
    house.archive.erase(house.request("D-1").batch_id)
    house.sent()
    assert (house.request("D-1").state, house.request("D-1").holds) == ("HELD", ["not_readable"])


def test_nothing_deposited_in_shadow_ever_goes_whatever_state_it_waits_in(house: ReturnHouse) -> None:
    house.given("D-1.xml", paimt("D-1", first="A-1", second="A-2"))
    house.sent()
    house.given("D-2.xml", paimt("D-2", first="B-1", second="B-2"))  # READY at the switch
    house.given("D-3.xml", paimt("D-3", first="C-1", second="C-2"))
    with house.store.write() as tx:
        requests.hold(tx, house.request("D-3"), reason="HELD at the switch")
    house.deposit("D-4.xml", paimt("D-4", first="D-1", second="D-2"))
    house.collected()  # COLLECTED at the switch
    switch(house, LIVE)
    house.judged()
    with house.store.write() as tx:
        requests.release(tx, house.request("D-3"), despite=[], reason="after the switch")
    house.sent()
    assert house.states() == dict.fromkeys(("D-1", "D-2", "D-3", "D-4"), "SHADOWED")
    house.given("D-5.xml", paimt("D-5", first="E-1", second="E-2"))
    house.sent()
    assert list(house.at_the_payer()) == ["D-5.xml"]


def test_the_same_lot_again_after_the_switch_is_a_repeat_and_goes_once_it_is_withdrawn(house: ReturnHouse) -> None:
    house.given("D-1.xml", paimt("D-1"))
    house.sent()
    switch(house, LIVE)
    house.given("again.xml", paimt("D-1"))
    house.sent()
    assert house.at_the_payer() == {}
    with house.store.write() as tx:
        requests.cancel(tx, house.request("D-1"), reason="the other gateway never sent it")
    house.given("again.xml", paimt("D-1"))
    house.sent()
    assert list(house.at_the_payer()) == ["D-1.xml"]


def test_what_was_ready_when_the_agency_went_into_shadow_rests_too(house: ReturnHouse) -> None:
    switch(house, LIVE)
    house.given("D-1.xml", paimt("D-1"))
    switch(house, SHADOW)
    house.sent()
    assert (house.request("D-1").state, house.at_the_payer()) == ("SHADOWED", {})


def test_a_dead_workers_request_is_left_to_a_person_in_shadow(house: ReturnHouse) -> None:
    switch(house, LIVE)
    house.given("D-1.xml", paimt("D-1"))
    with house.store.write() as tx:
        moves.take(tx, house.request("D-1"), RequestState.TRANSMITTING, "sending", owner="dead", seconds=1, attempts=1)
    switch(house, SHADOW)
    house.later(seconds=10)
    house.sent()
    assert (house.request("D-1").state, house.request("D-1").holds) == ("HELD", ["in_doubt"])


def test_an_answer_given_by_hand_gives_its_verdict_and_the_report_tells_the_differences(
    house: ReturnHouse, tmp_path: Path
) -> None:
    for number, first, second in (("D-1", "F-1", "F-2"), ("D-2", "F-3", "F-4"), ("D-3", "F-5", "F-6")):
        house.given(f"{number}.xml", paimt(number, first=first, second=second))
    house.sent()
    fed(house, tmp_path, "D-1.recev.xml", RECEIVABLE)
    fed(house, tmp_path, "D-2.recev.xml", recev("D-2", Fact("F-3"), Fact("F-4"), code="9998"))
    fed(house, tmp_path, "D-9.recev.xml", recev("D-9", Fact("F-9", "00000000109")))  # never deposited here
    assert house.states() == {"D-1": "RECEIVABLE", "D-2": "NOT_RECEIVABLE", "D-3": "SHADOWED"}
    told = seen(house)
    assert total(told, "SHADOWED", "RECEIVABLE", "NOT_RECEIVABLE")[:2] == (3, 6)
    assert (told.refused_invoices, told.differing, told.doubtful) == (1, ["D-2"], {"request_unknown": 1})
    assert [e.actor for e in house.all(Event) if e.reason == "fed"] == ["system"] * 3


def test_a_statement_given_by_hand_is_reconciled_and_two_of_different_days_are_enough(
    house: ReturnHouse, tmp_path: Path
) -> None:
    house.given("D-1.xml", paimt("D-1"))
    house.sent()
    (first,) = fed(house, tmp_path, "EC_18001_1.xml", statement("EC-2026-000101"))
    assert (first.state, first.agency_id) == ("MATCHED", "AGE-1")
    told = seen(house)
    assert (len(told.statements), told.enough) == (1, False)
    assert told.strangers > 0
    day = told.statements[0]
    later = date.fromordinal(day.toordinal() + 14)
    fed(house, tmp_path, "EC_18001_2.xml", statement("EC-2026-000102").replace(day.isoformat(), later.isoformat()))
    assert seen(house).enough


def test_what_was_given_before_changes_nothing(house: ReturnHouse, tmp_path: Path) -> None:
    house.given("D-1.xml", paimt("D-1"))
    house.sent()
    assert len(fed(house, tmp_path, "D-1.recev.xml", RECEIVABLE)) == 1
    assert fed(house, tmp_path, "D-1.recev.xml", RECEIVABLE) == []
    assert len(house.all(Parcel)) == 1


REGISTRY = """
[[agency]]
name = "A"
kind = "commercial"
payers = ["sandbox"]
migrated_on = 2016-07-01
transmit = "shadow"
[[agency.number]]
payer = "sandbox"
number = "18001"
from = 2016-07-01
"""
PAYER = '[[payer]]\nname = "sandbox"\nformats = ["ramq-rfp"]\nkind = "folder"\nenvironment = "test"\n'


def test_going_live_is_told_in_numbers_and_wants_a_name_before_two_cycles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEWAY_ACTOR", raising=False)
    (tmp_path / "gateway.toml").write_text(PAYER, encoding="utf-8")
    registry = tmp_path / "registry.toml"
    registry.write_text(REGISTRY, encoding="utf-8")
    at = ("--config", str(tmp_path / "gateway.toml"), "--lang", "en")
    assert call("registry", "apply", registry, *at) == 0
    registry.write_text(REGISTRY.replace('"shadow"', '"live"'), encoding="utf-8")
    assert call("registry", "apply", registry, *at) == 1
    assert "gateway shadow live" in capsys.readouterr().out
    (tmp_path / "D-1.recev.xml").write_text(RECEIVABLE, encoding="utf-8")
    assert call("feed", tmp_path / "D-1.recev.xml", "--agency", "A", *at) == 0
    assert call("feed", tmp_path / "D-1.recev.xml", "--agency", "A", "--number", "18009", *at) == 2
    assert call("shadow", "live", "A", "--reason", "we hurry", "--yes", *at) == 2
    assert "0 payment cycle(s) seen of 2" in capsys.readouterr().err
    assert call("shadow", "live", "A", "--reason", "we hurry", "--actor", "Ève", *at) == 2
    captured = capsys.readouterr()
    assert "WARNING" in captured.out
    assert "will never be sent from here: 0 request(s)" in captured.out
    assert call("shadow", "live", "A", "--reason", "we hurry", "--actor", "Ève", "--yes", *at) == 0
    assert call("shadow", "live", "A", "--reason", "again", "--actor", "Ève", "--yes", *at) == 2
    assert call("feed", tmp_path / "D-1.recev.xml", "--agency", "A", *at) == 2
    assert call("shadow", "start", "A", "--reason", "back", "--yes", *at) == 0
    capsys.readouterr()
    assert call("shadow", "report", "--json", *at) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["agency"], told["transmit"], told["cycles"]) == (
        "A",
        SHADOW,
        {"seen": 0, "wanted": 2, "enough": False},
    )
    assert call("shadow", "report", *at[:-1], "fr") == 0
    assert "Cycles de paiement vus : 0 sur 2" in capsys.readouterr().out
