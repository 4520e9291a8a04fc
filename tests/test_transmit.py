"""Transmit: order, intent before act, success only from a receipt, and what each error means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.dying import Killed
from support.house import House, annu, paimt, zipped

from gateway import platform
from gateway.errors import Denied
from gateway.models import Accreditation, Attempt, Credential, Due, Invoice, Reply, Request
from gateway.stages.transmit import POINTS
from gateway.states import CredentialState, RequestState
from gateway.store import due, moves, requests


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


@pytest.fixture
def listening() -> Iterator[Callable[[str, Callable[[], None]], None]]:
    """Do something when the flow passes a point for the first time."""

    def at(point: str, act: Callable[[], None]) -> None:
        def listener(passed: str) -> None:
            if passed == point:
                platform.listen(None)
                act()

        platform.listen(listener)

    yield at
    platform.listen(None)


def die() -> None:
    raise Killed


def ready(house: House, *numbers: str) -> None:
    for number in numbers:
        (request,) = house.given(f"{number}.xml", paimt(number, first=f"{number}-1", second=f"{number}-2"))
        assert request.state == "READY"
        house.later(seconds=1)


def test_a_ready_request_reaches_the_payer_unchanged(house: House) -> None:
    ready(house, "D-1")
    assert house.sent().worked == 1
    request = house.request("D-1")
    assert house.at_the_payer() == {"D-1.xml": house.kept(request.archive_ref)}
    assert (request.state, request.transmitted_at) == ("TRANSMITTED", house.clock.now())
    assert request.answer_by == house.clock.now() + timedelta(hours=24)
    (attempt,) = house.all(Attempt)
    assert (attempt.record_id, attempt.number, attempt.outcome) == (request.id, 1, "delivered")
    assert attempt.receipt["sha256"] == request.sha256
    assert (request.lease_owner, request.lease_until) == (None, None)


def test_requests_of_a_lane_go_in_the_order_they_were_made(house: House) -> None:
    ready(house, "D-2", "D-1", "D-3")
    house.sent()
    assert list(house.at_the_payer()) == ["D-2.xml", "D-1.xml", "D-3.xml"]


def test_a_second_run_sends_nothing_again(house: House) -> None:
    ready(house, "D-1")
    house.sent()
    assert house.sent().worked == 0
    assert len(house.all(Attempt)) == 1


def test_what_is_there_already_is_not_sent_again(house: House) -> None:
    ready(house, "D-1")
    house.boxes.box["deposit:18001"].put("D-1.xml", house.kept(house.request("D-1").archive_ref))
    house.sent()
    assert house.request("D-1").state == "TRANSMITTED"
    assert house.all(Attempt)[0].outcome == "already_there"


def test_other_bytes_under_its_name_hold_it_and_the_next_one_goes(house: House) -> None:
    ready(house, "D-1", "D-2")
    house.boxes.box["deposit:18001"].put("D-1.xml", b"other")
    house.sent()
    assert house.states() == {"D-1": "HELD", "D-2": "TRANSMITTED"}
    assert house.request("D-1").reason == "name_taken"


def test_a_payer_out_of_reach_is_tried_again_later(house: House) -> None:
    ready(house, "D-1", "D-2")
    house.boxes.box["deposit:18001"].unreachable = True
    outcome = house.sent()
    request = house.request("D-1")
    assert (request.state, request.attempts) == ("READY", 1)
    assert request.next_try_at is not None
    assert outcome.retry_in == (request.next_try_at - house.clock.now()).total_seconds() > 0
    assert house.request("D-2").attempts == 0
    house.boxes.box["deposit:18001"].unreachable = False
    assert house.sent().worked == 0
    house.later(seconds=10)
    assert house.sent().worked == 2
    assert list(house.at_the_payer()) == ["D-1.xml", "D-2.xml"]


def test_waits_grow_with_the_tries(house: House) -> None:
    ready(house, "D-1")
    house.boxes.box["deposit:18001"].unreachable = True
    waits = []
    for _ in range(3):
        house.sent()
        request = house.request("D-1")
        assert request.next_try_at is not None
        waits.append(request.next_try_at - house.clock.now())
        house.later(seconds=waits[-1].total_seconds())
    assert waits == sorted(waits)
    assert waits[0] < waits[1] < waits[2]


def test_one_agencys_wrong_password_holds_its_lane_and_no_other(house: House) -> None:
    house.agency("AGE-2", "18002")
    house.account("personal:230002", "AGE-2")
    ready(house, "D-1", "D-2")
    text = paimt("D-3", sender="18002").replace("231234", "230002")
    house.given("c.xml", text, "SRC-2")
    house.boxes.box["deposit:18001"].deny = True
    house.sent("18001")
    house.sent("18002")
    assert house.states() == {"D-1": "HELD", "D-2": "HELD", "D-3": "TRANSMITTED"}
    assert house.request("D-2").reason == "denied"


def test_a_new_password_lets_the_lane_in_again(house: House) -> None:
    ready(house, "D-1", "D-2")
    house.boxes.box["deposit:18001"].deny = True
    house.sent()
    house.boxes.box["deposit:18001"].deny = False
    assert house.sent().worked == 0
    house.later(seconds=60)
    now = house.clock.now()
    house.add(
        Credential(
            id="CRE-1",
            payer="sandbox",
            number="18001",
            state=CredentialState.TEMPORARY,
            changed_at=now,
            created_at=now,
        )
    )
    house.sent()
    assert house.states() == {"D-1": "TRANSMITTED", "D-2": "TRANSMITTED"}


def test_a_lane_that_spares_the_last_password_attempt_waits_and_is_not_held(house: House) -> None:
    ready(house, "D-1")
    spent = Denied("two attempts this hour")
    spent.code = "attempts_spent"
    house.boxes.refusals["deposit:18001"] = spent
    assert house.sent().worked == 0
    assert (house.request("D-1").state, house.all(Attempt)) == ("READY", [])
    del house.boxes.refusals["deposit:18001"]
    house.sent()
    assert house.request("D-1").state == "TRANSMITTED"


def test_a_missing_password_holds_the_lane_before_anything_is_tried(house: House) -> None:
    ready(house, "D-1")
    missing = Denied("no password was given yet")
    missing.code = "password_missing"
    house.boxes.refusals["deposit:18001"] = missing
    house.sent()
    assert (house.request("D-1").holds, house.all(Attempt)) == (["password_missing"], [])


def test_a_doubtful_end_is_tried_again_where_the_first_answer_is_repeated(house: House) -> None:
    ready(house, "D-1")
    house.boxes.box["deposit:18001"].cut_after_commit = True
    house.sent()
    assert (house.request("D-1").state, house.all(Attempt)[0].outcome) == ("READY", "in_doubt")
    house.boxes.box["deposit:18001"].cut_after_commit = False
    house.later(seconds=10)
    house.sent()
    assert house.request("D-1").state == "TRANSMITTED"
    assert [attempt.outcome for attempt in house.all(Attempt)] == ["in_doubt", "already_there"]


def test_a_doubtful_end_holds_where_nothing_is_known_of_the_payer(house: House, tmp_path: Path) -> None:
    house.configure(tmp_path, on_repeat="unknown")
    ready(house, "D-1")
    house.boxes.box["deposit:18001"].cut_before_commit = True
    house.sent()
    request = house.request("D-1")
    assert (request.state, request.holds) == ("HELD", ["in_doubt"])
    with house.store.write() as tx:
        assert requests.release(tx, request, despite=[], reason="guess") == ["in_doubt"]


def test_a_doubtful_end_is_looked_at_again_where_deposits_stay(house: House, tmp_path: Path) -> None:
    house.configure(tmp_path, on_repeat="unknown", deposits="keeps")
    ready(house, "D-1")
    house.boxes.box["deposit:18001"].cut_before_commit = True
    house.sent()
    assert house.request("D-1").state == "READY"


@pytest.mark.parametrize("point", [p for p in POINTS if p not in ("transmit.answered", "transmit.failed")])
def test_a_request_arrives_once_when_the_process_dies(
    house: House, listening: Callable[[str, Callable[[], None]], None], point: str
) -> None:
    ready(house, "D-1", "D-2")
    listening(point, die)
    with pytest.raises(Killed):
        house.sent()
    house.sent()
    house.later(seconds=301)  # the dead worker's lease ends
    house.sent()
    house.later(seconds=60)
    house.sent()
    assert house.states() == {"D-1": "TRANSMITTED", "D-2": "TRANSMITTED"}
    assert sorted(house.at_the_payer()) == ["D-1.xml", "D-2.xml"]
    assert all(attempt.outcome for attempt in house.all(Attempt))


def test_nothing_overtakes_a_request_whose_worker_may_still_live(
    house: House, listening: Callable[[str, Callable[[], None]], None]
) -> None:
    ready(house, "D-1", "D-2")
    listening("transmit.intended", die)
    with pytest.raises(Killed):
        house.sent()
    outcome = house.sent()
    assert (outcome.worked, outcome.retry_in) == (0, 300.0)
    assert house.at_the_payer() == {}


def test_a_request_left_behind_is_held_where_nothing_can_be_known(
    house: House, tmp_path: Path, listening: Callable[[str, Callable[[], None]], None]
) -> None:
    house.configure(tmp_path, on_repeat="unknown")
    ready(house, "D-1")
    listening("transmit.intended", die)
    with pytest.raises(Killed):
        house.sent()
    house.later(seconds=301)
    house.sent()
    assert house.request("D-1").holds == ["in_doubt"]
    assert house.all(Attempt)[0].outcome == "abandoned"


def test_an_accreditation_withdrawn_just_before_the_commit_stops_the_request(
    house: House, listening: Callable[[str, Callable[[], None]], None]
) -> None:
    ready(house, "D-1", "D-2")
    listening("transmit.intended", lambda: withdraw(house))
    house.sent()
    assert house.at_the_payer() == {}
    assert [(r.state, r.holds) for r in house.all(Request)] == [("HELD", ["ACCOUNT_UNKNOWN"])] * 2


def withdraw(house: House) -> None:
    with house.store.write() as tx:
        accreditation = tx.session.get_one(Accreditation, "ACC-personal:231234-AGE-1")
        accreditation.superseded_at = tx.now


def test_a_worker_that_lost_its_lease_commits_nothing(
    house: House, listening: Callable[[str, Callable[[], None]], None]
) -> None:
    ready(house, "D-1")
    listening("transmit.intended", lambda: house.later(seconds=301))
    house.sent()
    assert house.at_the_payer() == {}
    assert house.request("D-1").state == "TRANSMITTING"
    house.sent()
    house.later(seconds=60)
    house.sent()
    assert house.request("D-1").state == "TRANSMITTED"


def test_an_answer_given_at_once_becomes_a_reply(house: House) -> None:
    ready(house, "D-1")
    house.boxes.box["deposit:18001"].answer = lambda name, data: ("D-1.recev.xml", b"<answer/>")
    with house.store.write() as tx:
        due.sync(tx, [("match", "sandbox:18001", 3600)])
    with house.store.write() as tx:
        due.claim(tx, "match", "sandbox:18001", owner="x")
        due.finish(tx, "match", "sandbox:18001", again_in=None, error=None)
    house.sent()
    (reply,) = [r for r in house.all(Reply) if r.state == "RECEIVED"]
    assert (reply.name, reply.payer, reply.number) == ("D-1.recev.xml", "sandbox", "18001")
    assert house.kept(reply.archive_ref) == b"<answer/>"
    assert house.request("D-1").state == "TRANSMITTED"
    assert house.all(Due)[0].next_run == house.clock.now()


def test_a_request_without_an_answer_is_repeated_once_and_then_held(house: House) -> None:
    ready(house, "D-1")
    house.sent()
    house.boxes.box["deposit:18001"].files.clear()  # the payer swallowed it
    house.later(hours=24)
    house.sent()
    request = house.request("D-1")
    assert (request.state, request.repeats, request.attempts) == ("TRANSMITTED", 1, 2)
    house.later(hours=24)
    house.sent()
    assert (house.request("D-1").state, house.request("D-1").holds) == ("HELD", ["no_reply"])


def test_a_request_without_an_answer_is_held_where_a_repeat_may_count_twice(house: House, tmp_path: Path) -> None:
    house.configure(tmp_path, on_repeat="processes_again")
    ready(house, "D-1")
    house.sent()
    house.later(hours=24)
    house.sent()
    assert house.request("D-1").holds == ["no_reply"]
    assert len(house.all(Attempt)) == 1


def test_a_cancellation_waits_while_another_request_about_its_invoice_is_unanswered(house: House) -> None:
    ready(house, "D-1")
    with house.store.write() as tx:
        for invoice, number in zip(house.all(Invoice), ("00000000101", "00000000102"), strict=True):
            tx.session.get_one(Invoice, invoice.id).no_fact_ramq = number
    for number in ("A-1", "A-2"):
        house.given(f"{number}.xml", annu(number))
        house.later(seconds=1)
    house.sent()
    assert house.states() | {"D-1": ""} == {"D-1": "", "A-1": "TRANSMITTED", "A-2": "READY"}
    assert house.sent().worked == 0
    with house.store.write() as tx:
        moves.move(tx, house.request("A-1"), RequestState.RECEIVABLE, "answered")
    house.sent()
    assert house.request("A-2").state == "TRANSMITTED"


def test_a_lost_archive_holds_one_request_and_stops_no_other(house: House) -> None:
    ready(house, "D-1", "D-2")
    house.archive.erase(house.request("D-1").batch_id)
    house.sent()
    assert house.states() == {"D-1": "HELD", "D-2": "TRANSMITTED"}


def test_a_cancelled_request_never_goes(house: House) -> None:
    ready(house, "D-1")
    with house.store.write() as tx:
        requests.cancel(tx, house.request("D-1"), reason="no longer wanted")
    assert house.sent().worked == 0
    assert house.at_the_payer() == {}


def test_every_number_of_the_registry_is_a_lane(house: House) -> None:
    house.agency("AGE-2", "18002")
    assert [(e.name, e.every) for e in house.transmit.endpoints(house.rooms)] == [
        ("sandbox:18001", 60.0),
        ("sandbox:18002", 60.0),
    ]


def test_the_way_out_is_the_same_on_every_database(address: Path | str, tmp_path: Path) -> None:
    house = House(tmp_path, address)
    ready(house, "D-1")
    (held,) = house.given("lot.zip", zipped(a=paimt("D-2", first="F-8", second="F-9", sender="18777")))
    (again,) = house.given("again.zip", zipped(a=paimt("D-1", first="D-1-1", second="D-1-2")))
    (reused,) = house.given("third.xml", paimt("D-3", first="D-1-1", second="F-7"))
    assert (held.holds, again.reason, reused.holds) == (
        ["NUMBER_UNKNOWN"],
        "REQUEST_REPEATED",
        ["INVOICE_NUMBER_REUSED"],
    )
    house.number("18777", "AGE-1")
    house.judged()
    with house.store.write() as tx:
        requests.hold(tx, house.request("D-3"), reason="ask the agency")
    assert [house.sent("18001").worked, house.sent("18777").worked] == [1, 1]
    house.deposit("again.xml", paimt("D-1", first="D-1-1", second="D-1-2"))
    house.collected()
    assert "same_as" in house.replies("receipt")[-1].facts
    assert sorted(r.state for r in house.all(Request)) == ["HELD", "REFUSED", "TRANSMITTED", "TRANSMITTED"]
    house.later(hours=25)
    assert house.sent().worked == 2  # an answer is overdue: the same document goes once more
    house.close()
