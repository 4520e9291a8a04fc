"""Statements around a change of agency: one document to one agency, extracts for who was there before, and what the
registry learns later."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import update
from support.returns import Fact, ReturnHouse, parcel, recev, statement

from gateway.cli.common import Call
from gateway.cli.whose import whose, whose_lines
from gateway.models import Accreditation, Invoice, Reply, Statement, StatementEntry
from gateway.registry import Book
from gateway.stages.distribute import artefacts
from gateway.stages.distribute import paper as printed_on_paper
from gateway.store import status

ACCOUNT = "personal:231234"
HANDED_OVER = date(2026, 9, 20)
EC = "EC_18002_2026-10-08.zip"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    house.agency("AGE-2", "18002")
    yield house
    house.close()


def end(house: ReturnHouse, fact: str, last: date) -> None:
    """An accreditation's last day, learned now."""
    with house.store.write() as tx:
        old = tx.session.get_one(Accreditation, fact)
        values = {name: getattr(old, name) for name in ("account_id", "agency_id", "valid_from")}
        old.superseded_at = tx.now
        tx.session.add(Accreditation(id=f"{fact}-ended", valid_to=last, recorded_at=tx.now, **values))


def handed_over(house: ReturnHouse) -> None:
    """The account went from the first agency to the second; each has an invoice on the statement."""
    house.transmitted("D-1", ["F-0001"])
    house.answered("D-1.recev.xml", recev("D-1", Fact("F-0001", "00000000101")))
    end(house, f"ACC-{ACCOUNT}-AGE-1", date(2026, 9, 19))
    house.accredit(ACCOUNT, "AGE-2", HANDED_OVER)
    house.transmitted("D-2", ["F-0002"], agency="AGE-2", under="18002")
    house.answered("D-2.recev.xml", recev("D-2", Fact("F-0002", "00000000102")), number="18002")


def given(house: ReturnHouse, text: str) -> Reply:
    """The statement, fetched under the second agency's number and matched."""
    house.answered(EC, parcel(EC=text.replace("<no_trnsm>18001", "<no_trnsm>18002")), number="18002")
    (reply,) = house.replies("statement")
    return reply


def test_the_document_goes_to_one_agency_and_the_former_one_gets_its_own_entries(house: ReturnHouse) -> None:
    handed_over(house)
    whole = given(house, statement())
    assert (whole.state, whole.agency_id) == ("MATCHED", "AGE-2")
    (extract,) = (reply for reply in house.all(Reply) if reply.kind == "extract")
    assert (extract.state, extract.agency_id, extract.number) == ("MATCHED", "AGE-1", None)
    house.distributed("SRC-1")
    house.distributed("SRC-2")
    documents = [name for name in house.at_the_agency("SRC-2") if name.startswith("etat_18002")]
    assert sorted(name.rpartition(".")[2] for name in documents) == ["html", "json", "xml"]
    former = {name: data for name, data in house.at_the_agency("SRC-1").items() if name.startswith("extrait_18001")}
    assert sorted(name.rpartition(".")[2] for name in former) == ["html", "json"]
    assert not [name for name in house.at_the_agency("SRC-1") if name.startswith("etat_")]
    told = json.loads(next(data for name, data in former.items() if name.endswith("json")))
    assert (told["kind"], told["extract"], told["entries_total"], told["total_cents"]) == ("extract", True, 2, 11940)
    assert {entry["number"] for entry in told["entries"]} == {"F-0001"}
    for data in former.values():
        assert not re.search(rb"18002|F-0002|00000000102|00000000103|109[.,]40|116[.,]00|10[.,]00", data)
    page = next(data for name, data in former.items() if name.endswith("html")).decode()
    assert "Extrait d’un état de compte" in page


def test_every_entry_is_beside_its_invoice_whoever_deposited_it(house: ReturnHouse) -> None:
    handed_over(house)
    given(house, statement())
    linked = [e.invoice_id for e in sorted(house.all(StatementEntry), key=lambda e: e.position)]
    first, second = house.invoice("F-0001").id, house.invoice("F-0002").id
    assert linked == [first, first, second, None, None]


