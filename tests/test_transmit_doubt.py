"""What is in doubt: looked for a few times, decided by what is seen, and never sent again by a guess."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.house import House, paimt

from gateway.models import Attempt, Event
from gateway.stages.transmit import doubt
from gateway.store import moves, requests


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, on_repeat="unknown", deposits="unknown")
    yield house
    house.close()


def doubted(house: House, fault: str) -> None:
    """A request whose line was cut at the rename."""
    house.given("D-1.xml", paimt("D-1"))
    box = house.boxes.box["deposit:18001"]
    setattr(box, fault, True)
    house.sent()
    setattr(box, fault, False)
    assert (house.request("D-1").state, house.request("D-1").holds) == ("HELD", ["in_doubt"])


def seen(house: House) -> list[str]:
    """What the looks of every attempt saw."""
    return [look["saw"] for attempt in house.all(Attempt) for look in attempt.looks]


def test_an_attempt_tells_how_many_bytes_left_what_was_seen_and_its_receipt(house: House) -> None:
    (request,) = house.given("D-1.xml", paimt("D-1"))
    house.sent()
    (attempt,) = house.all(Attempt)
    assert attempt.bytes_sent == attempt.size == request.wire_size
    assert attempt.looks == [{"at": house.clock.now().isoformat(), "saw": "absent"}]
    assert (attempt.sha256, attempt.receipt["verified"]) == (request.wire_sha256, "hash")


def test_what_lay_there_before_cost_no_byte(house: House) -> None:
    (request,) = house.given("D-1.xml", paimt("D-1"))
    house.boxes.box["deposit:18001"].put("D-1.xml", house.kept(request.archive_ref))
    house.sent()
    (attempt,) = house.all(Attempt)
    assert (attempt.outcome, attempt.bytes_sent) == ("already_there", 0)
    assert attempt.looks[0] | {"at": ""} == {"at": "", "saw": "there", "proof": "hash"}


def test_a_request_in_doubt_that_lies_there_is_delivered(house: House) -> None:
    doubted(house, "cut_after_commit")
    assert house.sent().worked == 0  # its moment has not come
    house.later(seconds=10)
    assert house.sent().worked == 1
    request = house.request("D-1")
    assert (request.state, request.holds, request.next_try_at) == ("TRANSMITTED", [], None)
    assert request.answer_by is not None
    assert seen(house) == ["absent", "there"]
    assert [e.reason for e in house.all(Event) if e.to_state == "TRANSMITTED"] == ["proved_delivered"]


def test_absence_proves_nothing_and_a_person_is_left_with_it_after_a_few_looks(house: House) -> None:
    doubted(house, "cut_before_commit")
    for _ in range(doubt.MOST + 3):
        house.later(hours=2)
        assert house.sent().worked == 0
    request = house.request("D-1")
    assert (request.state, request.holds, request.next_try_at) == ("HELD", ["in_doubt"], None)
    assert seen(house) == ["absent"] * (doubt.MOST + 1)
    assert house.at_the_payer() == {}


def test_absence_is_proof_once_the_payer_is_known_to_keep_deposits(house: House, tmp_path: Path) -> None:
    doubted(house, "cut_before_commit")
    house.configure(tmp_path, on_repeat="unknown", deposits="keeps")
    house.later(seconds=10)
    house.sent()
    assert house.request("D-1").state == "TRANSMITTED"
    assert [attempt.outcome for attempt in house.all(Attempt)] == ["in_doubt", "delivered"]


def test_other_bytes_under_its_name_are_for_a_person(house: House) -> None:
    doubted(house, "cut_before_commit")
    house.boxes.box["deposit:18001"].put("D-1.xml", b"other")
    house.later(seconds=10)
    house.sent()
    assert house.request("D-1").holds == ["name_taken"]
    assert seen(house) == ["absent", "other_bytes"]


@pytest.mark.parametrize("fault", ["unreachable", "deny"])
def test_where_nobody_can_look_the_next_look_waits(house: House, fault: str) -> None:
    doubted(house, "cut_after_commit")
    house.later(seconds=10)
    setattr(house.boxes.box["deposit:18001"], fault, True)
    house.sent()
    setattr(house.boxes.box["deposit:18001"], fault, False)
    house.later(minutes=30)
    assert house.sent().worked == 0
    house.later(minutes=31)
    house.sent()
    assert house.request("D-1").state == "TRANSMITTED"


def test_what_a_person_holds_too_is_not_looked_for(house: House) -> None:
    doubted(house, "cut_after_commit")
    with house.store.write() as tx:
        requests.hold(tx, house.request("D-1"), reason="the agency asked")
    house.later(hours=1)
    assert house.sent().worked == 0


def test_an_answer_that_came_first_wins_over_a_look(house: House) -> None:
    doubted(house, "cut_after_commit")
    stale = house.request("D-1")
    with house.store.write() as tx:
        moves.move(tx, house.request("D-1"), requests.RequestState.RECEIVABLE, "answered", holds=[], next_try_at=None)
    lane = doubt.Lane(house.rooms, house.rooms.config.payer("sandbox"), "18001")
    with house.rooms.mailboxes.payer_deposit("sandbox", "18001") as box:
        assert doubt.resolve(lane, box, stale) == 1
    assert house.request("D-1").state == "RECEIVABLE"
