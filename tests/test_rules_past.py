"""What an agency's past says of its invoices: numbers that stand, tokens, cancellations, limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.house import AUTUMN, House, annu, paimt, sample

from gateway.models import (
    Agency,
    FindingRow,
    Invoice,
    Practitioner,
    PractitionerStanding,
    Reply,
    Request,
    Statement,
    StatementEntry,
    Submission,
)

NUMBER, TOKEN = "00000000101", "12345678"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def receivable(house: House, **invoice: object) -> Invoice:
    """The first invoice of a request, as the payer's answer leaves it."""
    house.given("lot.xml", paimt("D-1"))
    with house.store.write() as tx:
        known = tx.session.get_one(Invoice, next(i.id for i in house.all(Invoice) if i.no_fact_ext == "F-1"))
        for name, value in ({"no_fact_ramq": NUMBER, "jeton_comm": TOKEN} | invoice).items():
            setattr(known, name, value)
        tx.session.get_one(Submission, (known.request_id, known.ordinal)).verdict = "receivable"
    return known


def modification(token: str = TOKEN) -> str:
    return sample("ramq-rfp", "valid_dem_modif_dentist").replace(TOKEN, token).replace("F-0001", "F-1")


def findings(house: House) -> list[dict[str, object]]:
    return list(house.replies("report")[-1].facts["findings"])


def shown(house: House, invoice: Invoice, days_ago: int) -> None:
    """A statement of that long ago shows the invoice."""
    dated = (AUTUMN - timedelta(days=days_ago)).date()
    amounts = dict.fromkeys(("paid_cents", "withheld_cents", "carried_in_cents", "carried_out_cents", "total_cents"), 0)
    with house.store.write() as tx:
        tx.session.add(
            Reply(id=f"RET-{dated}", kind="statement", state="DISTRIBUTED", name="ec.xml", created_at=tx.now)
        )
        tx.session.flush()
        tx.session.add(
            Statement(
                reply_id=f"RET-{dated}",
                payer="sandbox",
                no_etat_compte=str(dated),
                dated=dated,
                period="202601",
                mode="ACTE",
                system="RFP",
                account="personal:231234",
                agency_id="AGE-1",
                **amounts,
            )
        )
        tx.session.add(
            StatementEntry(reply_id=f"RET-{dated}", position=1, invoice_id=invoice.id, kind="COUR", paid_cents=0)
        )


def test_a_modification_for_a_practitioner_who_stopped_is_told_like_a_new_invoice(house: House) -> None:
    receivable(house)
    now = house.clock.now()
    house.add(Practitioner(id="231234", profession="dentist", recorded_at=now))
    standing = {"practitioner_id": "231234", "standing": "moved", "valid_from": date(2016, 7, 1), "recorded_at": now}
    house.add(PractitionerStanding(id="PST-1", **standing))
    house.given("modif.xml", modification())
    assert "PRACTITIONER_STOPPED" in {found["code"] for found in findings(house)}


def test_a_number_used_before_is_told_with_what_became_of_the_first(house: House) -> None:
    invoice = receivable(house)
    house.given("again.xml", paimt("D-2", second="F-9"))
    (said,) = findings(house)
    assert said["code"] == "INVOICE_NUMBER_REUSED"
    assert f"({invoice.request_id}) was judged receivable" in said["message"]["en"]  # type: ignore[index]


def test_a_change_with_the_payers_latest_token_goes(house: House) -> None:
    receivable(house)
    (request,) = house.given("m.xml", modification())
    assert (request.state, request.holds) == ("READY", [])


def test_a_change_with_an_older_token_is_held(house: House) -> None:
    receivable(house, jeton_comm="99999999")
    (request,) = house.given("m.xml", modification())
    assert request.holds == ["TOKEN_DIFFERS"]
    assert TOKEN not in str(findings(house))


