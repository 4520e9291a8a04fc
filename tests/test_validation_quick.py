"""The quick way through a document says what the way through every element says, however the document is broken."""

from __future__ import annotations

import copy
import io
import random
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from support.family import document, family, invoice
from test_validation_agreement import broken

from gateway import catalog, xmlsafe
from gateway.catalog import Catalog
from gateway.report import InvoiceIndex, Report
from gateway.validation import Limits, cut, engine, judge, judging, opening, quick, screen, stencils
from gateway.validation.plan import plan_for
from gateway.validation.tree import follow

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
REQUESTS = [f for f in sorted(SCHEMAS.glob("ramq-*/samples/*.xml")) if not re.search("recev|annu|modif", f.name)]
TRIES = 350  # in each of the tests; raise it and change the seed to look further
SEED = 1


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog.load([SCHEMAS])


def repeated(known: Catalog, sample: Path, times: int, chance: random.Random, spoil: float = 0.0) -> bytes | None:
    """A sample with its invoices many times over, some of them spoiled."""
    root = xmlsafe.parse(sample.read_bytes())
    known_as = known.recognise(root.tag)
    if known_as is None or known_as.invoice is None or known_as.schema is None:
        return None
    invoices = list(follow(root, known_as.invoice.path.split("/")))
    if not invoices or (holder := invoices[-1].getparent()) is None:
        return None
    for _ in range(times):
        one = copy.deepcopy(chance.choice(invoices))
        for _ in range(chance.random() < spoil):
            broken(one, chance)
        holder.append(one)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def both_ways(data: bytes, known: Catalog, monkeypatch: pytest.MonkeyPatch, **options: object) -> tuple[Seen, Seen]:
    """The quick way and the slow way; the way of small documents says what one of them says."""
    with monkeypatch.context() as patch:
        patch.setattr(engine, "short", lambda *_: None)
        patch.setattr(judging, "familiar", lambda *_: None)
        ways = seen(data, known, **options), slowly(data, known, monkeypatch, **options)
    assert seen(data, known, **options) in ways, data.decode("utf-8", "replace")
    return ways


Seen = tuple[dict[str, Any], list[InvoiceIndex]]


def seen(data: bytes, known: Catalog, **options: object) -> Seen:
    heard: list[InvoiceIndex] = []
    report: Report = judge(io.BytesIO(data), "a.xml", known, sink=heard.append, **options)  # type: ignore[arg-type]
    return report.public() | {"index": report.index}, heard


def slowly(data: bytes, known: Catalog, monkeypatch: pytest.MonkeyPatch, **options: object) -> Seen:
    with monkeypatch.context() as patch:
        patch.setattr(judging, "familiar", lambda *_: None)
        patch.setattr(cut, "ASCII_BASED", ())
        patch.setattr(screen.Screen, "doubtful", lambda _self, _kind, rows: (range(len(rows)), ()))
        return seen(data, known, **options)


