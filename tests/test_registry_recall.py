"""A date is corrected: what went, or was handed over, under the wrong one is told, kept, and an incident drafted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import event
from support.returns import Fact, ReturnHouse, parcel, recev, statement

from gateway.config.strict import parse
from gateway.models import Incident, Mandate, Recall, Reply, Request
from gateway.registry import Plan, bring
from gateway.registry.file import RegistryFile
from gateway.store import Store, moves

ACCOUNT = "personal:231234"
GONE = f'[[accreditation]]\naccount = "{ACCOUNT}"\nagency = "Agence AGE-1"\nfrom = 2016-07-01\nto = 2026-09-19\n'
CAME = f'[[accreditation]]\naccount = "{ACCOUNT}"\nagency = "Agence AGE-2"\nfrom = 2026-09-20\n'
BACK = GONE.replace("to = 2026-09-19\n", "") + "to = 9999-12-31\n"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    house.agency("AGE-2", "18002")
    yield house
    house.close()


def apply(house: ReturnHouse, text: str, *, dry_run: bool = False) -> Plan:
    said, rooms = parse(text, Path("file.toml"), RegistryFile), house.rooms
    return bring(house.store, Path("file.toml"), said, rooms.config, rooms.catalog, dry_run=dry_run)


def sent(house: ReturnHouse, number: str = "D-1") -> Request:
    """A request of the first agency for the account, at the payer today (October 1st)."""
    return house.transmitted(number, ["F-1"], account=ACCOUNT, transmitted_at=house.clock.now())


def handed_over(house: ReturnHouse) -> Reply:
    """A statement of October 8th, in the first agency's returns."""
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    (reply,) = house.replies("statement")
    house.distributed()
    assert house.now(reply).state == "DISTRIBUTED"
    return reply


def told(plan: Plan) -> list[str]:
    return [line for line in plan.text("en").splitlines() if line.startswith("< ")]


def test_a_hand_over_learned_late_recalls_what_was_sent_and_what_was_handed_over(house: ReturnHouse) -> None:
    request, reply = sent(house), handed_over(house)
    dry = apply(house, GONE + CAME, dry_run=True)
    assert len(told(dry)) == 2
    assert house.all(Recall) == house.all(Incident) == []
    plan = apply(house, GONE + CAME)
    first, second = told(plan)
    assert first.startswith(f'< {request.id}, sent on 2026-10-01 under number 18001 by "Agence AGE-1"')
    assert "entrusted to another agency on 2026-10-01" in first
    assert f"{reply.id}, statement of 2026-10-08 of account {ACCOUNT}, handed over to" in second
    kept = {row.record_id: row for row in house.all(Recall)}
    assert {row.what for row in kept.values()} == {"sent", "handed_over"}
    (incident,) = house.all(Incident)
    assert (incident.origin, incident.records, incident.closed_at) == ("recall", [reply.id], None)
    assert (incident.began_on, incident.aware_on) == (date(2026, 10, 1), date(2026, 10, 1))
    assert ACCOUNT in incident.information
    assert (kept[reply.id].incident_id, kept[request.id].incident_id) == (incident.id, None)
    with house.store.read() as tx:
        assert moves.verify_chain(tx) is None
    assert told(apply(house, GONE + CAME)) == []
    assert len(house.all(Recall)) == 2


def test_what_was_only_sent_opens_no_incident(house: ReturnHouse) -> None:
    sent(house)
    assert len(told(apply(house, GONE + CAME))) == 1
    assert house.all(Incident) == []


def test_a_correction_that_leaves_what_went_right_recalls_nothing(house: ReturnHouse) -> None:
    sent(house)
    handed_over(house)
    later = GONE.replace("to = 2026-09-19", "to = 2026-10-31") + CAME.replace("2026-09-20", "2026-11-01")
    assert told(apply(house, later)) == []
    assert house.all(Recall) == []


