"""Validate: what becomes READY, HELD or REFUSED, what the agency is told, and when what was held may go."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from support.dying import Killed
from support.house import House, annu, paimt, sample, zipped

from gateway.errors import NotHeldFor
from gateway.models import Batch, FindingRow, Invoice, Reply, Request, Submission
from gateway.stages.validate import POINTS
from gateway.states import RequestState
from gateway.store import deposits, moves, requests


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def test_a_valid_request_is_ready_to_go_under_its_number(house: House) -> None:
    (request,) = house.given("lot.xml", paimt())
    assert (request.state, request.payer, request.number) == ("READY", "sandbox", "18001")
    assert (request.no_dem_ext, request.action, request.account) == ("D-1", "new", "personal:231234")
    assert (request.wire_name, request.wire_ref) == ("D-1.xml", request.archive_ref)
    assert request.software == "18001 FactSoft 4.2"
    assert house.batch().state == "VALIDATED"
    assert house.replies("report") == []


def test_each_invoice_has_its_row_without_anything_of_the_patient(house: House) -> None:
    (request,) = house.given("lot.xml", paimt())
    first, second = sorted(house.all(Submission), key=lambda s: s.ordinal)
    assert (first.no_fact_ext, first.practice, first.lines, first.action) == ("F-1", "231234", 2, "new")
    assert (first.first_service, second.first_service) == (date(2026, 9, 14), date(2026, 9, 15))
    invoices = {invoice.id: invoice for invoice in house.all(Invoice)}
    assert {first.invoice_id, second.invoice_id} == set(invoices)
    assert {(i.request_id, i.payer, i.account) for i in invoices.values()} == {
        (request.id, "sandbox", "personal:231234")
    }
    assert "TREE84551711" not in repr(house.all(Submission)) + repr(house.all(Invoice)) + repr(house.all(Reply))


def test_a_broken_document_is_refused_with_a_report(house: House) -> None:
    (request,) = house.given("lot.xml", paimt()[:-20])
    assert (request.state, request.reason, request.invoices) == ("REFUSED", "NOT_WELL_FORMED", 0)
    assert (house.batch().state, house.batch().reason) == ("REFUSED", "NOT_WELL_FORMED")
    assert house.all(Submission) == []
    (report,) = house.replies("report")
    assert (report.state, report.key, report.source_id) == ("MATCHED", request.id, "SRC-1")
    assert report.facts["findings"][0]["code"] == "NOT_WELL_FORMED"
    assert report.facts["findings"][0]["line"] is not None
    assert report.facts["state"] == "REFUSED"
    kept = json.loads(house.kept(request.report_ref))
    assert (kept["request"], kept["verdict"]) == (request.id, "invalid")


def test_errors_of_a_reconstructed_schema_hold_and_do_not_refuse(house: House) -> None:
    text = sample("ramq-rfp", "invalid_dem_paimt_role")
    (request,) = house.given("lot.xml", text)
    assert request.state == "HELD"
    assert request.holds == ["SCHEMA_VALUE"]
    assert [row.code for row in house.all(FindingRow)] == ["SCHEMA_VALUE"]
    assert house.replies("report")[0].facts["state"] == "HELD"


def test_the_letter_refuses_an_old_document_with_a_new_service(house: House) -> None:
    house.agency("AGE-3", "18003", kind="solo", migrated=None)
    house.account("personal:251111", "AGE-3")
    (request,) = house.given("dp.xml", sample("ramq-dp", "rule_956_service_after_the_old_system"), "SRC-3")
    assert (request.state, request.reason) == ("REFUSED", "956")
    assert {invoice.request_id for invoice in house.all(Invoice)} == {request.id}


def test_an_old_document_travels_in_a_zip_that_is_always_the_same(house: House) -> None:
    house.agency("AGE-3", "18003", kind="solo", migrated=None)
    house.account("personal:251111", "AGE-3")
    text = sample("ramq-dp", "valid_DP_RACIN_two_requests")
    (request,) = house.given("dp.xml", text, "SRC-3")
    key = f"DP-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    assert (request.state, request.wire_name, request.no_dem_ext) == ("READY", f"{key}.zip", key)
    wire = house.kept(request.wire_ref)
    assert hashlib.sha256(wire).hexdigest() == request.wire_sha256
    with zipfile.ZipFile(io.BytesIO(wire)) as archive:
        (entry,) = archive.infolist()
        assert (entry.filename, entry.date_time) == (f"{key}.xml", (1980, 1, 1, 0, 0, 0))
        assert archive.read(entry) == text.encode()


def test_each_document_of_a_zip_stands_for_itself(house: House) -> None:
    made = house.given(
        "lot.zip", zipped(good=paimt("D-1"), bad="<broken", held=paimt("D-2", first="F-3", sender="18777"))
    )
    assert {r.member: r.state for r in made} == {"good.xml": "READY", "bad.xml": "REFUSED", "held.xml": "HELD"}
    assert house.batch().state == "VALIDATED"
    assert len(house.replies("report")) == 2
    assert {r.facts["file"] for r in house.replies("report")} == {"lot.zip!/bad.xml", "lot.zip!/held.xml"}


def test_one_bad_document_refuses_the_whole_zip_of_a_strict_source(house: House) -> None:
    house.source(strict=True)
    made = house.given("lot.zip", zipped(good=paimt("D-1"), bad="<broken"))
    assert {r.member: r.reason for r in made} == {"good.xml": "STRICT_LOT", "bad.xml": "NOT_WELL_FORMED"}
    assert house.batch().state == "REFUSED"
    assert {r.facts["findings"][0]["code"] for r in house.replies("report")} == {"STRICT_LOT", "NOT_WELL_FORMED"}


def test_a_zip_that_cannot_be_read_is_refused_as_a_lot(house: House) -> None:
    house.given("lot.zip", zipped(a=paimt())[:-30])
    batch = house.batch()
    assert (batch.state, batch.reason) == ("REFUSED", "HOSTILE_ARCHIVE")
    (report,) = house.replies("report")
    assert (report.key, report.facts["state"]) == (batch.id, "REFUSED")
    assert house.all(Request) == []


def test_the_same_document_twice_in_a_lot_points_at_the_first(house: House) -> None:
    first, second = house.given("lot.zip", zipped(a=paimt(), b=paimt()))
    assert (first.state, second.state, second.reason) == ("READY", "REFUSED", "REQUEST_REPEATED")
    assert second.duplicate_of == first.id
    assert len(house.all(Submission)) == 2


def test_other_bytes_under_the_same_number_in_a_lot_are_held(house: House) -> None:
    first, second = house.given("lot.zip", zipped(a=paimt(), b=paimt(first="F-8", second="F-9")))
    assert (first.state, second.state, second.holds) == ("READY", "HELD", ["REQUEST_NUMBER_REUSED"])


def test_a_request_repeated_in_a_later_lot_points_at_the_first(house: House) -> None:
    (first,) = house.given("lot.xml", paimt())
    (second,) = house.given("lot.zip", zipped(a=paimt()))
    assert (second.state, second.duplicate_of) == ("REFUSED", first.id)
    assert house.replies("report")[0].facts["duplicate_of"] == first.id


def test_a_number_may_be_used_again_after_the_payer_said_no(house: House) -> None:
    (first,) = house.given("lot.xml", paimt())
    over(house, first)
    (second,) = house.given("lot.xml", paimt(second="F-9"))
    assert second.state == "READY"


def over(house: House, request: Request) -> None:
    with house.store.write() as tx:
        moves.move(tx, request, RequestState.HELD, "test", holds=["test"])
        moves.move(tx, request, RequestState.NOT_RECEIVABLE, "test")


def test_an_invoice_number_that_stands_already_holds_the_request(house: House) -> None:
    house.given("lot.xml", paimt("D-1", first="F-1"))
    (second,) = house.given("lot.xml", paimt("D-2", first="F-7", second="F-1"))
    assert second.holds == ["INVOICE_NUMBER_REUSED"]
    (finding,) = house.replies("report")[0].facts["findings"]
    assert finding["invoice"]["number"] == "F-1"
    assert finding["invoice"]["ordinal"] == 2


def test_an_invoice_number_used_twice_in_one_zip_holds_the_second_request(house: House) -> None:
    made = house.given("lot.zip", zipped(a=paimt("D-1"), b=paimt("D-2", second="F-9")))
    assert [request.holds for request in made] == [[], ["INVOICE_NUMBER_REUSED"]]


def test_an_unknown_sender_number_is_held_and_another_agencys_refused(house: House) -> None:
    house.agency("AGE-2", "18002")
    (unknown,) = house.given("a.xml", paimt("D-1", sender="18777"))
    (foreign,) = house.given("b.xml", paimt("D-2", first="F-3", second="F-4", sender="18002"))
    assert (unknown.state, unknown.holds) == ("HELD", ["NUMBER_UNKNOWN"])
    assert (foreign.state, foreign.reason) == ("REFUSED", "FOREIGN_NUMBER")


def test_a_test_number_never_goes_to_a_production_payer(house: House, tmp_path: Path) -> None:
    house.configure(tmp_path, environment="production")
    (request,) = house.given("lot.xml", paimt())
    assert (request.state, request.reason) == ("REFUSED", "TEST_NUMBER_IN_PRODUCTION")


def test_only_a_solo_practitioner_may_leave_the_sender_out(house: House) -> None:
    text = sample("ramq-rfp", "valid_dem_paimt_solo_without_sender")
    (request,) = house.given("lot.xml", text)
    assert "SENDER_MISSING" in request.holds
    house.agency("AGE-3", "18003", kind="solo")
    house.account("personal:230000", "AGE-3")
    (stranger,) = house.given("lot.xml", text, "SRC-3")
    assert "SENDER_MISSING" in stranger.holds
    house.agency("AGE-4", "18004", kind="solo")
    house.account(f"personal:{request.requester}", "AGE-4")
    (own,) = house.given("lot.xml", text, "SRC-4")
    assert (own.state, own.number) == ("READY", "18004")


def test_an_agency_that_has_not_migrated_is_held_back_from_the_new_system(house: House) -> None:
    house.agency("AGE-2", "18002", migrated=None)
    house.account("admin:12345", "AGE-2")
    (request,) = house.given("lot.xml", paimt(sender="18002"), "SRC-2")
    assert "AGENCY_NOT_MIGRATED" in request.holds


def test_a_service_before_its_professions_opening_is_held(house: House) -> None:
    (request,) = house.given("lot.xml", paimt().replace("2026-09-14", "2018-03-30"))
    assert request.holds == ["BEFORE_OPENING"]


def test_a_format_without_payer_is_held(house: House, tmp_path: Path) -> None:
    house.configure(tmp_path, formats=("ramq-dp",), on_repeat="unknown")
    (request,) = house.given("lot.xml", paimt())
    assert (request.state, request.holds, request.payer) == ("HELD", ["NO_PAYER"], None)
    house.configure(tmp_path)
    house.judged()
    assert house.request("D-1").state == "READY"
    assert {invoice.payer for invoice in house.all(Invoice)} == {"sandbox"}


def test_a_reply_that_is_deposited_is_no_request(house: House) -> None:
    (request,) = house.given("lot.xml", sample("ramq-rfp", "valid_dem_paimt_recev_partly_receivable"))
    assert (request.state, request.reason) == ("REFUSED", "UNKNOWN_DOCUMENT")


def test_an_account_the_registry_learns_about_is_released(house: House) -> None:
    text = paimt().replace("<typ_moda_paimt>1</typ_moda_paimt>", ADMINISTRATIVE)
    (request,) = house.given("lot.xml", text)
    assert request.holds == ["ACCOUNT_UNKNOWN"]
    assert house.judged().worked == 0
    house.account("admin:54321", "AGE-1", "231234")
    assert house.judged().worked == 1
    request = house.request("D-1")
    assert (request.state, request.holds, request.reason) == ("READY", [], None)


ADMINISTRATIVE = "<typ_moda_paimt>2</typ_moda_paimt><no_cpte_admin>54321</no_cpte_admin>"


def test_an_accreditation_takes_effect_when_its_day_begins_in_toronto(house: House) -> None:
    text = paimt().replace("<typ_moda_paimt>1</typ_moda_paimt>", ADMINISTRATIVE)
    house.account("admin:54321", "AGE-1", since=date(2026, 10, 2))
    (request,) = house.given("lot.xml", text)
    assert request.holds == ["ACCOUNT_NOT_YET"]
    house.later(hours=11, minutes=59)  # 23:59 in Quebec; in UTC the day has long begun
    house.judged()
    assert house.request("D-1").state == "HELD"
    house.later(minutes=1)
    house.judged()
    assert house.request("D-1").state == "READY"


def test_another_agencys_account_is_held(house: House) -> None:
    house.agency("AGE-2", "18002")
    house.account("admin:54321", "AGE-2")
    (request,) = house.given("lot.xml", paimt().replace("<typ_moda_paimt>1</typ_moda_paimt>", ADMINISTRATIVE))
    assert request.holds == ["ACCOUNT_OTHER_AGENCY"]


def test_every_account_of_an_old_document_is_asked_about(house: House) -> None:
    house.agency("AGE-3", "18003", kind="solo", migrated=None)
    house.account("personal:251111", "AGE-3")
    text = sample("ramq-dp", "valid_DP_RACIN_two_requests").replace('DISP="251111"', 'DISP="252222"', 1)
    (request,) = house.given("dp.xml", text, "SRC-3")
    assert request.holds == ["ACCOUNT_UNKNOWN", "SOLO_OTHER_HOLDER"]


def test_a_cancellation_of_unknown_invoices_waits_until_they_are_known(house: House) -> None:
    house.given("lot.xml", paimt())
    (cancel,) = house.given("a.xml", annu())
    assert cancel.holds == ["INVOICE_UNKNOWN"]
    known(house, "00000000101", "00000000102")
    house.judged()
    assert house.request("A-1").state == "READY"
    links = {s.invoice_id for s in house.all(Submission) if s.request_id == cancel.id}
    assert links == {invoice.id for invoice in house.all(Invoice)}


def known(house: House, *numbers: str) -> None:
    """The payer gave the invoices their numbers."""
    with house.store.write() as tx:
        for invoice, number in zip(sorted(house.all(Invoice), key=lambda i: i.ordinal), numbers, strict=True):
            tx.session.get_one(Invoice, invoice.id).no_fact_ramq = number


def test_a_cancellation_has_the_account_of_its_invoices(house: House) -> None:
    house.given("lot.xml", paimt())
    known(house, "00000000101", "00000000102")
    (cancel,) = house.given("a.xml", annu())
    assert cancel.state == "READY"
    assert {s.account for s in house.all(Submission) if s.request_id == cancel.id} == {"personal:231234"}


def test_a_person_releases_despite_a_finding_and_it_is_not_asked_again(house: House) -> None:
    (request,) = house.given("lot.xml", sample("ramq-rfp", "invalid_dem_paimt_role"))
    with house.store.write() as tx:
        assert requests.release(tx, request, despite=[], reason="seen") == ["SCHEMA_VALUE"]
        assert requests.release(tx, request, despite=["SCHEMA_VALUE"], reason="seen") == []
    assert (request.state, request.despite) == ("READY", ["SCHEMA_VALUE"])


def test_nobody_can_release_despite_a_code_the_request_is_not_held_for(house: House) -> None:
    (request,) = house.given("lot.xml", sample("ramq-rfp", "invalid_dem_paimt_role"))
    with pytest.raises(NotHeldFor) as caught, house.store.write() as tx:
        requests.release(tx, request, despite=["SCHEMA_VALUE", "SCHEMA_VALEU"], reason="seen")
    assert (caught.value.codes, caught.value.held_for) == (["SCHEMA_VALEU"], ["SCHEMA_VALUE"])
    assert [one.state for one in house.all(Request)] == ["HELD"]


def test_nobody_can_release_another_agencys_number(house: House) -> None:
    house.agency("AGE-2", None)
    house.given("lot.xml", paimt(sender="18777"))
    house.number("18777", "AGE-2")
    house.judged()
    held = house.request("D-1")
    assert (held.state, held.holds) == ("HELD", ["FOREIGN_NUMBER"])
    with house.store.write() as tx:
        assert requests.release(tx, held, despite=["FOREIGN_NUMBER"], reason="no") == ["FOREIGN_NUMBER"]


def test_a_person_holds_releases_and_cancels(house: House) -> None:
    (request,) = house.given("lot.xml", paimt())
    with house.store.write() as tx:
        requests.hold(tx, request, reason="wait for the doctor")
        assert request.holds == ["person"]
    house.judged()
    assert house.request("D-1").state == "HELD"
    with house.store.write() as tx:
        assert requests.release(tx, request, despite=(), reason="the doctor called") == []
        requests.cancel(tx, request, reason="no longer wanted")
    assert house.request("D-1").state == "CANCELLED"


def test_a_document_that_could_not_be_judged_holds_its_lot(house: House, tmp_path: Path) -> None:
    house.with_broken_schema(tmp_path)
    house.given("lot.xml", paimt())
    batch = house.batch()
    assert (batch.state, batch.reason) == ("HELD", "NOT_JUDGED")
    assert (house.all(Request), house.all(Submission)) == ([], [])
    assert house.replies("report")[0].key == batch.id
    house.with_shipped_schemas()
    with house.store.write() as tx:
        deposits.release(tx, batch, reason="schema repaired")
    house.judged()
    assert house.request("D-1").state == "READY"


@pytest.mark.parametrize("point", [p for p in POINTS if p not in ("validate.asked", "validate.divided")])
def test_a_lot_is_judged_once_when_the_process_dies(house: House, killing: Callable[..., None], point: str) -> None:
    house.deposit("lot.zip", zipped(a=paimt("D-1"), b=paimt("D-2", first="F-3", second="F-4"), c="<broken"))
    house.collected()
    killing(point)
    with pytest.raises(Killed):
        house.judged()
    house.judged()
    assert house.batch().state == "VALIDATED"
    assert sorted(request.state for request in house.all(Request)) == ["READY", "READY", "REFUSED"]
    made = {request.id for request in house.all(Request)}
    assert len(house.all(Submission)) == len(house.all(Invoice)) == 4
    assert {row.request_id for row in house.all(Submission) + house.all(FindingRow)} <= made
    assert len(house.replies("report")) == 1


def test_a_lot_that_breaks_the_machinery_does_not_stop_the_next(house: House) -> None:
    house.deposit("a.xml", paimt("D-1"))
    house.deposit("b.xml", paimt("D-2", first="F-3", second="F-4"))
    house.collected()
    lost = next(batch for batch in house.all(Batch) if batch.name == "a.xml")
    house.archive.erase(lost.id)
    assert house.judged().worked == 1
    assert house.states() == {"D-2": "READY"}
    assert {batch.name: batch.state for batch in house.all(Batch)} == {"a.xml": "COLLECTED", "b.xml": "VALIDATED"}


def test_a_document_that_takes_its_lot_beyond_the_limit_of_invoices_is_refused(house: House, tmp_path: Path) -> None:
    house.configure(tmp_path, gateway={"max_invoices": 5})
    crowd = paimt("D-2").replace("</liste_fact>", "<a/>" * 9 + "</liste_fact>")
    house.given("lot.zip", zipped(a=paimt("D-1"), b=crowd, c=paimt("D-3", first="F-3", second="F-4")))
    assert house.states() == {"D-1": "READY", "D-2": "REFUSED", "D-3": "READY"}
    assert house.request("D-2").reason == "HOSTILE_SIZE"
    (report,) = house.replies("report")
    assert report.facts["findings"][0]["next"] == {
        "fr": "Répartissez les factures en plusieurs lots.",
        "en": "Spread the invoices over several lots.",
    }
