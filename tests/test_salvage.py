"""An agency that wants salvage: the right invoices of a document go, the others come back to be corrected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support.dying import Killed
from support.freight import CANARY, HERE, consignment, order
from support.house import paimt, sample, zipped
from support.returns import Fact, ReturnHouse, recev

from gateway import catalog
from gateway.catalog import Catalog
from gateway.errors import StaleState, StoreError
from gateway.messages import both
from gateway.models import Agency, Invoice, Request, Salvage, Source, Submission
from gateway.resources import data_dir
from gateway.store import kept, requests, status
from gateway.validation import check

BAD = "<cod_role>1</cod_role>"


@cache
def known() -> Catalog:
    """The shipped families, and one of another country."""
    return catalog.load([HERE.parent, data_dir("schemas")])


@pytest.fixture
def house(tmp_path: Path) -> ReturnHouse:
    """Its first agency wants salvage of every invalid invoice, and its software agreed."""
    house = ReturnHouse(tmp_path, formats=("ramq-rfp", "ramq-dp", "frakt"))
    house.rooms = replace(house.rooms, catalog=known())
    house.source(software="FactSoft", developer="18001", salvage_agreed=date(2026, 10, 1))
    house.account("admin:40001", "AGE-1")
    wants(house)
    return house


def wants(house: ReturnHouse, agency: str = "AGE-1", **values: str) -> None:
    with house.store.write() as tx:
        row = tx.session.get_one(Agency, agency)
        for name, value in ({"on_invalid": "salvage", "set_aside": "invalid"} | values).items():
            setattr(row, name, value)


def spoiled(text: str, *ordinals: int) -> str:
    """The request with the role of these invoices' lines out of every list."""
    parts = text.split("<no_fact_ext>")
    for n in ordinals:
        assert "<cod_role>" in parts[n]
        parts[n] = parts[n].replace("<cod_role>1<", "<cod_role>Z<")
    return "<no_fact_ext>".join(parts)


def row(house: ReturnHouse) -> Salvage:
    (found,) = house.all(Salvage)
    return found


def aside(house: ReturnHouse, number: int = -1) -> tuple[str, bytes]:
    """The document that goes back with the report."""
    report = [reply for reply in house.replies("report") if reply.archive_ref][number]
    return report.facts["salvage"]["set_aside"]["file"], house.kept(report.archive_ref)


def test_the_right_invoices_go_and_the_other_comes_back(house: ReturnHouse) -> None:
    text = spoiled(paimt("D-1"), 2)
    original, derived = house.given("lot.xml", text)
    assert (original.state, original.reason, original.invoices) == ("REFUSED", "SALVAGED", 1)
    assert (derived.state, derived.holds, derived.derived_from) == ("READY", [], original.id)
    assert (derived.no_dem_ext, derived.invoices, derived.invalid_invoices) == ("D-1", 1, 0)
    assert house.kept(original.archive_ref) == text.encode()
    sent = house.kept(derived.archive_ref)
    assert (derived.sha256, derived.size) == (hashlib.sha256(sent).hexdigest(), len(sent))
    assert b"F-1" in sent
    assert b"F-2" not in sent
    name, back = aside(house)
    assert name == "D-1-R1.xml"
    assert back == (
        text.replace("<no_dem_ext>D-1<", "<no_dem_ext>D-1-R1<").encode().replace(_invoice(text, "F-1"), b"")
    )
    assert [s.no_fact_ext for s in house.submissions(original)] == ["F-2"]
    assert [s.no_fact_ext for s in house.submissions(derived)] == ["F-1"]


def _invoice(text: str, number: str) -> bytes:
    """The bytes of an invoice of the dentist's, and the blanks before it."""
    tag = "fact_serv_denta_chirg_denti_1_1_0"
    end = text.index(f"</{tag}>", text.index(number)) + len(f"</{tag}>")
    start = text.rindex(f"<{tag}", 0, text.index(number))
    return text[len(text[:start].rstrip()) : end].encode()


