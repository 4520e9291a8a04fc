"""The way back as a whole: fetched, matched, delivered; killed anywhere; among agencies whose numbers look alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.dying import Killed
from support.returns import Fact, ReturnHouse, parcel, recev, statement

from gateway import platform
from gateway.models import Distribution, Line, Reply, Statement, StatementEntry
from gateway.stages import distribute, match, receive
from gateway.stages.loop import WorkLoop

BOTH = (Fact("F-1", "00000000101", (4500, 9920, 100)), Fact("F-2", "00000000102"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    yield house
    house.close()


def loop(house: ReturnHouse) -> WorkLoop:
    return WorkLoop(house.rooms, [house.receive, house.match, house.distribute])


def test_once_brings_a_reply_and_a_statement_all_the_way(house: ReturnHouse) -> None:
    request = house.transmitted()
    house.left("D-1.recev.xml", recev("D-1", *BOTH))
    house.left("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    loop(house).once()
    assert house.now(request).state == "RECEIVABLE"
    assert {reply.state for reply in house.all(Reply)} == {"DISTRIBUTED"}
    assert len(house.at_the_agency()) == 6
    assert house.at_the_payer_for_us() == []


@pytest.mark.parametrize("point", [*receive.POINTS, *match.POINTS, *distribute.POINTS])
def test_a_kill_at_any_point_of_the_way_back_changes_nothing_in_the_end(
    house: ReturnHouse, killing: Any, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    monkeypatch.setattr("gateway.stages.match.requests.IN_ONE", 2)  # everything is large
    monkeypatch.setattr("gateway.stages.match.statements.IN_ONE", 2)
    request = house.transmitted()
    house.left("D-1.recev.xml", recev("D-1", *BOTH))
    house.left("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    killing(point)
    for _ in range(2):  # the life that ends at the point, and the one after it
        try:
            house.fetched()
            house.matched()
            house.distributed()
        except Killed:
            house.later(seconds=301)
    assert platform._listener is None, "the point was never passed"
    house.distributed()
    assert house.now(request).state == "RECEIVABLE"
    assert [reply.state for reply in house.all(Reply)] == ["DISTRIBUTED"] * 2
    assert (len(house.all(Line)), len(house.all(StatementEntry)), len(house.all(Statement))) == (4, 5, 1)
    assert len(house.at_the_agency()) == len(house.all(Distribution)) == 6


def test_among_numbers_that_look_alike_every_statement_reaches_its_owner_or_nobody(house: ReturnHouse) -> None:
    numbers = {"AGE-2": "18010", "AGE-3": "10018", "AGE-4": "18011", "AGE-5": "11018"}
    accounts = {"AGE-1": "231234"}
    for place, (agency, number) in enumerate(numbers.items()):
        house.agency(agency, number)
        accounts[agency] = f"23124{place}"
        house.account(f"personal:{accounts[agency]}", agency)
    numbers["AGE-1"] = "18001"
    draw, owner = random.Random(2026), dict[str, str | None]()
    for turn in range(30):
        agency, other = draw.sample(sorted(numbers), 2)
        inside, envelope, account, fetched = numbers[agency], numbers[agency], accounts[agency], numbers[agency]
        wrong = turn % 3 == 0
        match turn % 4 if wrong else None:
            case 0:
                inside = numbers[other]
            case 1:
                envelope = numbers[other]
            case 2:
                account = accounts[other]
            case 3:
                fetched = numbers[other]
        text = statement(f"EC-{turn}").replace("<no_trnsm>18001", f"<no_trnsm>{inside}")
        text = text.replace("<id_prof>231234", f"<id_prof>{account}", 1)
        house.left(f"EC_{envelope}_2026-10-08_{turn}.zip", parcel(EC=text), fetched)
        owner[f"EC-{turn}"] = None if wrong else agency
    loop(house).once()
    seen = {reply.archive_ref: reply for reply in house.all(Reply)}
    assert len(seen) == 30
    for reply in seen.values():
        text = house.kept(reply.archive_ref).decode()
        number = text.split("<no_etat_compte>")[1].split("<")[0]
        assert reply.agency_id == owner[number]
        assert reply.state == ("DISTRIBUTED" if owner[number] else "HELD")
    for agency in numbers:
        mine = {number for number, who in owner.items() if who == agency}
        there = {name.split("_")[2] for name in house.at_the_agency(agency.replace("AGE", "SRC"))}
        assert there == mine