@pytest.fixture(autouse=True)
def learned_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small documents are enough to see stencils at work."""
    learn_at_once(monkeypatch)


def learn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "_FIRST", 0)
    monkeypatch.setattr(opening, "_FIRST", 0)


def opened(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """From now on, whether each block that was tried went the quick way."""
    blocks: list[bool] = []
    really = quick.Quick.open

    def noted(self: quick.Quick, data: bytes) -> object:
        chunk = really(self, data)
        blocks.append(chunk is not None and chunk.taken is not None)
        return chunk

    monkeypatch.setattr(quick.Quick, "open", noted)
    return blocks


def agree(ways: tuple[Seen, Seen], data: bytes) -> None:
    """Of a document that breaks off right after an invoice, only the quick way knows that it is whole."""
    quickly, slowly = ways
    if len(quickly[1]) == len(slowly[1]) + 1 and "NOT_WELL_FORMED" in [f["code"] for f in quickly[0]["findings"]]:
        quickly, slowly = before(quickly, len(quickly[1])), before(slowly, len(quickly[1]))
    assert quickly == slowly, data.decode("utf-8", "replace")


def before(way: Seen, ordinal: int) -> Seen:
    """What was said of the invoices before this one, and where the document breaks."""
    findings = [
        f | {"message": None}
        for f in way[0]["findings"]
        if f["code"] == "NOT_WELL_FORMED" or (f["invoice"] and f["invoice"]["ordinal"] < ordinal)
    ]
    return {"findings": findings}, way[1][: ordinal - 1]


def test_spoiled_invoices_are_found_the_same_both_ways(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(SEED)
    blocks = opened(monkeypatch)
    for _ in range(TRIES):
        monkeypatch.setattr(cut, "BLOCK", chance.choice([600, 3000, 8000]))
        data = repeated(known, chance.choice(REQUESTS), chance.randint(2, 20), chance, chance.choice([0, 0.05, 0.5]))
        if data is not None:
            agree(both_ways(data, known, monkeypatch), data)
    assert sum(blocks) > TRIES / 2


def test_whole_documents_spoiled_anywhere_are_judged_the_same(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(SEED + 1)
    for _ in range(TRIES):
        monkeypatch.setattr(cut, "BLOCK", chance.choice([600, 3000]))
        data = repeated(known, chance.choice(REQUESTS), chance.randint(2, 14), chance)
        if data is None:
            continue
        root = xmlsafe.parse(data)
        for _ in range(chance.randint(1, 3)):
            broken(root, chance)
        data = etree.tostring(root, encoding="UTF-8")
        agree(both_ways(data, known, monkeypatch), data)


def spoiled(data: bytes, chance: random.Random) -> bytes:
    """One change to the bytes: cut out, doubled, overwritten; a comment, an instruction, character data or a type put
    between tags; other line breaks."""
    tags = [found.start() for found in re.finditer(rb"<", data)]
    start, stop = sorted(chance.sample(tags, 2))
    put = chance.choice(
        [
            b"<!-- </DP> -->",
            b"<?pi </DP>?>",
            b"<![CDATA[</DP>]]>",
            b"x",
            b"&amp;",
            b"&#32;",
            b"\xff",
            b"\xc3\xa9",
            b"]]>",
        ]
    )
    change = chance.randrange(6)
    if change == 0:
        return data[:start] + data[min(stop, start + 200) :]
    if change == 1:
        return data[:stop] + data[start:stop] + data[stop:]
    if change == 2:
        return data[:start] + put + data[start:]
    if change == 3:
        return data.replace(b"\n", chance.choice([b"\r\n", b"\r", b""]))
    if change == 4:
        return data[:start]
    name = re.compile(rb"</[^>]+>").search(data, start)
    return data if name is None else data[: name.start()] + name[0] * 2 + data[name.start() :]


def test_bytes_spoiled_anywhere_are_judged_the_same(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(SEED + 2)
    for _ in range(TRIES):
        monkeypatch.setattr(cut, "BLOCK", chance.choice([600, 3000]))
        data = repeated(known, chance.choice(REQUESTS), chance.randint(2, 14), chance, 0.02)
        if data is not None:
            data = spoiled(data, chance)
            agree(both_ways(data, known, monkeypatch), data)


def many(tail: bytes = b"", change: Callable[[bytes], bytes] = lambda invoices: invoices) -> bytes:
    """A document of the family of tests/families; its invoices as `change` leaves them."""
    invoices = "".join(f"{invoice(n)}\n" for n in range(1, 101)).encode()
    begin, end = document("@@").encode().split(b"@@")
    return begin + change(invoices) + tail + end


@pytest.fixture(scope="module")
def essai(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return family(tmp_path_factory.mktemp("schemas"))


@pytest.mark.parametrize(
    ("change", "all_quick"),
    [
        (lambda data: data, True),
        (lambda data: data.replace(b"\n", b"\r\n"), True),
        (lambda data: data.replace(b"</no>", b"<!-- envoi --></no>"), True),
        (lambda data: data.replace(b"</no>", b"<!-- </envoi> --></no>"), False),
        (lambda data: data.replace(b"<no>", b"<no><![CDATA[]]>"), True),
        (lambda data: data.replace(b"<no>", b"<no><?p </envoi>?>"), False),
        (lambda data: data.replace(b"<envoi ", b'<envoi xmlns:q="urn:q" '), False),
        (lambda data: data.replace(b"<no>50</no>", b"<no>50</no><no/>"), True),
        (lambda data: data.replace(b"</envoi>\n<envoi", b"</envoi><intrus/><envoi"), False),
        (lambda data: data.replace(b"</envoi>\n<envoi", b"</envoi>x<envoi", 60), False),
        (lambda data: data.replace(b"</envoi>\n", b"</envoi>\n</corps><corps>", 60), False),
        (lambda data: data.replace(b"</envoi>", b"</envoi >"), False),
    ],
)
def test_what_is_written_oddly_is_judged_the_same(
    change: Callable[[bytes], bytes], all_quick: bool, essai: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cut, "BLOCK", 1500)
    blocks = opened(monkeypatch)
    data = many(change=change)
    agree(both_ways(data, essai, monkeypatch), data)
    assert (sum(blocks) > 3 and blocks.count(False) <= 2) is all_quick  # the first of each run waits for the others


def test_an_invoice_inside_an_invoice_is_no_place_to_cut(essai: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "BLOCK", 1500)
    blocks = opened(monkeypatch)
    inner = invoice(1).encode()
    data = many(change=lambda data: data.replace(b"</envoi>", b"<note>" + inner + inner + b"</note></envoi>"))
    agree(both_ways(data, essai, monkeypatch), data)
    assert not any(blocks)


def test_limits_hold_the_same_both_ways(essai: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "BLOCK", 1500)
    for inside in (b"<a>" * 120 + b"</a>" * 120, b"<a/>" * 300, b"<a " + b'b="" ' * 1 + b"/>"):
        data = many(change=lambda d, inside=inside: d.replace(b"<no>70</no>", b"<no>70</no>" + inside))  # type: ignore[misc]
        agree(both_ways(data, essai, monkeypatch, limits=Limits(elements=200)), data)


def test_what_is_written_like_others_is_read_by_its_text(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bool] = []
    really = stencils.Stencils.read

    def noted(self: stencils.Stencils, text: str, line: int, *, learn: bool) -> object:
        rows = really(self, text, line, learn=learn)
        if self._declared is None:
            read.append(rows is not None)
        return rows

    monkeypatch.setattr(stencils.Stencils, "read", noted)
    monkeypatch.setattr(opening.Opening, "open", lambda self, data: self._quick.open(data))
    chance = random.Random(SEED)
    for sample in (s for s in REQUESTS if s.name.startswith("valid")):
        data = repeated(known, sample, 60, chance)
        if data is not None and not re.search("both_kinds|every_kind|annu", sample.name):
            agree(both_ways(data, known, monkeypatch), data)
    assert sum(read) > 0.9 * len(read) > 9


def test_every_rule_that_fails_fails_both_ways(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sample of a rule among many right invoices: it is found there, and nowhere else."""
    chance = random.Random(SEED)
    monkeypatch.setattr(cut, "BLOCK", 8000)
    for sample in (s for s in REQUESTS if s.name.startswith("rule_")):
        data = repeated(known, sample, 12, chance)
        if data is not None:
            on = date(2026, 10, 1) if "ramq-rfp" in sample.parts else None
            ways = both_ways(data, known, monkeypatch, on=on)
            agree(ways, data)
            code = sample.name.removeprefix("rule_")
            assert any(code.startswith(f["code"]) for f in ways[0][0]["findings"]), sample.name


def test_every_request_that_ships_has_a_quick_way(known: Catalog) -> None:
    for document_type in (d for f in known.families.values() for d in f.documents if d.role == "request"):
        assert plan_for(document_type).flat() is not None, document_type.name
