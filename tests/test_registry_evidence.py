"""What comes under a number speaks of the registry: a change is proposed, once, and counts when a person accepts it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from support.command import call
from support.registry import one_agency
from support.returns import Fact, ReturnHouse, parcel, recev, statement

from gateway.app import open_app
from gateway.config import load
from gateway.errors import StaleState
from gateway.models import Accreditation, Proposal, Reply, StatementCoordinates
from gateway.registry import Book
from gateway.registry.evidence import observe, waiting
from gateway.registry.proposed import accept, text
from gateway.store import moves, proposals

DATED = date(2026, 10, 8)
EC = "EC_18001_2026-10-08.zip"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    house.agency("AGE-2", "18002")
    yield house
    house.close()


def of(house: ReturnHouse, practice: str = "239999", number: str = "EC-2026-000101") -> Reply:
    """A statement of that practitioner's account, fetched under the first agency's number."""
    said = statement(number).replace("<id_prof>231234", f"<id_prof>{practice}")
    (reply,) = house.answered(EC.replace("10-08", number), parcel(EC=said))
    return reply


def open_(house: ReturnHouse) -> list[Proposal]:
    with house.store.read() as tx:
        found = waiting(tx, Book.load(tx))
        tx.session.expunge_all()
    return found


def accepted(house: ReturnHouse, proposal: Proposal, **how: str | date | bool | None) -> str:
    rooms = house.rooms
    return accept(house.store, proposal, rooms.config, rooms.catalog, **how).text("en")  # type: ignore[arg-type]


def book(house: ReturnHouse) -> Book:
    with house.store.read() as tx:
        return Book.load(tx)


def test_a_statement_of_an_account_nobody_knows_is_held_and_its_accreditation_proposed(house: ReturnHouse) -> None:
    reply = of(house)
    (proposal,) = open_(house)
    assert (proposal.what, proposal.subject, proposal.agency_id) == ("accreditation", "personal:239999", "AGE-1")
    assert (proposal.since, proposal.payer, proposal.number) == (DATED, "sandbox", "18001")
    assert (reply.state, house.all(Accreditation)[0].account_id) == ("HELD", "personal:231234")
    assert len(house.all(Accreditation)) == 1  # nothing is believed yet
    plan = accepted(house, proposal)
    assert "+ account personal:239999" in plan
    assert book(house).agency_of("personal:239999", DATED) == "AGE-1"
    assert open_(house) == []
    house.matched()
    assert house.now(reply).state == "MATCHED"
    with house.store.read() as tx:
        assert moves.verify_chain(tx) is None
        assert [(p.decision, p.decided_by) for p in proposals.every(tx, decided=True)] == [("accepted", tx.actor)]


def test_asking_again_about_the_same_statement_proposes_nothing_more_even_after_a_rejection(
    house: ReturnHouse,
) -> None:
    of(house)
    house.accredit("personal:231234", "AGE-2", date(2030, 1, 1))  # the registry changed: asked again
    house.matched()
    (proposal,) = open_(house)
    with house.store.write() as tx:
        assert proposals.decide(tx, proposal.id, proposals.REJECTED, "a mistake of the payer")
        assert not proposals.decide(tx, proposal.id, proposals.ACCEPTED)
    house.account("personal:238888", "AGE-2")
    house.matched()
    assert open_(house) == []
    with pytest.raises(StaleState):
        accepted(house, proposal)
    assert book(house).account("personal:239999", DATED) is None


def test_several_statements_speak_for_one_proposal_from_the_first_day_on(house: ReturnHouse) -> None:
    said = {
        "EC-1": statement("EC-1").replace("<id_prof>231234", "<id_prof>239999"),
        "EC-2": statement("EC-2", **{"<dat_etat_compte>2026-10-08": "<dat_etat_compte>2026-09-24"}).replace(
            "<id_prof>231234", "<id_prof>239999"
        ),
    }
    house.answered("EC_18001_2026-10-08.zip", parcel(**said))
    (proposal,) = open_(house)
    assert proposal.since == date(2026, 9, 24)
    with house.store.read() as tx:
        assert len(proposals.evidence(tx)[proposal.id]) == 2
    assert accepted(house, proposal, since=date(2026, 9, 1)).count("2026-09-01") >= 1
    assert book(house).agency_of("personal:239999", date(2026, 9, 1)) == "AGE-1"


def test_where_the_registry_says_another_agency_its_accreditation_would_end_the_day_before(
    house: ReturnHouse,
) -> None:
    house.account("personal:238888", "AGE-2")
    reply = of(house, "238888")
    assert reply.reason == "statement_other_agency"
    (proposal,) = open_(house)
    dry = accepted(house, proposal, dry_run=True)
    assert "- " in dry
    assert "+ " in dry
    assert book(house).agency_of("personal:238888", DATED) == "AGE-2"
    accepted(house, proposal)
    known = book(house)
    assert known.agency_of("personal:238888", date(2026, 10, 7)) == "AGE-2"
    assert known.agency_of("personal:238888", DATED) == "AGE-1"
    house.matched()
    assert (house.now(reply).state, house.now(reply).agency_id) == ("MATCHED", "AGE-1")


def test_what_begins_later_is_left_alone_and_what_began_that_day_never_was(house: ReturnHouse) -> None:
    house.account("personal:238888", "AGE-2", since=DATED)
    house.account("personal:239999", "AGE-2", since=date(2026, 11, 1))
    of(house, "238888", "EC-1")
    of(house, "239999", "EC-2")
    first, second = open_(house)
    known = book(house)
    assert "retract = true" in text(known, first)
    assert "to = 2026-10-31" in text(known, second)


def test_coordinates_that_say_otherwise_are_proposed_beside_the_accreditation(house: ReturnHouse) -> None:
    now = house.clock.now()
    where = {"account_id": "personal:231234", "route": "paper", "valid_from": date(2020, 1, 1), "recorded_at": now}
    house.add(StatementCoordinates(id="SCO-1", **where))
    reply = of(house, "231234")
    assert reply.reason == "statement_on_paper"
    (proposal,) = open_(house)
    assert proposal.what == "coordinates"
    accepted(house, proposal)
    known = book(house).statement_coordinates("personal:231234", DATED)
    before = book(house).statement_coordinates("personal:231234", date(2026, 10, 7))
    assert known is not None
    assert before is not None
    assert (known.route, known.agency_id, before.route) == ("agency", "AGE-1", "paper")
    house.matched()
    assert house.now(reply).state == "MATCHED"


def test_a_new_system_statement_under_a_number_speaks_for_the_agency_s_migration(house: ReturnHouse) -> None:
    house.agency("AGE-3", "18003", migrated=None)
    house.account("personal:233333", "AGE-3")
    said = statement().replace("<no_trnsm>18001", "<no_trnsm>18003").replace("<id_prof>231234", "<id_prof>233333")
    (reply,) = house.answered("EC_18003_2026-10-08.zip", parcel(EC=said), number="18003")
    assert reply.reason == "statement_for_unmigrated"
    (proposal,) = open_(house)
    assert (proposal.what, proposal.subject) == ("migration", "AGE-3")
    accepted(house, proposal)
    house.matched("18003")
    assert house.now(reply).state == "MATCHED"


@pytest.mark.parametrize("wrong", ["<no_trnsm>18002", "<mnt_verse>1.00"])
def test_a_statement_whose_identities_or_sums_disagree_speaks_for_nothing(house: ReturnHouse, wrong: str) -> None:
    said = statement().replace("<id_prof>231234", "<id_prof>239999")
    tag = wrong.partition(">")[0] + ">"
    begin = said.index(tag)
    end = said.index("<", begin + 1)
    (reply,) = house.answered(EC, parcel(EC=said[:begin] + wrong + said[end:]))
    assert reply.state == "HELD"
    assert open_(house) == []


def test_what_agrees_proposes_nothing_and_a_receivable_request_speaks_too(house: ReturnHouse) -> None:
    of(house, "231234")
    assert open_(house) == []
    sent = house.clock.now()
    house.transmitted("D-1", ["F-1"], account="personal:237777", transmitted_at=sent)
    house.transmitted("D-2", ["F-2"], account="personal:236666", transmitted_at=sent)
    house.answered("D-1.recev.xml", recev("D-1", Fact("F-1", "00000000101")))
    house.answered("D-2.recev.xml", recev("D-2", code="9001"))
    (proposal,) = open_(house)
    assert (proposal.what, proposal.subject, proposal.since) == ("accreditation", "personal:237777", date(2026, 10, 1))


# -- the command --


@pytest.fixture
def at(tmp_path: Path) -> tuple[str, ...]:
    """A house where two accounts that nobody knows were dealt with under its agency's number."""
    at = one_agency(tmp_path)
    with open_app(load(tmp_path / "gateway.toml")) as app, app.store.write() as tx:
        known = Book.load(tx)
        for record, account in (("RET-1", "admin:12345"), ("RET-2", "personal:231234")):
            observe(tx, known, record, account, "sandbox", "18001", DATED, statement=True)
    return at


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert call(*words) == 0
    return capsys.readouterr().out