def test_control_totals_are_stored_and_the_database_keeps_no_others(house: ReturnHouse) -> None:
    house.given("lot.xml", spoiled(paimt("D-1"), 1))
    found = row(house)
    assert (found.invoices, found.kept_invoices, found.aside_invoices, found.answered_invoices) == (2, 1, 1, 0)
    assert found.cents is None  # this format states no amounts
    with pytest.raises(StoreError, match="salvage_invoices"), house.store.write() as tx:
        tx.session.get_one(Salvage, found.request_id).kept_invoices = 2


def test_the_invoices_stand_once_each(house: ReturnHouse) -> None:
    house.given("lot.xml", spoiled(paimt("D-1"), 1))
    with house.store.read() as tx:
        standing = status.standings(tx)
    assert (standing.counts["refused"], standing.counts["pending"], standing.deposited) == (1, 1, 2)


def test_what_came_back_is_corrected_and_goes_and_a_second_time_counts_on(house: ReturnHouse) -> None:
    house.given("three.xml", spoiled(_three(paimt("D-3")), 2, 3))
    name, back = aside(house)
    assert (name, invoices(back)) == ("D-3-R1.xml", ["F-2", "F-9"])
    original, derived = house.given(name, _mended(back, 1))
    assert (original.no_dem_ext, derived.no_dem_ext, derived.state) == ("D-3-R1", "D-3-R1", "READY")
    name, back = aside(house)
    assert (name, invoices(back)) == ("D-3-R2.xml", ["F-9"])
    (last,) = house.given(name, _mended(back, 1))
    assert (last.no_dem_ext, last.state, last.derived_from) == ("D-3-R2", "READY", None)
    house.sent()
    went = house.at_the_payer()
    assert {name: invoices(data) for name, data in went.items()} == {
        "D-3.xml": ["F-1"],
        "D-3-R1.xml": ["F-2"],
        "D-3-R2.xml": ["F-9"],
    }
    assert {check(data)[0].verdict for data in went.values()} == {"valid"}


def _three(text: str) -> str:
    """A third invoice, numbered F-9, after the second one."""
    tag = "</fact_serv_denta_chirg_denti_1_1_0>"
    start, end = text.rindex("<fact_serv_denta_chirg_denti_1_1_0"), text.rindex(tag) + len(tag)
    return text[:end] + text[start:end].replace("F-2", "F-9") + text[end:]


def _mended(data: bytes, count: int) -> bytes:
    """The first `count` wrong roles put right."""
    return data.replace(b"<cod_role>Z<", b"<cod_role>1<", count)


def invoices(data: bytes) -> list[str]:
    return [part.partition("<")[0] for part in data.decode().split("<no_fact_ext>")[1:]]


# -- what holds, and what stays whole --


def test_only_what_would_refuse_is_set_aside_unless_the_agency_wants_more(house: ReturnHouse) -> None:
    wants(house, set_aside="refused")
    (held,) = house.given("lot.xml", spoiled(paimt("D-1"), 2))
    assert (held.state, held.holds) == ("HELD", ["SCHEMA_VALUE"])  # by a reconstructed schema
    assert house.all(Salvage) == []


def test_what_is_wrong_with_every_invoice_is_told_the_usual_way_and_may_be_released(house: ReturnHouse) -> None:
    (held,) = house.given("lot.xml", spoiled(paimt("D-1"), 1, 2))
    assert (held.state, held.holds, held.invoices) == ("HELD", ["SCHEMA_VALUE"], 2)
    with house.store.write() as tx:
        assert requests.release(tx, held, despite=["SCHEMA_VALUE"], reason="the payer takes it") == []


def test_what_a_part_is_held_for_holds_it_as_usual(house: ReturnHouse) -> None:
    _, derived = house.given("lot.xml", spoiled(paimt("D-1", sender="18777"), 2))
    assert (derived.state, derived.holds) == ("HELD", ["NUMBER_UNKNOWN"])
    reports = [reply.facts for reply in house.replies("report")]
    assert [facts["state"] for facts in reports] == ["REFUSED", "HELD"]
    assert reports[1]["derived_from"] == derived.derived_from
    house.number("18777", "AGE-1")
    house.judged()
    assert house.now(derived).state == "READY"