def test_what_was_right_after_all_is_withdrawn_and_stays_told(house: ReturnHouse) -> None:
    request = sent(house)
    apply(house, GONE + CAME)
    assert told(apply(house, CAME + "retract = true\n" + BACK.replace("to = 9999-12-31", "to = 2030-01-01"))) == []
    (row,) = house.all(Recall)
    assert (row.record_id, row.withdrawn_at) == (request.id, house.clock.now())
    house.later(hours=1)
    apply(house, GONE + CAME)  # and wrong again
    (row,) = house.all(Recall)
    assert row.withdrawn_at is None


def test_a_number_that_was_another_agency_s_and_a_mandate_that_had_ended(house: ReturnHouse) -> None:
    request, now = sent(house), house.clock.now()
    mandate = {"account_id": ACCOUNT, "agency_id": "AGE-1", "signatories": ["231234"], "valid_from": date(2016, 7, 1)}
    house.add(Mandate(id="MAN-1", recorded_at=now, **mandate))
    ended = f'[[mandate]]\naccount = "{ACCOUNT}"\nagency = "Agence AGE-1"\nfrom = 2016-07-01\nto = 2026-08-31\n'
    (line,) = told(apply(house, ended + 'signatories = ["231234"]\n'))
    assert f"{request.id}, sent" in line
    assert "no mandate of this account held on 2026-10-01" in line
    number = '[[agency]]\nname = "Agence AGE-1"\nkind = "commercial"\n[[agency.number]]\npayer = "sandbox"\n'
    (line,) = told(apply(house, number + 'number = "18001"\nfrom = 2016-07-01\nto = 2026-09-30\n'))
    assert "the number was not the agency’s on 2026-10-01" in line
    assert {row.code for row in house.all(Recall)} == {"MANDATE_MISSING", "NUMBER_NOT_ITS"}


def test_going_away_and_coming_back_is_warned_of_once_with_the_letter_s_advice(house: ReturnHouse) -> None:
    away = CAME + "to = 2026-09-30\n"
    back = GONE.replace("from = 2016-07-01\nto = 2026-09-19", "from = 2026-10-01")
    assert "paper" not in apply(house, GONE + away).text("en")
    (line,) = [line for line in apply(house, back).text("en").splitlines() if line.startswith("? ")]
    assert "left its agency on 2026-09-20 and came back on 2026-10-01" in line
    assert "paper statements for all payment modes; the letter advises opening a new account" in line
    assert "? " not in apply(house, GONE + away + back + "covers_services_from = 2026-01-01\n").text("en")


def test_an_extract_for_who_never_held_the_account_is_recalled(house: ReturnHouse) -> None:
    apply(house, GONE + CAME)
    house.transmitted("D-1", ["F-0001"], account=ACCOUNT)
    house.answered("D-1.recev.xml", recev("D-1", Fact("F-0001", "00000000101")))
    text = statement().replace("<no_trnsm>18001", "<no_trnsm>18002")
    house.answered("EC_18002_2026-10-08.zip", parcel(EC=text), number="18002")
    house.distributed("SRC-1")
    (extract,) = (reply for reply in house.all(Reply) if reply.kind == "extract")
    (line,) = told(apply(house, GONE.replace("to = 2026-09-19", "retract = true")))
    assert f"{extract.id}, extract of the statement of 2026-10-08" in line
    assert house.all(Incident)[0].records == [extract.id]


def test_the_number_of_queries_does_not_grow_with_what_is_corrected(house: ReturnHouse) -> None:
    def queries(accounts: list[str]) -> int:
        count: list[str] = []
        gone = "".join(GONE.replace(ACCOUNT, name) for name in accounts)
        with Counting(house.store, count):
            apply(house, gone, dry_run=True)
        return len(count)

    names = [f"personal:24{n:04}" for n in range(40)]
    for name in names:
        house.account(name, "AGE-1")
    assert queries(names[:2]) == queries(names)


class Counting:
    """Every statement the database is asked, while it lasts."""

    def __init__(self, store: Store, into: list[str]) -> None:
        self._engine, self._into = store._engine, into

    def _note(self, *args: object) -> None:
        self._into.append(str(args[2]))

    def __enter__(self) -> None:
        event.listen(self._engine, "before_cursor_execute", self._note)

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)
