"""A report shows the line it speaks of, and never a patient: only keys of the catalog keep their value."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from lxml import etree

from gateway import catalog as catalogs
from gateway.rendering import report_text
from gateway.rendering.data import reports_json
from gateway.rendering.excerpt import COVER, covered, excerpts
from gateway.rendering.junit import reports_junit
from gateway.rendering.overview import reports_html
from gateway.rendering.sarif import reports_sarif
from gateway.report import Finding, InvoiceRef, Report
from gateway.resources import data_dir
from gateway.validation import check, shipped

KEYS = frozenset({"code", "day", "DAY"})
SAMPLES = sorted(data_dir("schemas").glob("*/samples/*.xml"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<code>12345</code><b>x</b>", "<code>12345</code>"),
        ("<p:code>12-3</p:code>", "<p:code>12-3</p:code>"),
        ("<name>Tremblay</name>", f"<name>{COVER}</name>"),
        ("<code>Tremblay</code>", f"<code>{COVER}</code>"),  # a name in the wrong place
        ("<code>TREM12345678</code>", f"<code>{COVER}</code>"),  # an insured person's number in the wrong place
        ("<code>TREM 1234 5678</code>", f"<code>{COVER}</code>"),
        ("<code>123", f"<code>{COVER}"),  # goes on in the next line
        ("<code>123<!-- Tremblay --></code>", f"<code>{COVER}"),
        ("<code><![CDATA[12]]></code>", "<code>"),
        ("<code>12</other>", f"<code>{COVER}"),
        ('<act DAY="2026-01-02" NOM="Roy" day=\'7\'/> Roy', f'<act DAY="2026-01-02" NOM="{COVER}" day="7"/>'),
        ('<act DAY="" NOM="Roy', f"<act {COVER}"),
        ("<list>", "<list>"),
        ("<!-- Roy -->", COVER),
        ("Roy <b>", COVER),
        ("</code>", COVER),
        ("<code", f"<code {COVER}"),
    ],
)
def test_only_keys_that_look_like_keys_are_shown(text: str, shown: str) -> None:
    assert covered(text, KEYS) == shown


def test_no_value_of_a_sample_but_its_keys_is_ever_shown() -> None:
    """Every element of every shipped sample, as if it were the one at fault."""
    catalog = shipped()
    for file in SAMPLES:
        source = file.read_bytes()
        report = check(source, name=file.name)[0]
        if report.document is None or report.format is None:
            continue
        document = catalog.document(report.format, report.document)
        root = etree.fromstring(source)
        for element in root.iter("*"):
            name = etree.QName(element).localname
            found = covered(etree.tostring(element, encoding="unicode", with_tail=False), document_keys(document))
            values = {k: v for k, v in element.attrib.items() if k in document.personal and v}
            if name in document.personal and (element.text or "").strip():
                values[name] = str(element.text)
            for personal, value in values.items():
                assert f'{personal}="{value}"' not in found
                assert f">{value}<" not in found


def document_keys(document: catalogs.DocumentType) -> frozenset[str]:
    parts = [document.fields, *(part.fields for part in (document.invoice, document.line) if part)]
    paths = [path for fields in parts for locator in fields.values() for path in locator]
    return frozenset(path.rpartition("/")[2].lstrip("@") for path in paths) - document.personal


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_excerpt_stands_where_the_finding_says(ending: str, mark: bytes) -> None:
    for file in SAMPLES:
        text = file.read_text("utf-8").replace("\n", ending)
        source = mark + text.encode()
        (report,) = check(source, name=file.name)
        found = excerpts(io.BytesIO(source), report, shipped())
        for finding in report.findings:
            if (
                finding.path
                and report.document
                and (excerpt := found.get((file.name, finding.line or 0, finding.column or 0)))
            ):
                step = finding.path.rpartition("/")[2].partition("[")[0].lstrip("@")
                assert excerpt.startswith("<")
                assert step in excerpt or "@" in finding.path, (file.name, finding.path, excerpt)


def test_a_document_on_one_long_line_is_read_to_its_findings(tmp_path: Path) -> None:
    sample = next(f for f in SAMPLES if f.name.startswith("invalid_dem_annu_token"))
    padding = "<!--" + "é" * 200_000 + "-->"
    source = ("".join(line.strip() for line in sample.read_text("utf-8").splitlines()) + "").encode()
    head, _, tail = source.partition(b"<liste_fact")
    (report,) = check(head + padding.encode() + b"<liste_fact" + tail, name="long.xml")
    found = excerpts(io.BytesIO(head + padding.encode() + b"<liste_fact" + tail), report, shipped())
    (finding,) = report.findings
    assert found[("long.xml", finding.line or 0, finding.column or 0)].startswith("<jeton_comm>")


def test_nothing_is_shown_of_what_nobody_recognised() -> None:
    source = b"<?xml version='1.0'?><unknown><name>Roy</name></unknown>"
    (report,) = check(source)
    assert excerpts(io.BytesIO(source), report, shipped()) == {}


def finding(ordinal: int | None, line: int) -> Finding:
    of = InvoiceRef(f"F-{ordinal}", ordinal, line) if ordinal else None
    words = {"fr": f"Défaut {line}.", "en": f"Defect {line}."}
    return Finding("SOME_CODE", "error", "ours", line, 1, f"/a/b[{line}]", of, words, words)


def test_findings_stand_under_their_invoice_and_the_documents_own_first() -> None:
    report = Report("a.xml", "", "f", "a", "ours", "invalid", 9, 2)
    report.findings = [finding(2, 20), finding(None, 1), finding(1, 10), finding(2, 22)]
    report.findings_total = 4
    text = report_text(report, "en")
    order = ["Defect 1.", "F-1", "Defect 10.", "F-2", "Defect 20.", "Defect 22."]
    assert sorted(order, key=text.index) == order
    assert text.count("F-2") == 1


def test_colours_only_where_they_are_asked_for() -> None:
    report = Report("a.xml", "", "f", "a", "ours", "invalid", 1, 1, [finding(1, 2)], 1)
    plain, coloured = report_text(report, "fr"), report_text(report, "fr", colour=True)
    assert "\x1b" not in plain
    assert coloured != plain
    for tone in ("\x1b[1;31m", "\x1b[31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"):
        coloured = coloured.replace(tone, "")
    assert coloured == plain


@pytest.mark.parametrize("renamed", [False, True], ids=["a value that is wrong", "a field whose name is wrong"])
def test_no_form_of_a_report_shows_what_a_personal_field_holds(renamed: bool) -> None:
    """Every personal field of every valid sample holds a mark; renamed, the schema does not know the field at all."""
    marked = 0
    for file in (f for f in SAMPLES if f.name.startswith("valid_")):
        root = etree.fromstring(file.read_bytes())
        report = check(file.read_bytes())[0]
        assert report.format
        assert report.document
        personal = shipped().document(report.format, report.document).personal
        for element in list(root.iter("*")):
            marked += mark(element, personal, renamed)
        source = etree.tostring(root)
        reports = check(source, name=file.name)
        shown = excerpts(io.BytesIO(source), reports[0], shipped())
        for lang in ("fr", "en"):
            written = [
                writer(reports, lang, shown) for writer in (reports_html, reports_json, reports_junit, reports_sarif)
            ]
            text = report_text(reports[0], lang, excerpts=shown).encode()
            assert not [form for form in [*written, text] if b"Canari" in form], file.name
    assert marked > 50


def mark(element: etree._Element, personal: frozenset[str], renamed: bool) -> int:
    """Put a mark in the element's personal fields; how many there were."""
    own, name = 0, etree.QName(element)
    for key in set(element.attrib) & personal:
        value = f"Canari{key}"
        del element.attrib[key]
        element.set(f"X{key}" if renamed else key, value)
        own += 1
    if name.localname in personal and len(element) == 0:
        element.text = f"Canari {name.localname}"
        element.tag = f"{{{name.namespace}}}x_{name.localname}" if renamed else element.tag
        own += 1
    return own