def test_a_part_is_released_in_spite_of_a_code_and_goes_as_it_is(house: ReturnHouse) -> None:
    house.given("first.xml", paimt("D-0", first="F-1", second="F-0"))
    _, derived = house.given("lot.xml", spoiled(paimt("D-1"), 2))
    assert (derived.state, derived.holds) == ("HELD", ["INVOICE_NUMBER_REUSED"])
    with house.store.write() as tx:
        assert requests.release(tx, derived, despite=["INVOICE_NUMBER_REUSED"], reason="it is another one") == []
    house.sent()
    assert invoices(house.at_the_payer()["D-1.xml"]) == ["F-1"]


def test_the_original_goes_no_further_and_a_cancelled_part_frees_its_number(house: ReturnHouse) -> None:
    text = spoiled(paimt("D-1"), 2)
    original, derived = house.given("lot.xml", text)
    with house.store.write() as tx, pytest.raises(StaleState):
        requests.release(tx, original, despite=["SCHEMA_VALUE"], reason="no")
    with house.store.write() as tx:
        requests.cancel(tx, derived, reason="no longer wanted")
    _, again = house.given("again.xml", text)
    assert (again.state, aside(house)[0]) == ("READY", "D-1-R2.xml")


def test_without_the_consent_of_its_software_a_document_stays_whole(house: ReturnHouse) -> None:
    changes: list[tuple[dict[str, Any], str]] = [
        ({"salvage_agreed": None}, "not_agreed"),
        ({"salvage_agreed": date(2026, 10, 2)}, "not_agreed"),
        ({"software": None}, "not_agreed"),
        ({"software": "AutreLogiciel"}, "other_software"),
        ({"developer": "18009"}, "other_software"),
    ]
    for n, (change, reason) in enumerate(changes):
        house.source(**{"software": "FactSoft", "developer": "18001", "salvage_agreed": date(2026, 10, 1)} | change)
        text = paimt(f"D-{n}", first=f"F-{n}1", second=f"F-{n}2")
        (whole,) = house.given(f"lot-{n}.xml", spoiled(text, 2))
        assert (whole.state, house.all(Salvage)) == ("HELD", []), change
        assert house.replies("report")[-1].facts["not_salvaged"] == both(f"validate.salvage_{reason}"), change


def test_all_or_nothing_is_what_an_agency_has_that_says_nothing(house: ReturnHouse) -> None:
    assert Agency(id="x", name="x", kind="solo", recorded_at=house.clock.now()).on_invalid == "all_or_nothing"
    wants(house, on_invalid="all_or_nothing")
    (whole,) = house.given("lot.xml", spoiled(paimt("D-1"), 2))
    assert (whole.state, house.all(Salvage)) == ("HELD", [])
    assert "not_salvaged" not in house.replies("report")[0].facts


def test_nothing_is_saved_of_a_document_whose_frame_is_bad(house: ReturnHouse) -> None:
    changes = [
        ("<typ_moda_paimt>1<", "<typ_moda_paimt>7<"),
        ("<no_dem_ext>D-1<", "<no_dem_ext>D 1<"),
        ("</dem_paimt>", "<x/></dem_paimt>"),
        ("</dem_paimt>", ""),
        ("<dem_paimt", "<!DOCTYPE x><dem_paimt"),
    ]
    for n, (old, new) in enumerate(changes):
        text = spoiled(paimt("D-1", first=f"F-{n}1", second=f"F-{n}2"), 2)
        assert old in text
        (whole,) = house.given(f"lot-{n}.xml", text.replace(old, new))
        assert whole.state in ("HELD", "REFUSED")
        assert whole.reason != "SALVAGED"
    assert house.all(Salvage) == []


def test_nothing_is_saved_under_another_agencys_number(house: ReturnHouse) -> None:
    house.agency("AGE-2", "18002")
    (whole,) = house.given("lot.xml", spoiled(paimt("D-1", sender="18002"), 2))
    assert (whole.state, whole.reason, house.all(Salvage)) == ("REFUSED", "FOREIGN_NUMBER", [])


