"""Hostile and mistaken bytes: refused with the right code and place, within bounds, nothing outside touched."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from pathlib import Path

import pytest
from support.family import NAMESPACE, document, family, invoice, rule

from gateway import catalog
from gateway.catalog import Catalog
from gateway.report import Report
from gateway.validation import Limits, judge

VALID = document(invoice(1), invoice(2))
DECLARED = '<?xml version="1.0" encoding="{}"?>\n' + VALID


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return family(tmp_path_factory.mktemp("schemas"))


def judged(known: Catalog, data: bytes | str, **options: object) -> Report:
    return judge(io.BytesIO(data.encode() if isinstance(data, str) else data), "a.xml", known, **options)  # type: ignore[arg-type]


def codes(report: Report) -> list[str]:
    return [f.code for f in report.findings]


def zipped() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.xml", VALID)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "EMPTY_DOCUMENT"),
        (b" \r\n\t ", "EMPTY_DOCUMENT"),
        (b"\xef\xbb\xbf", "EMPTY_DOCUMENT"),
        (gzip.compress(VALID.encode()), "NOT_XML"),
        (zipped(), "NOT_XML"),
        (b"%PDF-1.7 ...", "NOT_XML"),
        (b"<!DOCTYPE html><html></html>", "NOT_XML"),
        (b"\n<html><body/></html>", "NOT_XML"),
        (json.dumps({"a": 1}).encode(), "NOT_XML"),
        (b"[1, 2]", "NOT_XML"),
        (b"plain text", "NOT_WELL_FORMED"),
        (b"\x00" * 100, "NOT_WELL_FORMED"),
    ],
)
def test_what_is_no_xml_is_said_to_be_none(data: bytes, code: str, known: Catalog) -> None:
    report = judged(known, data)
    assert (report.verdict, codes(report), report.refused) == ("invalid", [code], True)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE lot>",
        '<!DOCTYPE lot SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE lot PUBLIC "a" "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE lot [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE lot [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>',
        '<!DOCTYPE lot [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        "<!DOCTYPE lot [<!ATTLIST lot x CDATA 'y'>]>",
        "<!DOCTYPE lot [" + "<!ENTITY a 'a'>" * 50_000 + "]>",
        "<!-- c --><?p i?><!DOCTYPE lot>",
    ],
)
def test_any_doctype_is_refused_before_it_is_read(doctype: str, known: Catalog) -> None:
    report = judged(known, f"<?xml version='1.0'?>\n{doctype}{VALID}")
    assert (codes(report), report.refused) == (["HOSTILE_DOCTYPE"], True)
    assert report.findings[0].line == 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (VALID.encode("utf-8-sig"), None),
        (DECLARED.format("UTF-8").encode(), None),
        (DECLARED.format("utf-8").encode("utf-8-sig"), None),
        (DECLARED.format("UTF-16").encode("utf-16"), None),
        (b"\xfe\xff" + DECLARED.format("UTF-16").encode("utf-16-be"), None),
        (VALID.encode("utf-16"), "HOSTILE_ENCODING"),
        (DECLARED.format("UTF-8").encode("utf-16"), "HOSTILE_ENCODING"),
        (DECLARED.format("UTF-16").encode("utf-16-le"), "HOSTILE_ENCODING"),
        (DECLARED.format("UTF-16").encode("utf-16-be"), "HOSTILE_ENCODING"),
        (DECLARED.format("UTF-32").encode("utf-32"), "HOSTILE_ENCODING"),
        (DECLARED.format("UTF-32").encode("utf-32-be"), "HOSTILE_ENCODING"),
        (DECLARED.format("ISO-8859-1").encode("latin-1"), "HOSTILE_ENCODING"),
        (DECLARED.format("windows-1252").encode("cp1252"), "HOSTILE_ENCODING"),
        (DECLARED.format("UTF-7").encode(), "HOSTILE_ENCODING"),
        (DECLARED.format("cp037").encode("cp037"), "HOSTILE_ENCODING"),
        (DECLARED.format("UTF-16").encode(), "UTF16_DECLARED"),
        (DECLARED.format("utf-16").encode("utf-8-sig"), "UTF16_DECLARED"),
        (VALID.replace("<no>1</no>", "<no>\xe9</no>").encode("latin-1"), "HOSTILE_ENCODING"),
        (VALID.encode().replace(b"<no>1</no>", b"<no>\xc0\xaf</no>"), "HOSTILE_ENCODING"),
        (VALID.encode().replace(b"<no>1</no>", b"<no>\xed\xa0\x80</no>"), "HOSTILE_ENCODING"),
        (VALID.encode().replace(b"<no>1</no>", b"<no>\x00</no>"), "NOT_WELL_FORMED"),
        (VALID.encode().replace(b"<no>1</no>", b"<no>\x01</no>"), "NOT_WELL_FORMED"),
        (b"\xef\xbb\xbf" + VALID.encode("utf-8-sig"), "NOT_WELL_FORMED"),
    ],
)
def test_only_utf_8_and_declared_marked_utf_16_are_read(data: bytes, code: str | None, known: Catalog) -> None:
    report = judged(known, data)
    assert codes(report)[:1] == ([code] if code else [])
    assert report.refused is (code is not None)


def test_the_place_of_bytes_that_are_not_utf_8_is_told(known: Catalog) -> None:
    text = VALID.replace("<no>2</no>", "<no>é\xe8</no>")
    data = text.encode().replace("è".encode(), b"\xe8")
    found = judged(known, data).findings[0]
    assert (found.line, found.column) == (4, text.splitlines()[3].index("è") + 1)


def test_utf_16_declared_on_utf_8_is_taken_by_a_named_tolerance_only(known: Catalog) -> None:
    data = DECLARED.format("utf-16").replace("<no>2</no>", "<no>\xe9</no>").encode()
    refused = judged(known, data)
    assert (codes(refused), refused.verdict) == (["UTF16_DECLARED"], "invalid")
    taken = judged(known, data, tolerances=["utf16_declared"])
    assert [(f.code, f.severity, f.line) for f in taken.findings] == [
        ("UTF16_DECLARED", "warning", 1),
        ("SCHEMA_VALUE", "error", 5),
    ]
    assert taken.sha256 == refused.sha256


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (VALID.replace("</no>", "</non>", 1), 1),
        (VALID.replace("<no>2</no>", "<no>2</no"), 4),
        (VALID.replace("<no>2</no>", "<no>a & b</no>"), 4),
        (VALID.replace("<no>2</no>", "<no>&eacute;</no>"), 4),
        (VALID.replace("<no>2</no>", "<no>&#0;</no>"), 4),
        (VALID.replace('<envoi serie="S"><no>2', '<envoi serie="S" serie="T"><no>2'), 4),
        (VALID.replace("<no>2</no>", "<q:no>2</q:no>"), 4),
        (VALID + "<lot/>", 5),
        (VALID + "\x00\x01", 5),
        ("\n<?xml version='1.0'?>" + VALID, 2),
    ],
)
def test_broken_xml_is_refused_with_its_place(text: str, line: int, known: Catalog) -> None:
    report = judged(known, text)
    assert codes(report)[0] == "NOT_WELL_FORMED"
    assert (report.findings[0].line, report.refused) == (line, True)


def test_a_document_cut_anywhere_is_never_valid_and_never_raises(known: Catalog) -> None:
    data = document(*(invoice(n) for n in range(300))).encode()
    for part in range(64):
        report = judged(known, data[: len(data) * part // 64])
        assert report.verdict == "invalid"
        assert report.refused


@pytest.mark.parametrize(
    ("inside", "key"),
    [
        ("<note>" + "<a>" * 150 + "</a>" * 150 + "</note>", "imbriqués"),
        ("<note>" + "<a>" * 5_000 + "</a>" * 5_000 + "</note>", "dépasse"),
        ("<note><a " + " ".join(f'a{n}="1"' for n in range(600)) + "/></note>", "attributs"),
        (f"<note><{'n' * 60_000}/></note>", "dépasse"),
        ("<note>" + "<abcdef/>" * 300_000 + "</note>", "Mio"),
        ("<note>" + "<a/>" * 6_000 + "</note>", "5000"),
        (f"<note><a>{'x' * 2_000_000}</a></note>", "Mio"),
        (f"<!--{'x' * 2_000_000}-->", "Mio"),
    ],
)
def test_what_would_cost_too_much_is_refused(inside: str, key: str, known: Catalog) -> None:
    report = judged(known, document(invoice(1), invoice(2, rest=inside)), limits=Limits(part_bytes=1 << 20))
    assert (codes(report)[0], report.refused) == ("HOSTILE_SIZE", True)
    assert key in report.findings[0].message["fr"]


def test_what_was_whole_before_a_limit_was_passed_is_still_judged(known: Catalog) -> None:
    text = document(invoice(1, sexe="X"), invoice(2, rest="<note>" + "<a/>" * 6_000 + "</note>"), invoice(3, sexe="X"))
    report = judged(known, text)
    assert codes(report) == ["HOSTILE_SIZE", "SCHEMA_VALUE"]
    assert report.findings[1].line == 3


def test_limits_hold_for_the_whole_the_prolog_and_the_lists(known: Catalog) -> None:
    assert codes(judged(known, VALID, limits=Limits(document_bytes=100))) == ["HOSTILE_SIZE"]
    assert codes(judged(known, f"<!--{'x' * 9000}-->{VALID}", limits=Limits(prolog_bytes=4096))) == ["HOSTILE_SIZE"]
    lists = f"<corps>{invoice(1)}</corps>" * 70
    assert "HOSTILE_SIZE" in codes(judged(known, VALID.replace("<total>", f"{lists}<total>")))
    junk = f"<intrus>{'x' * 40_000}</intrus>{invoice(1)}" * 40
    assert "HOSTILE_SIZE" in codes(judged(known, document(junk), limits=Limits(part_bytes=1 << 20)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_nothing_a_document_points_at_is_opened(known: Catalog, tmp_path: Path) -> None:
    bait = tmp_path / "bait.xsd"
    os.mkfifo(bait)  # whoever opened it would wait for ever
    pointing = (
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{NAMESPACE} {bait.as_uri()}"'
        ' xmlns:xi="http://www.w3.org/2001/XInclude"'
    )
    inside = f'<note><xi:include href="{bait.as_uri()}" parse="text"/></note>'
    report = judged(
        known,
        f'<?xml-model href="{bait.as_uri()}"?><?xml-stylesheet href="http://127.0.0.1:9/"?>'
        + document(invoice(1, rest=inside), attributes=pointing),
    )
    assert (report.verdict, report.findings) == ("valid", [])


def test_a_family_without_a_schema_is_judged_by_its_rules_alone(tmp_path: Path) -> None:
    family(tmp_path, rules=rule("TOTAL", "document", 'must = { equals = ["total", "2"] }'))
    file = tmp_path / "essai" / "catalog.toml"
    file.write_text(file.read_text("utf-8").replace('schema = "lot.xsd"\n', ""), "utf-8")
    report = judged(catalog.load([tmp_path]), VALID)
    assert (codes(report), report.invoices) == (["TOTAL"], 2)