def test_an_entry_about_an_invoice_of_who_never_held_the_account_holds_the_statement(house: ReturnHouse) -> None:
    house.transmitted("D-2", ["F-0002"], agency="AGE-2", under="18002")
    house.answered("D-2.recev.xml", recev("D-2", Fact("F-0002", "00000000102")), number="18002")
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    (held,) = (reply for reply in house.all(Reply) if reply.kind == "statement")
    assert (held.state, held.reason, held.agency_id) == ("HELD", "statement_entry_stranger", None)
    assert house.all(StatementEntry) == house.all(Statement) == []
    house.accredit(ACCOUNT, "AGE-2", date(2015, 1, 1))  # two at once: contradictory
    house.matched()
    assert house.now(held).reason == "statement_contradictory"


def test_a_sender_number_that_two_holders_used_is_the_one_of_the_account_or_nobodys(house: ReturnHouse) -> None:
    handed_over(house)
    house.transmitted("D-3", ["F-0001"], agency="AGE-2", under="18002")
    with house.store.write() as tx:
        tx.session.execute(update(Invoice).values(account=ACCOUNT))
    given(house, statement().replace("<no_fact_ramq>00000000101</no_fact_ramq>", ""))
    positions = {entry.position: entry.invoice_id for entry in house.all(StatementEntry)}
    assert positions[1] is None
    assert not [reply for reply in house.all(Reply) if reply.kind == "extract"]


def test_a_held_statement_goes_by_itself_once_the_registry_knows(house: ReturnHouse) -> None:
    text = statement().replace("<id_prof>231234", "<id_prof>239999")
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=text))
    (reply,) = house.all(Reply)
    assert (reply.state, reply.reason) == ("HELD", "statement_account")
    assert house.matched().worked == 0
    house.account("personal:239999", "AGE-1")
    assert house.matched().worked == 1
    assert (house.now(reply).state, house.now(reply).agency_id) == ("MATCHED", "AGE-1")
    assert house.matched().worked == 0


def test_a_held_statement_lists_who_it_may_be_about(house: ReturnHouse) -> None:
    end(house, f"ACC-{ACCOUNT}-AGE-1", date(2026, 9, 19))
    house.accredit(ACCOUNT, "AGE-2", date(2026, 11, 1))
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    (reply,) = house.all(Reply)
    with house.store.read() as tx:
        detail = status.history(tx, reply.id)[-1].detail
    assert (detail["code"], reply.reason) == ("STATEMENT_BETWEEN", "statement_account")
    assert [(one["agency"], one["from"], one["to"]) for one in detail["candidates"]] == [
        ("AGE-1", "2016-07-01", "2026-09-19"),
        ("AGE-2", "2026-11-01", None),
    ]
    assert set(detail["reasons"][0]["says"]) == {"fr", "en"}


def test_what_goes_on_paper_is_laid_in_the_print_queue_behind_a_cover_page(tmp_path: Path) -> None:
    house = ReturnHouse(tmp_path, gateway={"print_queue": "print"})
    house.agency("AGE-3", "18003", migrated=None)
    house.account("personal:233333", "AGE-3")
    text = statement().replace("<no_trnsm>18001", "<no_trnsm>18003").replace("<id_prof>231234", "<id_prof>233333")
    (reply,) = house.answered("EC_18003_2026-10-08.zip", parcel(EC=text), number="18003")
    assert (reply.state, reply.agency_id) == ("MATCHED", "AGE-3")
    house.distributed("SRC-3")
    assert house.now(reply).state == "DISTRIBUTED"
    assert house.at_the_agency("SRC-3") == {}
    ((name, printed),) = house.boxes.box["print"].files.items()
    assert re.fullmatch(r"etat_18003_EC-2026-000101_[0-9a-f]{8}\.pdf", name)
    assert printed.data.startswith(b"%PDF-")
    assert printed.data.count(b"/Type /Page\n") == 2  # the cover, the statement
    house.close()