def test_a_strict_source_wants_its_zip_whole_but_salvages_a_single_document(house: ReturnHouse) -> None:
    house.source(strict=True)
    made = house.given("lot.zip", zipped(a=paimt("D-1"), b=spoiled(paimt("D-2", first="F-3", second="F-4"), 1)))
    assert {request.state for request in made} == {"REFUSED"}
    assert {request.reason for request in made} == {"STRICT_LOT"}
    assert len(house.given("one.xml", spoiled(paimt("D-5"), 1))) == 2


# -- what came before --


def test_the_same_document_again_points_at_what_goes_for_it(house: ReturnHouse) -> None:
    text = spoiled(paimt("D-1"), 2)
    _, derived = house.given("lot.xml", text)
    assert house.given("same.xml", text) == []  # the same lot
    (again,) = house.given("lot.zip", zipped(a=text))
    assert (again.state, again.reason, again.duplicate_of) == ("REFUSED", "REQUEST_REPEATED", derived.id)
    (held,) = house.given("other.xml", paimt("D-1"))  # the number has gone, with other bytes
    assert "REQUEST_NUMBER_REUSED" in held.holds


def answered(house: ReturnHouse, number: str, *facts: Fact) -> None:
    house.sent()
    house.answered(f"{number}.recev.xml", recev(number, *facts))


def test_an_export_made_again_sends_what_the_payer_has_not_taken(house: ReturnHouse) -> None:
    house.given("lot.xml", paimt("D-1"))
    answered(house, "D-1", Fact("F-1", "00000000101", cents=(4500, 4500)), Fact("F-2", code="1056"))
    house.later(days=1)
    original, derived = house.given("again.xml", paimt("D-2"))
    assert (original.reason, original.invoices, derived.state, derived.invoices) == ("SALVAGED", 0, "READY", 1)
    assert invoices(house.kept(derived.archive_ref)) == ["F-2"]
    (report,) = house.replies("report")
    assert report.archive_ref is None  # nothing to correct
    said = report.facts["salvage"]
    assert said["answered"] == [
        {
            "number": "F-1",
            "ordinal": 1,
            "payer_number": "00000000101",
            "verdict": "receivable",
            "dated": "2026-10-01",
            "request": house.request("D-1").id,
        }
    ]
    assert {name: total["invoices"] for name, total in said["totals"].items()} == {
        "deposited": 2,
        "sent": 1,
        "set_aside": 0,
        "answered": 1,
    }


def test_an_export_made_again_of_what_is_all_receivable_sends_nothing(house: ReturnHouse) -> None:
    house.given("lot.xml", paimt("D-1"))
    answered(house, "D-1", Fact("F-1", "00000000101", cents=(4500, 4500)), Fact("F-2", "00000000102"))
    (nothing,) = house.given("again.xml", paimt("D-2"))
    assert (nothing.state, nothing.reason, nothing.invoices) == ("REFUSED", "NOTHING_LEFT", 0)
    assert (row(house).derived_id, row(house).answered_invoices) == (None, 2)
    house.sent()
    assert set(house.at_the_payer()) == {"D-1.xml"}


def test_what_is_neither_receivable_nor_right_comes_back_without_what_is(house: ReturnHouse) -> None:
    house.given("lot.xml", paimt("D-1"))
    answered(house, "D-1", Fact("F-1", "00000000101", cents=(4500, 4500)), Fact("F-2", code="1056"))
    (nothing,) = house.given("again.xml", spoiled(paimt("D-2"), 2))
    assert (nothing.reason, nothing.invoices) == ("NOTHING_LEFT", 1)
    name, back = aside(house)
    assert (name, invoices(back)) == ("D-2-R1.xml", ["F-2"])


