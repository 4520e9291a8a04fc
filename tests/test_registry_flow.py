"""What the registry's dates do to a lot: a suspended number, a practitioner who stopped, software that changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from support.house import House, paimt

from gateway.models import FindingRow, NumberSuspension, PracticeNumber, Practitioner, PractitionerStanding
from gateway.store import drift

LONG_AGO = date(2010, 1, 1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def test_nothing_goes_under_a_number_while_the_payer_suspends_it(house: House) -> None:
    days = {"valid_from": LONG_AGO, "recorded_at": house.clock.now()}
    house.add(NumberSuspension(id="NSU-1", payer="sandbox", number="18001", **days))
    (request,) = house.given("lot.xml", paimt())
    assert (request.state, request.holds) == ("HELD", ["NUMBER_SUSPENDED"])


@pytest.mark.parametrize(("since", "state"), [(LONG_AGO, "HELD"), (date(2040, 1, 1), "READY")])
def test_a_practitioner_who_stopped_bills_no_later_service_under_any_form_of_the_number(
    house: House, since: date, state: str
) -> None:
    now = house.clock.now()
    house.add(Practitioner(id="2312345", profession="dentist", recorded_at=now))
    days = {"valid_from": LONG_AGO, "recorded_at": now}
    house.add(PracticeNumber(id="PNU-1", number="231234", practitioner_id="2312345", **days))
    standing = {"practitioner_id": "2312345", "standing": "retired", "valid_from": since, "recorded_at": now}
    house.add(PractitionerStanding(id="PST-1", **standing))
    (request,) = house.given("lot.xml", paimt())
    assert (request.state, "PRACTITIONER_STOPPED" in request.holds) == (state, state == "HELD")


def test_what_is_held_for_a_practitioner_who_stopped_goes_once_the_registry_says_otherwise(house: House) -> None:
    now = house.clock.now()
    house.add(Practitioner(id="231234", profession="dentist", recorded_at=now))
    standing = {"practitioner_id": "231234", "standing": "retired", "valid_from": LONG_AGO, "recorded_at": now}
    house.add(PractitionerStanding(id="PST-1", **standing))
    (request,) = house.given("lot.xml", paimt())
    assert {"PRACTITIONER_STOPPED", "PRACTITIONER_NOT_BILLING"} <= set(request.holds)
    house.account("personal:239999", "AGE-1")  # the registry changed, and not in that
    house.judged()
    assert house.request("D-1").state == "HELD"
    with house.store.write() as tx:
        tx.session.get_one(PractitionerStanding, "PST-1").superseded_at = tx.now
    house.judged()
    assert (house.request("D-1").state, house.request("D-1").holds) == ("READY", [])


@pytest.mark.parametrize(("software", "found"), [("FactSoft", 0), ("AutreLogiciel", 1)])
def test_software_other_than_the_declared_one_is_warned_of_and_listed(house: House, software: str, found: int) -> None:
    house.declares(software=software)
    (request,) = house.given("lot.xml", paimt())
    assert request.state == "READY"
    assert [row.severity for row in house.all(FindingRow) if row.code == drift.CODE] == ["warning"] * found
    with house.store.read() as tx:
        assert [(one.source_id, one.requests) for one in drift.by_source(tx)] == [("SRC-1", 1)] * found