def test_the_command_lists_accepts_and_rejects(at: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    admin, personal = json.loads(told(capsys, "registry", "proposals", "list", "--json", *at))
    assert (admin["standing"], admin["evidence"]) == ("open", [{"record": "RET-1", "day": "2026-10-08"}])
    said = told(capsys, "registry", "proposals", "list", *at)
    assert 'accreditation of account admin:12345 to agency "A" (sandbox 18001) from 2026-10-08' in said
    assert json.loads(told(capsys, "status", "--json", *at))["proposals"] == 2
    assert "2 proposed change(s) of the registry" in told(capsys, "status", *at)
    accept = ("registry", "proposals", "accept", admin["id"])
    assert call(*accept, *at) == 2  # individual, or collective?
    assert call(*accept, "--kind", "admin_collective", "--from", "2026-10-09", *at) == 2  # after the evidence
    assert "nothing was written" in told(capsys, *accept, "--kind", "admin_collective", "--dry-run", *at)
    plan = told(capsys, *accept, "--kind", "admin_collective", "--from", "2026-09-01", "--actor", "Rose", *at)
    assert '+ accreditation of admin:12345: "A", from 2026-09-01' in plan
    assert call(*accept, "--kind", "admin_collective", *at) == 2  # decided
    told(capsys, "registry", "proposals", "reject", personal["id"][-6:], "--reason", "the payer errs", *at)
    assert "No change is proposed" in told(capsys, "registry", "proposals", "list", *at)
    every = json.loads(told(capsys, "registry", "proposals", "list", "--all", "--json", *at))
    assert [(one["standing"], one["said"]) for one in every] == [("accepted", None), ("rejected", "the payer errs")]
    assert every[0]["decided_by"] == "Rose"
    assert call("registry", "proposals", "reject", "nobody", "--reason", "x", *at) == 2


def test_what_the_registry_says_by_now_waits_for_nobody(
    at: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "more.toml"
    account = '[[account]]\nid = "personal:231234"\nkind = "personal"\npractitioners = ["231234"]\n'
    since = '[[accreditation]]\naccount = "personal:231234"\nagency = "A"\nfrom = 2020-01-01\n'
    file.write_text(account + since, encoding="utf-8")
    assert call("registry", "apply", str(file), *at) == 0
    (left,) = json.loads(told(capsys, "registry", "proposals", "list", "--json", *at))
    assert left["subject"] == "admin:12345"
    assert "the registry says so by now" in told(capsys, "registry", "proposals", "list", "--all", *at)