def test_a_cancelled_invoice_is_neither_changed_nor_cancelled_again(house: House) -> None:
    receivable(house, cancelled_by="DEM-before", jeton_comm=None)
    (modified,) = house.given("m.xml", modification())
    (cancelled,) = house.given("a.xml", annu())
    assert modified.holds == ["INVOICE_CANCELLED"]
    assert set(cancelled.holds) == {"INVOICE_CANCELLED", "INVOICE_UNKNOWN"}  # its second invoice is nobody's
    assert "DEM-before" in findings(house)[0]["message"]["fr"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("days_ago", "codes"),
    [
        ((10,), []),
        ((74,), []),
        ((75,), ["CHANGE_DAYS_LEFT"]),
        ((90,), ["CHANGE_DAYS_LEFT"]),
        ((91,), ["CHANGE_LIMIT"]),
        ((200, 70), []),
    ],
)
def test_the_limit_to_modify_counts_from_the_latest_statement_and_only_warns(
    days_ago: tuple[int, ...], codes: list[str], house: House
) -> None:
    invoice = receivable(house)
    for days in days_ago:
        shown(house, invoice, days)
    (request,) = house.given("m.xml", modification())
    assert (request.state, [row.code for row in house.all(FindingRow)]) == ("READY", codes)


def test_the_days_left_to_modify_are_told(house: House) -> None:
    shown(house, receivable(house), 85)
    house.given("m.xml", modification())
    with house.archive.open(house.all(Request)[-1].report_ref or "") as stream:
        (found,) = json.load(stream)["findings"]
    assert found["message"]["en"].endswith(
        "5 day(s) are left of the 90 since the most recent statement that shows it (2026-07-08)."
    )


def test_a_replacement_under_another_number_is_told_and_goes(house: House) -> None:
    receivable(house)
    (request,) = house.given("m.xml", modification().replace("F-1", "F-77"))
    assert (request.state, [row.code for row in house.all(FindingRow)]) == ("READY", ["INVOICE_NUMBER_DIFFERS"])


def wanting(house: House, **rules: str) -> None:
    """The agency wants these severities."""
    with house.store.write() as tx:
        tx.session.get_one(Agency, "AGE-1").rules = rules


def test_an_agency_gives_a_rule_another_severity(house: House) -> None:
    another = paimt("D-1").replace("<id_prof>231234", "<id_prof>231235", 1)
    (held,) = house.given("a.xml", another)
    assert held.holds == ["1081"]
    wanting(house, **{"1081": "warning", "NAM_CHECK_DIGIT": "error"})
    (goes,) = house.given("b.xml", another.replace("D-1", "D-2").replace("F-1", "F-8").replace("F-2", "F-9"))
    assert (goes.state, goes.invalid_invoices, goes.findings) == ("READY", 0, 1)
    (strict,) = house.given("c.xml", paimt("D-3", first="F-5", second="F-6").replace("TREE84551711", "TREE84551712"))
    assert (strict.holds, strict.invalid_invoices) == (["NAM_CHECK_DIGIT"], 1)


def test_no_agency_gives_away_what_the_payer_refuses_or_what_could_go_astray(house: House) -> None:
    wanting(house, **dict.fromkeys(("956", "FOREIGN_NUMBER", "NUMBER_UNKNOWN", "INVOICE_NUMBER_REUSED"), "info"))
    (old,) = house.given("old.xml", sample("ramq-dp", "rule_956_service_after_the_old_system"))
    assert (old.state, old.reason) == ("REFUSED", "956")
    (unknown,) = house.given("a.xml", paimt("D-1", sender="18777"))
    assert unknown.holds == ["NUMBER_UNKNOWN"]
    (again,) = house.given("b.xml", paimt("D-2"))
    assert again.holds == ["INVOICE_NUMBER_REUSED"]


@pytest.mark.parametrize(("billed", "said"), [("2026-06-01", True), ("2026-09-14", False)])
def test_a_modification_that_adds_a_late_service_is_warned_of(house: House, billed: str, said: bool) -> None:
    known = receivable(house)
    with house.store.write() as tx:
        row = tx.session.get_one(Submission, (known.request_id, known.ordinal))
        row.first_service = row.last_service = date.fromisoformat(billed)
    house.clock.advance(timedelta(days=100))
    house.given("modif.xml", modification())
    assert ("CHANGE_ADDS_LATE" in [found.code for found in house.all(FindingRow)]) == said