def test_a_long_statement_is_printed_in_volumes_and_each_has_its_cover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printed_on_paper, "VOLUME", 2)
    house = ReturnHouse(tmp_path, gateway={"print_queue": "print"})
    house.agency("AGE-3", "18003", migrated=None)
    house.account("personal:233333", "AGE-3")
    text = statement().replace("<no_trnsm>18001", "<no_trnsm>18003").replace("<id_prof>231234", "<id_prof>233333")
    house.answered("EC_18003_2026-10-08.zip", parcel(EC=text), number="18003")
    house.distributed("SRC-3")
    printed = house.boxes.box["print"].files
    assert sorted(name.partition(".")[2] for name in printed) == ["1-3.pdf", "2-3.pdf", "3-3.pdf"]
    assert all(file.data.count(b"/Type /Page\n") == 2 for file in printed.values())
    house.close()


def test_an_extract_s_data_lists_every_entry_and_its_page_the_first_ones(
    house: ReturnHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artefacts, "LISTED", 1)
    handed_over(house)
    given(house, statement())
    house.distributed("SRC-1")
    former = {name.rpartition(".")[2]: data for name, data in house.at_the_agency("SRC-1").items() if "extrait" in name}
    assert len(json.loads(former["json"])["entries"]) == 2
    assert former["html"].count(b"F-0001") < former["json"].count(b"F-0001") + 1


def test_what_a_held_statement_may_be_is_told_and_who_got_no_extract(house: ReturnHouse) -> None:
    end(house, f"ACC-{ACCOUNT}-AGE-1", date(2026, 9, 19))
    house.accredit(ACCOUNT, "AGE-2", date(2026, 11, 1))
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    (reply,) = house.all(Reply)
    with house.store.read() as tx:
        known = Book.load(tx)
        events = [{"detail": event.detail} for event in status.history(tx, reply.id)]
    call = Call(config_file=None, state_dir=None, lang="en", actor=None)
    told = whose(known, [*events, {"detail": {"no_extract_for": ["AGE-2"]}}])
    lines = list(whose_lines(call, told, held=True))
    assert '  may be owed to "Agence AGE-1", which holds the account from 2016-07-01 to 2026-09-19' in lines
    assert '  may be owed to "Agence AGE-2", which holds the account from 2026-11-01 to …' in lines
    (closed,) = whose_lines(call, told, held=False)
    assert "got no extract: the agency is no longer active" in closed
    assert whose(known, []) == {}


def test_a_parcel_of_several_accounts_is_delivered_account_by_account(house: ReturnHouse) -> None:
    """Two accounts of the agency, one that went to another agency, one nobody knows: two are given, two are held."""
    house.account("personal:234567", "AGE-1")
    house.account("personal:238888", "AGE-2")
    accounts = {"EC-1": "231234", "EC-2": "234567", "EC-3": "238888", "EC-4": "239999"}
    texts = {
        n: statement(n).replace("<id_prof>231234</id_prof>\n  </compte>", f"<id_prof>{p}</id_prof>\n  </compte>")
        for n, p in accounts.items()
    }
    house.answered("EC_18001_2026-10-08.zip", parcel(**texts))
    found = {reply.name: (reply.state, reply.agency_id, reply.reason) for reply in house.all(Reply)}
    assert found == {
        "EC-1.xml": ("MATCHED", "AGE-1", None),
        "EC-2.xml": ("MATCHED", "AGE-1", None),
        "EC-3.xml": ("HELD", None, "statement_other_agency"),
        "EC-4.xml": ("HELD", None, "statement_account"),
    }
    house.distributed("SRC-1")
    delivered = {name.split("_")[2] for name in house.at_the_agency() if name.startswith("etat_")}
    assert delivered == {"EC-1", "EC-2"}
    assert house.at_the_agency("SRC-2") == {}