@pytest.mark.parametrize("change", [("2026-09-14", "2026-09-15"), ("", "")])
def test_a_number_used_again_for_something_else_or_elsewhere_holds(
    house: ReturnHouse, change: tuple[str, str], tmp_path: Path
) -> None:
    house.given("lot.xml", paimt("D-1"))
    answered(house, "D-1", Fact("F-1", "00000000101", cents=(4500, 4500)), Fact("F-2", code="1056"))
    if change == ("", ""):  # it was receivable at another payer
        with house.store.write() as tx:
            for invoice in house.all(Invoice):
                tx.session.get_one(Invoice, invoice.id).payer = "other"
    (held,) = house.given("again.xml", paimt("D-2").replace(*change))
    assert (held.state, held.holds, house.all(Salvage)) == ("HELD", ["INVOICE_NUMBER_REUSED"], [])


def test_what_waits_for_an_answer_holds_as_usual(house: ReturnHouse) -> None:
    house.given("lot.xml", paimt("D-1"))
    house.sent()
    (held,) = house.given("again.xml", paimt("D-2"))
    assert (held.state, held.holds) == ("HELD", ["INVOICE_NUMBER_REUSED"])


# -- other formats --


def test_a_family_of_another_country_is_salvaged_by_its_folder_alone(house: ReturnHouse) -> None:
    wants(house, set_aside="refused")  # its schema is official
    house.source(software="Lasteplan")
    text = order(consignment(1), consignment(2, kind="FAT"), consignment(3))
    original, derived = house.given("opp.xml", text)
    assert (original.reason, derived.state, derived.invoices) == ("SALVAGED", "READY", 2)
    assert house.kept(derived.archive_ref) == order(consignment(1), consignment(3)).encode()
    assert aside(house) == (
        "OPP-1-R1.xml",
        order(consignment(2, kind="FAT"), number="OPP-1-R1").encode(),
    )
    found = row(house)
    assert (found.cents, found.kept_cents, found.aside_cents) == (37500, 25000, 12500)


@pytest.mark.parametrize(
    ("said", "kept", "back"),
    [
        ('Antall="3" Oere="37500"', 'Antall="2" Oere="25000"', 'Antall="1" Oere="12500"'),
        ("Oere='37500' Antall = '03'", "Oere='25000' Antall = '02'", "Oere='12500' Antall = '01'"),
        ('Antall="2" Oere="37500"', None, None),
        ('Antall="3" Oere="37501"', None, None),
    ],
)
def test_totals_of_the_head_are_those_of_each_part_and_wrong_ones_save_nothing(
    house: ReturnHouse, said: str, kept: str | None, back: str | None
) -> None:
    house.source(software="Lasteplan")
    text = order(consignment(1), consignment(2, kind="FAT"), consignment(3))
    made = house.given("opp.xml", text.replace("<f:Sendinger>", f"<f:Sendinger {said}>"))
    if kept is None:
        assert [(request.state, request.reason) for request in made] == [("REFUSED", "SCHEMA_VALUE")]
        assert house.replies("report")[0].facts["not_salvaged"] == both("validate.salvage_totals")
        return
    assert f"<f:Sendinger {kept}>".encode() in house.kept(made[1].archive_ref)
    assert f"<f:Sendinger {back}>".encode() in aside(house)[1]


def old_requests(*services: str) -> str:
    """An old-system document of one request for each date of service."""
    text = sample("ramq-dp", "valid_DP_RACIN_two_requests")
    start, end = text.index("<DP "), text.index("</DP>") + len("</DP>")
    one = text[start:end]
    date = one.split('SERV="')[1][:6]
    number = one.split('NCE="')[1].partition('"')[0]
    made = [
        one.replace(f'SERV="{date}"', f'SERV="{day}"').replace(f'NCE="{number}"', f'NCE="{n:0{len(number)}}"')
        for n, day in enumerate(services, 1)
    ]
    return text[:start] + "\n".join(made) + text[text.rindex("</DP>") + len("</DP>") :]


