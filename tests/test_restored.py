"""After a restoration nothing that already went is sent again: payers are asked first, and what is in doubt is held."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults import documents, lives
from faults.house import House as OnDisk
from faults.house import opened, template
from support.command import call
from support.dying import Killed, die_at
from support.house import House, paimt

from gateway import platform
from gateway.config import load
from gateway.errors import Denied
from gateway.models import Agency, Attempt
from gateway.resident import working
from gateway.stages import restored
from gateway.stages.restored import POINTS
from gateway.states import RequestState
from gateway.store import moves, requests, shadow


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()
    platform.listen(None)


def released(house: House) -> dict[str, str]:
    """Ask and decide; each request's number and verdict."""
    verdicts = {}
    for one in restored.ask(house.rooms):
        restored.decide(house.rooms, one)
        verdicts[str(one.request.no_dem_ext)] = one.verdict
    return verdicts


def forgets(house: House, number: str) -> None:
    """The database is one of before the request went."""
    with house.store.write() as tx:
        request = requests.get(tx, house.request(number).id)
        assert request is not None
        moves.move(tx, request, RequestState.READY, "repeat", transmitted_at=None, attempts=0)


def keeping(house: House, tmp_path: Path, **facts: Any) -> None:
    house.configure(tmp_path, **facts)
    for number in ("D-1", "D-2"):
        house.given(f"{number}.xml", paimt(number, first=f"{number}-1", second=f"{number}-2"))
    house.sent()
    for number in ("D-1", "D-2"):
        forgets(house, number)


def test_what_the_payer_shows_is_recorded_as_delivered(house: House, tmp_path: Path) -> None:
    keeping(house, tmp_path, deposits="keeps", on_repeat="processes_again")
    del house.boxes.box["deposit:18001"].files["D-2.xml"]
    assert released(house) == {"D-1": "there", "D-2": "goes"}
    assert house.states() == {"D-1": "TRANSMITTED", "D-2": "READY"}
    proof = house.all(Attempt)[-1]
    assert (proof.outcome, proof.receipt["sha256"]) == ("already_there", house.request("D-1").sha256)
    house.sent()
    assert house.states() == {"D-1": "TRANSMITTED", "D-2": "TRANSMITTED"}


def test_what_a_payer_took_away_goes_again_only_where_a_repeat_is_harmless(house: House, tmp_path: Path) -> None:
    keeping(house, tmp_path, deposits="swallows", on_repeat="processes_again")
    house.boxes.box["deposit:18001"].files.clear()
    assert released(house) == {"D-1": "held", "D-2": "held"}
    assert house.sent().worked == 0
    assert not house.at_the_payer()
    with house.store.write() as tx:
        first = requests.get(tx, house.request("D-1").id)
        assert first is not None
        assert requests.release(tx, first, despite=[], reason="guess") == ["restored"]
        assert requests.release(tx, first, despite=["restored"], reason="the payer says it has nothing") == []
    house.configure(tmp_path, deposits="swallows", on_repeat="first_answer")
    assert released(house)["D-2"] == "goes"


def test_a_held_request_that_went_meanwhile_is_not_held_any_more(house: House, tmp_path: Path) -> None:
    keeping(house, tmp_path, deposits="keeps")
    with house.store.write() as tx:
        for number in ("D-1", "D-2"):
            request = requests.get(tx, house.request(number).id)
            assert request is not None
            requests.hold(tx, request, reason="the agency called")
    del house.boxes.box["deposit:18001"].files["D-2.xml"]
    assert released(house) == {"D-1": "there", "D-2": "goes"}
    assert house.states() == {"D-1": "TRANSMITTED", "D-2": "HELD"}
    assert house.request("D-2").holds == ["person"]


