"""A payer's breaker: tripped by silence, tried by one, reset for all by the first answer; and turns in lanes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.house import House, annu, paimt, zipped
from support.returns import ReturnHouse

from gateway.errors import NoAnswer, Unreachable
from gateway.models import Attempt, Breaker, Due, Invoice
from gateway.stages.loop import WorkLoop
from gateway.stages.transmit import lane
from gateway.stages.transmit.send import send
from gateway.states import RequestState
from gateway.store import breakers, due, moves

OTHER = {"sender": "18002"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    house.agency("AGE-2", "18002")
    house.account("personal:230002", "AGE-2")
    yield house
    house.close()


def other(number: str) -> str:
    """A request of the second agency."""
    return paimt(number, first=f"{number}-1", second=f"{number}-2", sender="18002").replace("231234", "230002")


def switched_off(house: House, off: bool = True) -> None:
    for box in ("deposit:18001", "deposit:18002", "returns:18001", "returns:18002"):
        house.boxes.box[box].silent = off


def silences(house: ReturnHouse) -> None:
    """The breaker is tripped: the payer's server has not answered, whoever asked."""
    switched_off(house)
    for number in ("18001", "18002", "18001"):
        with suppress(NoAnswer):
            house.fetched(number)
    (breaker,) = house.all(Breaker)
    assert (breaker.payer, breaker.failures) == ("sandbox", breakers.TRIPS)


def test_a_shut_door_is_tried_by_nobody_until_its_time(house: ReturnHouse) -> None:
    silences(house)
    house.given("a.xml", paimt("D-1"))
    house.given("b.xml", other("D-2"), "SRC-2")
    outcomes = [house.sent("18001"), house.sent("18002"), house.fetched("18001")]
    assert {outcome.retry_in for outcome in outcomes} == {30.0}
    assert house.all(Attempt) == []
    assert house.states() == {"D-1": "READY", "D-2": "READY"}


def test_one_tries_it_and_who_comes_meanwhile_waits(house: ReturnHouse) -> None:
    silences(house)
    house.later(seconds=31)
    with house.store.write() as tx:
        assert breakers.probe(tx, "sandbox")
    with house.store.write() as tx:
        assert not breakers.probe(tx, "sandbox")
    assert house.fetched("18001").retry_in == 120.0
    house.later(seconds=121)  # who tried it died
    with pytest.raises(NoAnswer):
        house.fetched("18001")
    assert house.fetched("18002").retry_in == 60.0  # longer than the first time


def test_an_answer_opens_it_and_wakes_everybody_who_waits(house: ReturnHouse) -> None:
    silences(house)
    rows = [("transmit", "sandbox:18001", 60), ("receive", "sandbox:18002", 60), ("transmit", "sandbox2:18001", 60)]
    with house.store.write() as tx:
        due.sync(tx, rows)
    for stage, endpoint, _ in rows:
        with house.store.write() as tx:
            due.claim(tx, stage, endpoint, owner="x")
            due.finish(tx, stage, endpoint, again_in=None, error=None)
    switched_off(house, off=False)
    house.later(seconds=31)
    house.given("a.xml", paimt("D-1"))
    house.sent("18001")
    assert house.all(Breaker) == []
    woken = {(row.stage, row.endpoint) for row in house.all(Due) if row.next_run <= house.clock.now()}
    assert woken == {("transmit", "sandbox:18001"), ("receive", "sandbox:18002")}
    assert house.request("D-1").state == "TRANSMITTED"


def test_a_probe_spends_one_request(house: ReturnHouse) -> None:
    silences(house)
    for number in ("D-1", "D-2"):
        house.given(f"{number}.xml", paimt(number, first=f"{number}-1", second=f"{number}-2"))
    house.later(seconds=31)
    house.sent("18001")
    assert [attempt.outcome for attempt in house.all(Attempt)] == ["unreachable"]


@pytest.mark.parametrize("fault", ["unreachable", "deny"])
def test_one_mailbox_in_trouble_or_a_refused_password_trips_nothing(house: ReturnHouse, fault: str) -> None:
    setattr(house.boxes.box["deposit:18001"], fault, True)
    house.given("a.xml", paimt("D-1"))
    for _ in range(2 * breakers.TRIPS):
        house.sent("18001")
        house.later(hours=2)
    assert house.all(Breaker) == []
    house.given("b.xml", other("D-2"), "SRC-2")
    house.sent("18002")
    assert house.request("D-2").state == "TRANSMITTED"


def test_silences_count_only_in_a_row(house: ReturnHouse) -> None:
    for _ in range(2 * breakers.TRIPS):
        switched_off(house)
        with suppress(NoAnswer, Unreachable):
            house.fetched("18001")
        switched_off(house, off=False)
        house.fetched("18002")
    assert house.all(Breaker) == []


def test_an_agency_with_much_to_send_gives_way_to_one_with_little(
    house: ReturnHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "TURN_REQUESTS", 3)
    much = {f"m{n}": paimt(f"M-{n:02d}", first=f"M{n}-1", second=f"M{n}-2") for n in range(14)}
    house.given("much.zip", zipped(**much))
    house.given("little.zip", zipped(**{f"l{n}": other(f"L-{n}") for n in range(2)}), "SRC-2")
    house.configure(tmp_path, gateway={"workers": 1})
    loop = WorkLoop(house.rooms, [house.transmit])
    sent: list[str] = []
    try:
        while "READY" in house.states().values():
            loop.tick()
            sent += sorted(
                number for number, state in house.states().items() if state != "READY" and number not in sent
            )
    finally:
        loop.close()
    last_little, last_much = max(sent.index(f"L-{n}") for n in range(2)), sent.index("M-13")
    assert last_little < last_much
    assert len([n for n in sent[:last_little] if n.startswith("M")]) <= 2 * 3


def test_alone_it_sends_everything_in_one_turn(house: ReturnHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "TURN_REQUESTS", 1)
    house.given("lot.zip", zipped(**{f"m{n}": paimt(f"M-{n}", first=f"M{n}-1", second=f"M{n}-2") for n in range(3)}))
    assert house.sent().worked == 3


def test_the_earliest_limit_goes_first(house: ReturnHouse) -> None:
    house.given("a.xml", paimt("D-1", first="A-1", second="A-2"))
    house.later(seconds=1)
    house.given("b.xml", paimt("D-2", first="B-1", second="B-2").replace("2026-09-1", "2026-09-0"))
    house.sent()
    assert list(house.at_the_payer()) == ["D-2.xml", "D-1.xml"]


def test_of_two_about_the_same_invoice_the_older_one_goes_first_whatever_the_limits(house: ReturnHouse) -> None:
    house.given("D-1.xml", paimt("D-1"))
    house.sent()
    with house.store.write() as tx:
        moves.move(tx, house.request("D-1"), RequestState.RECEIVABLE, "answered")
        for invoice, number in zip(house.all(Invoice), ("00000000101", "00000000102"), strict=True):
            tx.session.get_one(Invoice, invoice.id).no_fact_ramq = number
    for number in ("A-1", "A-2"):
        house.given(f"{number}.xml", annu(number))
        house.later(seconds=1)
    line = lane.Lane(house.rooms, house.rooms.config.payer("sandbox"), "18001")
    with house.rooms.mailboxes.payer_deposit("sandbox", "18001") as box:
        younger = house.request("A-2")
        assert send(line, box, younger) == 0
    house.sent()
    assert (house.request("A-1").state, house.request("A-2").state) == ("TRANSMITTED", "READY")
