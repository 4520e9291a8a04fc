"""Valid documents flipped, cut, doubled and spliced byte by byte: the judge never breaks, never says valid of what the
bare schema refuses, and never repeats a patient's value."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from support import family, freight
from support.attacks import TIMES
from support.tally import Count

from gateway import catalog, xmlsafe
from gateway.catalog import Catalog, DocumentType
from gateway.rendering import report_html, report_json, report_text
from gateway.report import Report
from gateway.resources import data_dir
from gateway.validation import judge

CANARY = "ZQXW"  # begins every personal value
CHUNKS, EACH = 6, 150 * TIMES
# What makes sense to XML, so that a change is not always the same break.
_PIECES = (
    *(
        b"<",
        b">",
        b"/>",
        b"&",
        b"&amp;",
        b"&#0;",
        b"&#x41;",
        b"]]>",
        b"<!--",
        b"-->",
        b"<?p?>",
        b"<![CDATA[",
        b'"',
        b"'",
    ),
    *(b"=", b"\0", b"\x1b", b"\xff", b"\xc3\xa9", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"<!DOCTYPE a>", b' xmlns=""'),
    *(b' xmlns:q="u"', b' xsi:type="x"', b"<a/>", b"</a>", b"9" * 40, b"-1", b"\r\n", b"\xe2\x80\xae"),
    b"<?xml version='1.0'?>",
)


def marked(text: str, personal: frozenset[str]) -> str:
    """The document with canaries in its personal fields, as far as its schema takes them."""
    for name in personal:
        text = re.sub(rf"(<{name}>)([^<]*)(</{name}>)", _canary, text)
        text = re.sub(rf'(\s{name}=")([^"]*)(")', _canary, text)
    return text


def _canary(found: re.Match[str]) -> str:
    before, value, after = found.groups()
    return before + (CANARY + value[4:] if value[:4].isalpha() and len(value) > 4 else value) + after


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("schemas")
    family.family(folder)
    return catalog.load([folder, freight.HERE.parent, data_dir("schemas")])


@pytest.fixture(scope="module")
def seeds(known: Catalog) -> list[bytes]:
    """Valid documents of every family, with canaries."""
    samples = [*data_dir("schemas").glob("*/samples/valid_*.xml"), *freight.HERE.glob("samples/valid_*.xml")]
    made = [family.document(*(family.invoice(n, nom=f"{CANARY}-{n}") for n in range(4))).encode()]
    for file in sorted(samples):
        root = xmlsafe.parse(file.read_bytes())
        document = known.recognise(root.tag)
        assert document is not None
        data = marked(file.read_text("utf-8"), document.personal).encode()
        made += [data] if _bare(document, data) else [file.read_bytes()]
    return made


def changed(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """The document after one to four changes."""
    for _ in range(chance.randint(1, 4)):
        place, size = chance.randrange(len(data) + 1), chance.choice((1, 1, 2, 8, 40, 400))
        match chance.randrange(8):
            case 0:
                data = data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
            case 1:
                data = data[:place] + data[place + size :]
            case 2:
                data = data[:place] + data[place : place + size] * 2 + data[place + size :]
            case 3:
                where = chance.randrange(len(other) + 1)
                data = data[:place] + other[where : where + size] + data[place:]
            case 4:
                data = data[:place] + chance.choice(_PIECES) + data[place:]
            case 5:
                data = data[:place]
            case 6:
                data = _flipped(data, place, chance)
            case _:
                data = _moved(data, chance)
    return data


def _flipped(data: bytes, place: int, chance: random.Random) -> bytes:
    if place >= len(data):
        return data
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _moved(data: bytes, chance: random.Random) -> bytes:
    """Whole elements change places: most of these are still well-formed."""
    parts = re.split(rb"(?<=>)(?=<[A-Za-z])", data)
    if len(parts) > 3:
        here, there = chance.randrange(1, len(parts)), chance.randrange(1, len(parts))
        parts[here], parts[there] = parts[there], parts[here]
    return b"".join(parts)


_SCHEMAS: dict[Path, etree.XMLSchema] = {}


def _bare(document: DocumentType, data: bytes) -> bool:
    """What lxml says by itself of bytes that it can read."""
    assert document.schema is not None
    schema = _SCHEMAS.get(document.schema) or _SCHEMAS.setdefault(document.schema, xmlsafe.schema(document.schema))
    return bool(schema.validate(xmlsafe.parse(data)))


def bare_verdict(known: Catalog, data: bytes) -> bool | None:
    """Whether lxml alone finds it valid; None where there is no schema to ask."""
    try:
        root = xmlsafe.parse(data)
    except etree.XMLSyntaxError:
        return False
    document = known.recognise(root.tag)
    return None if document is None or document.schema is None else _bare(document, data)


def wrongs(known: Catalog, data: bytes) -> Iterator[str]:
    """Everything that may not be, of one changed document."""
    report = judge(io.BytesIO(data), "a.xml", known)
    bare = bare_verdict(known, data)
    if report.verdict == "not_judged":
        yield "not judged"
    if bare is False and report.verdict == "valid":
        yield "valid, but not by the bare schema"
    by_schema = any(f.code.startswith(("SCHEMA_", "NOT_WELL")) and f.severity == "error" for f in report.findings)
    if bare is True and by_schema:
        yield "invalid, but not by the bare schema"
    if any((f.line or 0) > data.count(b"\n") + data.count(b"\r") + 1 for f in report.findings):
        yield "a place outside the document"
    if CANARY in json.dumps(report.public()).upper().replace("\\u00", ""):
        yield "a patient's value in the report"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_changed_document_is_judged_as_the_bare_schema_judges_it(
    chunk: int, known: Catalog, seeds: list[bytes], tally: Count
) -> None:
    chance, wrong, refused = random.Random(f"mutations {chunk}"), [], 0
    reports: list[Report] = []
    for turn in range(EACH):
        data = changed(chance.choice(seeds), chance.choice(seeds), chance)
        wrong += [(chunk, turn, said, data) for said in wrongs(known, data)]
        reports.append(judge(io.BytesIO(data), "a.xml", known))
        refused += reports[-1].verdict == "invalid"
    assert wrong[:1] == []
    for report in reports[::10]:
        forms = [report_text(report, lang).encode() for lang in ("fr", "en")]
        assert not any(CANARY.encode() in form for form in (*forms, report_html(report, "fr"), report_json(report)))
    tally("X14", refused=refused, harmless=EACH - refused)


def test_what_is_changed_was_valid_before(known: Catalog, seeds: list[bytes], tally: Count) -> None:
    verdicts = [judge(io.BytesIO(data), "a.xml", known).verdict for data in seeds]
    assert verdicts.count("valid") > len(seeds) // 2
    assert "not_judged" not in verdicts
    assert sum(CANARY.encode() in data for data in seeds) > 10
    tally("X14", twins=verdicts.count("valid"))