def test_where_nobody_can_be_asked_what_might_be_doubled_is_held(house: House, tmp_path: Path) -> None:
    keeping(house, tmp_path, deposits="swallows", on_repeat="processes_again")
    house.boxes.refusals["deposit:18001"] = Denied("closed")
    asked = list(restored.ask(house.rooms))
    assert {(one.verdict, one.asked) for one in asked} == {("held", False)}
    house.configure(tmp_path, deposits="keeps")
    assert {(one.verdict, one.asked) for one in restored.ask(house.rooms)} == {("goes", False)}


def test_what_is_never_sent_is_not_asked_about(house: House, tmp_path: Path) -> None:
    keeping(house, tmp_path, deposits="keeps")
    with house.store.write() as tx:
        tx.session.get_one(Agency, "AGE-1").transmit = shadow.SHADOW
    assert released(house) == {}
    assert house.states() == {"D-1": "READY", "D-2": "READY"}


def test_other_bytes_under_the_name_are_held(house: House, tmp_path: Path) -> None:
    keeping(house, tmp_path, deposits="keeps")
    house.boxes.box["deposit:18001"].put("D-1.xml", b"other")
    assert released(house)["D-1"] == "held"


def test_lots_that_nobody_judged_are_held_where_a_payer_cannot_be_asked(house: House, tmp_path: Path) -> None:
    house.deposit("D-1.xml", paimt("D-1"))
    house.collected()
    house.configure(tmp_path, deposits="keeps")
    assert restored.hold_unjudged(house.rooms) == []
    house.configure(tmp_path, deposits="swallows", on_repeat="unknown")
    (held,) = restored.hold_unjudged(house.rooms)
    assert (held.state, held.reason) == ("HELD", "restored")


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_it_decides_it_is_begun_again(point: str, house: House, tmp_path: Path) -> None:
    keeping(house, tmp_path, deposits="keeps")
    die_at(point)
    with pytest.raises(Killed):
        released(house)
    released(house)
    assert set(house.states().values()) == {"TRANSMITTED"}
    assert house.sent().worked == 0


def lived(house: OnDisk, *stages: str) -> None:
    """What a life does: everything that is due, or one round of some stages."""
    house.pass_time()
    with working(load(house.config), clock=house.clock) as app:
        app.loop._pool = lives.InTurn()
        lives.judging_here(app)
        if not stages:
            app.loop.once()
        for _ in range(2):  # a file must lie still for a while
            house.pass_time(1)
            for stage in (stage for stage in app.loop.stages if stage.name in stages):
                for endpoint in stage.endpoints(app.loop.rooms):
                    stage.run(app.loop.rooms, endpoint.name)


@pytest.mark.parametrize(("kind", "said"), [("keeps", "At the payer already: 4"), ("swallows", "cannot tell: 4")])
def test_restoring_an_older_state_after_everything_went_sends_nothing_twice(
    kind: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The whole way, over SFTP, by the commands."""
    with opened(tmp_path, template(tmp_path), kind) as place:
        lived(place)  # the first logins change the temporary passwords
        place.deposit(documents.everything())
        lived(place, "collect", "validate")
        words = ("--config", place.config, "--lang", "en", "--actor", "Tremblay")
        assert call("backup", tmp_path / "copies", *words) == 0
        lived(place)
        went = [(deposit.name, deposit.times) for deposit in place.payer.journal()]
        assert len(went) == 4
        elsewhere = tmp_path / "elsewhere"
        shutil.copytree(place.folder / "var" / "keys", elsewhere / "keys")
        assert call("restore", tmp_path / "copies", "--into", elsewhere, *words) == 0
        words = (*words, "--state-dir", elsewhere)
        assert call("once", *words) == 2
        assert "restored from a backup" in capfd.readouterr().err
        assert call("status", *words) == 0
        assert call("restore", "plan", *words) == 0
        assert said in capfd.readouterr().out
        assert call("restore", "release", "--reason", "the disk broke", *words) == 0
        assert call("once", *words) == 0
        assert [(deposit.name, deposit.times) for deposit in place.payer.journal()] == went
        assert all(times == 1 for _, times in went)
