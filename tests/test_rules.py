"""What the shipped rules say at their edges; tests/test_validation.py judges a sample for each of them."""

from __future__ import annotations

import io
import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from support.house import paimt, sample

from gateway import catalog
from gateway.catalog import Catalog
from gateway.errors import CatalogError
from gateway.identifiers import make_nam
from gateway.report import Report
from gateway.resources import data_dir
from gateway.validation import check, judge

TODAY = date(2026, 10, 1)
SAMPLES = sorted(data_dir("schemas").glob("*/samples/*.xml"))


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog.load([data_dir("schemas")])


def judged(known: Catalog, text: str, on: date | None = TODAY) -> Report:
    return judge(io.BytesIO(text.encode()), "a.xml", known, on=on)


def codes(known: Catalog, text: str, on: date | None = TODAY) -> list[str]:
    return [found.code for found in judged(known, text, on).findings]


def of(nam: str) -> str:
    return paimt().replace("TREE84551711", nam)


@pytest.mark.parametrize("born", [date(1926, 10, 1), date(2026, 9, 1), date(1999, 12, 31), date(2000, 2, 29)])
@pytest.mark.parametrize("female", [True, False])
def test_a_health_number_of_either_century_is_right(born: date, female: bool, known: Catalog) -> None:
    assert codes(known, of(make_nam("TREMBLAY", "EMILIE", born, female))) == []


@pytest.mark.parametrize("written", ["000000", "841317", "845117", "846317", "840230", "990229", "840100"])
def test_a_health_number_that_names_no_day_is_told_once(written: str, known: Catalog) -> None:
    expected = [] if written == "845117" else ["NAM_BIRTH_DATE"]
    found = [code for code in codes(known, of(f"TREE{written}11")) if code != "NAM_CHECK_DIGIT"]
    assert found == expected


def test_every_wrong_check_digit_is_told_and_only_warns(known: Catalog) -> None:
    right = make_nam("TREMBLAY", "EMILIE", date(1950, 5, 5), True)
    for digit in "0123456789":
        report = judged(known, of(right[:11] + digit))
        assert report.verdict == "valid"
        expected = digit == right[11] or digit == make_nam("TREMBLAY", "EMILIE", date(2050, 5, 5), True)[11]
        if digit == right[11]:
            assert report.findings == []
        elif not expected:
            assert [f.code for f in report.findings] == ["NAM_CHECK_DIGIT"]


@pytest.mark.parametrize(("expiry", "expired"), [("1803", False), ("1802", True), ("2212", False), ("1712", True)])
def test_a_card_holds_to_the_end_of_its_month(expiry: str, expired: bool, known: Catalog) -> None:
    text = sample("ramq-dp", "valid_DP_RACIN_last_day").replace('EXPIR_CAM="2005"', f'EXPIR_CAM="{expiry}"')
    assert codes(known, text) == (["CARD_EXPIRED"] if expired else [])


@pytest.mark.parametrize(
    ("on", "said"),
    [
        (date(2026, 9, 13), ["SERVICE_IN_FUTURE"]),
        (date(2026, 9, 15), []),
        (date(2026, 11, 27), []),
        (date(2026, 11, 28), ["SUBMISSION_DAYS_LEFT"]),
        (date(2026, 12, 13), ["SUBMISSION_DAYS_LEFT"]),
        (date(2026, 12, 14), ["SUBMISSION_LIMIT"]),
        (None, []),
    ],
)
def test_the_limit_of_submission_is_counted_from_the_oldest_service(
    on: date | None, said: list[str], known: Catalog
) -> None:
    text = sample("ramq-rfp", "rule_1081_another_professional").replace("<id_prof>231235", "<id_prof>231234")
    assert codes(known, text, on) == said  # one invoice, of 2026-09-14
    assert ("SUBMISSION_LIMIT" in judged(known, text, on).not_checked) == (on is None)


def test_days_left_are_shown_in_both_languages(known: Catalog) -> None:
    text = sample("ramq-rfp", "rule_1081_another_professional").replace("<id_prof>231235", "<id_prof>231234")
    (found,) = judged(known, text, date(2026, 12, 11)).findings
    assert found.message["fr"] == "Il reste 2 jour(s) sur les 90 du délai de présentation."
    assert found.message["en"] == "2 day(s) are left of the 90 to submit."


def test_a_lot_that_straddles_a_rule_change_is_judged_invoice_by_invoice(known: Catalog) -> None:
    text = paimt().replace("2026-09-14", "2018-03-31").replace("2026-09-15", "2018-04-01")
    report = judged(known, text.replace("2026-08-20", "2018-03-01"), None)
    assert [(f.code, f.invoice.ordinal) for f in report.findings if f.invoice] == [("BEFORE_OPENING", 1)]
    assert report.invalid_invoices == 1


@pytest.mark.parametrize(("out", "outside"), [("2026-09-14", False), ("2026-09-13", True), (None, False)])
def test_a_stay_without_an_end_is_still_going_on(out: str | None, outside: bool, known: Catalog) -> None:
    text = sample("ramq-rfp", "valid_dem_paimt_physician_with_every_detail")
    end = f"<dat_sorti_pers_lieu>{out}</dat_sorti_pers_lieu>" if out else ""
    text = re.sub(r"<dat_sorti_pers_lieu>[^<]*</dat_sorti_pers_lieu>", end, text)
    assert codes(known, text) == (["SERVICE_OUTSIDE_STAY"] * 2 if outside else [])


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_no_finding_of_a_sample_holds_a_personal_value(file: Path, known: Catalog) -> None:
    text = file.read_text("utf-8")
    report = judged(known, text)
    document = next(d for f in known.families.values() for d in f.documents if d.name == report.document)
    values = {
        value for name in document.personal for value in re.findall(rf'(?:<{name}>|\s{name}=")([^<"]{{4,}})', text)
    }
    said = str([(f.message, f.next, f.path) for f in report.findings])
    assert [value for value in values if value in said] == []


@pytest.mark.parametrize(
    ("authority", "severity"), [("official", "error"), ("reconstructed", "error"), ("official", "info")]
)
def test_a_limit_of_time_never_refuses_whatever_a_family_writes(tmp_path: Path, authority: str, severity: str) -> None:
    home = tmp_path / "ramq-rfp"
    shutil.copytree(data_dir("schemas") / "ramq-rfp", home, ignore=shutil.ignore_patterns("samples"))
    file = home / "rules.toml"
    text = file.read_text("utf-8")
    old = 'code = "SUBMISSION_LIMIT"\nseverity = "warning"\n'
    assert old in text
    file.write_text(
        text.replace(old, f'code = "SUBMISSION_LIMIT"\nseverity = "{severity}"\nauthority = "{authority}"\n'), "utf-8"
    )
    if (authority, severity) == ("official", "error"):
        with pytest.raises(CatalogError, match="SUBMISSION_LIMIT"):
            catalog.load([tmp_path])
        return
    (report,) = check(paimt().encode(), catalog=catalog.load([tmp_path]), on=date(2027, 6, 1))
    assert "SUBMISSION_LIMIT" in {found.code for found in report.findings}
    assert not report.refused
