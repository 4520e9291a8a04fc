"""Versions of a family side by side, and schemas in XSD 1.1: chosen and judged by what the folder says."""

from __future__ import annotations

import io
import shutil
from datetime import date
from pathlib import Path

import pytest
from support.family import HERE, document, invoice

from gateway import catalog
from gateway.catalog import Catalog
from gateway.report import InvoiceIndex, Report
from gateway.validation import judge

ASSERTION = '<xs:assert test="montant le 100" xpathDefaultNamespace="##targetNamespace"/>'


def write(
    folder: Path, name: str, *, head: str = "", schema: tuple[str, str] | None = None, version: str = "1"
) -> Path:
    """A version of the family, with lines for the head of its catalog and a replacement in its schema."""
    home = folder / name
    shutil.copytree(HERE, home)
    text = (home / "catalog.toml").read_text("utf-8").replace('version = "1"', f'version = "{version}"\n{head}')
    (home / "catalog.toml").write_text(text, "utf-8")
    if schema is not None:
        xsd = (home / "lot.xsd").read_text("utf-8")
        assert schema[0] in xsd
        (home / "lot.xsd").write_text(xsd.replace(*schema), "utf-8")
    return folder


def judged(known: Catalog, text: str, on: date | None = None) -> Report:
    return judge(io.BytesIO(text.encode()), "a.xml", known, on=on)


@pytest.fixture
def two(tmp_path: Path) -> Catalog:
    write(tmp_path, "essai")
    longer = ('<xs:length value="6"/>', '<xs:length value="7"/>')
    return catalog.load([write(tmp_path, "essai@2026", head="from = 2026-04-01", schema=longer, version="2")])


def test_the_version_valid_on_the_latest_service_judges(two: Catalog) -> None:
    before, after = document(invoice(1, date="2026-03-31")), document(invoice(1, date="2026-04-01", prof="2712345"))
    assert (judged(two, before).version, judged(two, before).verdict) == ("1", "valid")
    assert (judged(two, after).version, judged(two, after).verdict) == ("2", "valid")


def test_a_request_that_straddles_the_change_is_judged_invoice_by_invoice(two: Catalog) -> None:
    old, new = {"date": "2026-03-31"}, {"date": "2026-04-02", "prof": "2712345"}
    heard: list[InvoiceIndex] = []
    text = document(*(invoice(n, **(new if n % 2 else old)) for n in range(1, 601)))
    report = judge(io.BytesIO(text.encode()), "a.xml", two, sink=heard.append)
    assert (report.version, report.verdict, report.invoices, report.findings) == ("2", "valid", 600, [])
    assert sorted(one.ordinal for one in heard) == list(range(1, 601))
    assert all(one.valid for one in heard)
    wrong = document(invoice(1, **old), invoice(2, **old | {"prof": "2712345"}), invoice(3, **new | {"prof": "271234"}))
    report = judged(two, wrong)
    assert [(f.code, f.line, f.invoice and f.invoice.ordinal) for f in report.findings] == [
        ("SCHEMA_VALUE", 4, 2),
        ("SCHEMA_VALUE", 5, 3),
    ]
    assert (report.findings_total, report.invalid_invoices, report.verdict) == (2, 2, "invalid")
    header = judged(two, document(invoice(1, **old), invoice(2, **new), head="<no>A-1</no>"))
    assert [f.path for f in header.findings] == [f.path for f in judged(two, document(head="<no>A-1</no>")).findings]
    cut = judged(two, text[:40_000])
    assert [f.code for f in cut.findings] == ["NOT_WELL_FORMED"]


def test_without_a_service_the_day_decides_and_without_a_day_the_newest(two: Catalog) -> None:
    assert judged(two, document(), on=date(2026, 3, 31)).version == "1"
    assert judged(two, document(), on=date(2026, 4, 1)).version == "2"
    assert judged(two, document()).version == "2"


def test_a_family_has_one_name_whatever_its_edition(two: Catalog) -> None:
    assert list(two.families) == ["essai"]
    assert [family.version for family in two.versions["essai"]] == ["2", "1"]
    assert two.families["essai"].version == "2"
    assert two.document("essai", "lot", date(2026, 1, 1)).version == "1"
    assert judged(two, document()).format == "essai"


def test_an_own_folder_or_version_comes_before_the_shipped_one(tmp_path: Path) -> None:
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    write(own, "essai@copy"), write(own, "essai@new", version="2")
    write(shipped, "essai"), write(shipped, "essai@new", version="3")
    known = catalog.load([own, shipped])
    assert {(family.version, family.folder.parent.name) for family in known.versions["essai"]} == {
        ("1", "own"),
        ("2", "own"),
    }


def test_a_schema_in_xsd_1_1_is_judged_invoice_by_invoice_with_the_same_codes(tmp_path: Path) -> None:
    known = catalog.load([write(tmp_path / "a", "essai")])
    newer = catalog.load([write(tmp_path / "b", "essai", head='xsd = "1.1"')])
    text = document(
        *(invoice(n) for n in range(1, 60)),
        invoice(60, sexe="X"),
        invoice(61, date="2024-02-31", rest='<ligne n="1"/><ligne n="1"/>'),
        invoice(62, rest="<autre/>"),
        invoice(63, rest='<ligne m="1" n="3"/>'),
        *(invoice(n) for n in range(64, 70)),
        tail="<total>x</total>",
        head="<autre/><agence>18-001</agence>",
    )
    first, second = judged(known, text), judged(newer, text)
    places, more = ({(f.code, f.line, f.column, f.path) for f in report.findings} for report in (first, second))
    assert len(places) > 5
    assert places <= more
    # libxml2 stops at an unexpected child; the second judge goes on.
    assert {path for *_, path in more - places} == {"/lot/agence", "/lot/total"}
    assert (first.invoices, first.invalid_invoices) == (second.invoices, second.invalid_invoices) == (69, 4)


def test_what_only_xsd_1_1_can_say_is_told_with_the_schemas_condition(tmp_path: Path) -> None:
    after = ('<xs:attribute name="serie"/>', f'<xs:attribute name="serie"/>{ASSERTION}')
    known = catalog.load([write(tmp_path, "essai", head='xsd = "1.1"', schema=after)])
    report = judged(known, document(invoice(1), invoice(2, montant="100.01"), invoice(3)))
    (found,) = report.findings
    assert (found.code, found.path, found.invoice and found.invoice.ordinal) == (
        "SCHEMA_OTHER",
        "/lot/corps/envoi[2]",
        2,
    )
    assert "montant le 100" in found.message["fr"]
    assert "100.01" not in str(found)


def test_a_schema_in_xsd_1_1_that_cannot_be_used_judges_nothing(tmp_path: Path) -> None:
    broken = ('type="xs:date"', 'type="xs:day"')
    known = catalog.load([write(tmp_path, "essai", head='xsd = "1.1"', schema=broken)])
    report = judged(known, document(invoice(1)))
    assert (report.verdict, [f.code for f in report.findings]) == ("not_judged", ["NOT_JUDGED"])