def test_the_letter_sets_an_invoice_of_the_old_system_aside_and_the_rest_travels_in_a_zip(house: ReturnHouse) -> None:
    house.agency("AGE-3", "18003", kind="solo", migrated=None)
    house.account("personal:251111", "AGE-3")
    wants(house, "AGE-3", set_aside="refused")
    with house.store.write() as tx:
        tx.session.get_one(Source, "SRC-3").salvage_agreed = date(2026, 1, 1)
    house.declares("SRC-3", software="Dentix")
    original, derived = house.given("dp.xml", old_requests("180302", "180502"), "SRC-3")
    key = f"DP-{derived.sha256[:16]}"  # the number follows from the bytes
    assert (original.reason, derived.state, derived.no_dem_ext, derived.wire_name) == (
        "SALVAGED",
        "READY",
        key,
        f"{key}.zip",
    )
    name, back = aside(house)
    assert name == f"{original.no_dem_ext}-R1.xml"
    found = row(house)
    assert found.cents == (found.kept_cents or 0) + (found.aside_cents or 0) > 0
    (same,) = house.given("lot.zip", zipped(a=old_requests("180302", "180502")), "SRC-3")
    assert (same.reason, same.duplicate_of) == ("REQUEST_REPEATED", derived.id)
    assert house.given(name, back.replace(b"180502", b"180303"), "SRC-3")[0].state == "READY"


# -- deaths --


@pytest.mark.parametrize(
    ("point", "hit"),
    [
        ("validate.divided", 1),
        ("validate.staged", 1),
        ("validate.staged", 2),
        ("validate.archived", 1),
        ("validate.recorded", 1),
    ],
)
def test_a_death_leaves_a_lot_that_is_not_judged_or_both_its_parts(
    house: ReturnHouse, killing: Callable[..., None], point: str, hit: int
) -> None:
    house.deposit("lot.xml", spoiled(paimt("D-1"), 2))
    house.collected()
    killing(point, hit)
    with pytest.raises(Killed):
        house.judged()
    assert (len(house.all(Request)), len(house.all(Salvage))) in ((0, 0), (2, 1))
    assert len(house.replies("report")) == len(house.all(Salvage))
    house.judged()
    assert sorted(request.state for request in house.all(Request)) == ["READY", "REFUSED"]
    assert len(house.all(Submission)) == len(house.all(Invoice)) == 2
    with house.store.read() as tx:  # what the dead one archived goes; all that counts stays
        swept = house.archive.sweep(lambda ref: kept.knows(tx, ref), datetime.max.replace(tzinfo=UTC))
    assert swept == {"validate.divided": 2, "validate.staged": 2, "validate.archived": 4}.get(point, 0)
    assert aside(house)[0] == "D-1-R1.xml"
    for request in house.all(Request):
        assert hashlib.sha256(house.kept(request.archive_ref)).hexdigest() == request.sha256


# -- what people see --


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_report_tells_what_goes_what_comes_back_and_why(house: ReturnHouse, lang: str) -> None:
    wants(house, language=lang)
    house.source(software="Lasteplan")
    house.given("opp.xml", order(consignment(1), consignment(2, kind="FAT")))
    house.distributed()
    files = house.at_the_agency()
    assert files["OPP-1-R1.xml"] == aside(house)[1]
    (page,) = (data.decode() for name, data in files.items() if name.startswith("report") and name.endswith("html"))
    (facts,) = (json.loads(data) for name, data in files.items() if name.startswith("report") and name.endswith("json"))
    original, derived = (request for request in house.all(Request))
    said = facts["salvage"]
    assert (said["sent"]["request"], said["sent"]["state"]) == (derived.id, "READY")
    assert (said["deposited_sha256"], said["sent"]["sha256"]) == (original.sha256, derived.sha256)
    assert said["totals"]["set_aside"] == {"invoices": 1, "cents": 12500}
    assert said["invoices"] == [{"number": "A-2", "ordinal": 2, "line": 4, "codes": ["SCHEMA_VALUE"]}]
    words = {
        "fr": ("Ce qui part et ce qui revient", "Mises de côté", "250,00\xa0$", "Une partie de ce document part"),
        "en": ("What goes and what comes back", "Set aside", "$250.00", "A part of this document goes"),
    }
    for word in (*words[lang], derived.id, original.sha256, derived.sha256, "OPP-1-R1.xml", "A-2", "SCHEMA_VALUE"):
        assert word in page, word
    assert CANARY not in page
