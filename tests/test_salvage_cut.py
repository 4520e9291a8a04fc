"""A document taken apart keeps every byte of what stays, and holds nothing of what was taken out."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Collection
from dataclasses import replace
from functools import cache

import pytest
from lxml import etree
from support.freight import HERE, consignment, order
from support.house import paimt, sample

from gateway import catalog, xmlsafe
from gateway.catalog import Catalog, DocumentType
from gateway.resources import data_dir
from gateway.salvage import Sums, cut, dissect, next_number
from gateway.validation.tree import follow

TOTALS = {"invoices": ("Sendinger/@Antall",), "amount": ("Sum",)}


@cache
def known() -> Catalog:
    return catalog.load([HERE.parent, data_dir("schemas")])


def document(text: str) -> DocumentType:
    found = known().recognise(xmlsafe.parse(text.encode()).tag)
    assert found is not None
    return found


def taken_apart(
    data: bytes, kind: DocumentType, away: Collection[int], sums: Sums, number: str | None = None
) -> bytes | None:
    anatomy = dissect(io.BytesIO(data), kind)
    if anatomy is None:
        return None
    target = io.BytesIO()
    cut(io.BytesIO(data), anatomy, away, sums, target, number=number)
    return target.getvalue()


def invoices(data: bytes, kind: DocumentType) -> list[bytes]:
    """Each invoice by itself, in the canonical form."""
    assert kind.invoice is not None
    found = follow(xmlsafe.parts()(data), kind.invoice.path.split("/"))
    return [etree.tostring(one, method="c14n", exclusive=True, with_tail=False) for one in found]


def around(data: bytes, kind: DocumentType) -> bytes:
    """The document without its invoices and the blanks between elements."""
    root = xmlsafe.parts()(data)
    assert kind.invoice is not None
    for one in list(follow(root, kind.invoice.path.split("/"))):
        parent = one.getparent()
        assert parent is not None
        before = one.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + (one.tail or "")
        parent.remove(one)
    for one in root.iter():
        one.text, one.tail = (one.text or "").strip(), (one.tail or "").strip()
    return etree.tostring(root, method="c14n")


LISTED = [
    paimt(),
    sample("ramq-dp", "valid_DP_RACIN_two_requests"),
    sample("ramq-rfp", "valid_dem_annu_two_invoices"),
    order(*(consignment(n) for n in range(1, 8))),
    order(consignment(1), "<!-- > between <f:Sending> -->", consignment(2), "<?pi x?>", consignment(3)),
    order(consignment(1, more=' Levert="01.01.2025"'), consignment(2, more=" Levert='a>b'"), "<f:Sending/>"),
    order("<f:Sending\n Serie='A'\n/>", "<f:Sending><![CDATA[</f:Sending>]]>é</f:Sending >", "<f:Sending/>\r\n\t"),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", LISTED)
def test_every_choice_of_invoices_and_its_opposite_are_the_whole(text: str, encoding: str) -> None:
    kind = document(text)
    if encoding == "utf-16":
        text = '<?xml version="1.0" encoding="utf-16"?>' + re.sub(r"^<\?xml.*?\?>", "", text)
    data = text.encode(encoding)
    whole = invoices(data, kind)
    ordinals, draw = range(1, len(whole) + 1), random.Random(7)
    for _ in range(10):
        away = {n for n in ordinals if draw.random() < 0.5}
        kept = taken_apart(data, kind, away, Sums(len(whole) - len(away), None))
        aside = taken_apart(data, kind, set(ordinals) - away, Sums(len(away), None))
        assert kept is not None
        assert aside is not None
        assert invoices(kept, kind) == [one for n, one in enumerate(whole, 1) if n not in away]
        assert invoices(aside, kind) == [one for n, one in enumerate(whole, 1) if n in away]
        assert around(kept, kind) == around(aside, kind) == around(data, kind)
    assert taken_apart(data, kind, (), Sums(len(whole), None)) == data


def test_no_empty_line_stays_where_an_invoice_stood() -> None:
    text = order(consignment(1), consignment(2), consignment(3))
    left = taken_apart(text.encode(), document(text), {2}, Sums(2, None))
    assert left == order(consignment(1), consignment(3)).encode()


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (paimt("D-1"), "<no_dem_ext>D-1<", "<no_dem_ext>D-1-R1<"),
        (order(consignment(1), number="OPP-1"), 'Nr="OPP-1"', 'Nr="OPP-1-R1"'),
        (
            order(consignment(1)).replace('Nr="OPP-1"', "\n x=\" Nr='9'\" Nr = 'OPP-1'"),
            "Nr = 'OPP-1'",
            "Nr = 'OPP-1-R1'",
        ),
    ],
)
def test_the_request_number_alone_is_written_over(text: str, old: str, new: str) -> None:
    number = old.strip("<>'\"").rpartition("=")[2].strip(" '\"").rpartition(">")[2]
    for encoding in ("utf-8", "utf-16"):
        said = text.replace('encoding="UTF-8"', 'encoding="UTF-16"') if encoding == "utf-16" else text
        data = said.encode(encoding)
        left = taken_apart(data, document(text), (), Sums(1, None), f"{number}-R1")
        assert left == said.replace(old, new, 1).encode(encoding)


@pytest.mark.parametrize(
    ("count", "amount", "new_count", "new_amount"),
    [("2", "25000", "1", "12500"), ("002", "0025000", "001", "0012500"), (" 2 ", "25000", "1", "12500")],
)
def test_totals_of_the_head_follow_in_the_form_they_had(
    count: str, amount: str, new_count: str, new_amount: str
) -> None:
    text = order(consignment(1), consignment(2))
    kind = replace(document(text), totals=TOTALS)
    text = text.replace("<f:Sendinger>", f'<f:Sum>{amount}</f:Sum><f:Sendinger Antall="{count}">')
    anatomy = dissect(io.BytesIO(text.encode()), kind)
    assert anatomy is not None
    assert anatomy.agrees(Sums(2, 25000))
    assert not anatomy.agrees(Sums(2, 25001))
    assert not anatomy.agrees(Sums(3, 25000))
    assert not anatomy.agrees(Sums(2, None))
    left = taken_apart(text.encode(), kind, {1}, Sums(1, 12500))
    assert left is not None
    assert f"<f:Sum>{new_amount}</f:Sum>".encode() in left
    assert f'Antall="{new_count}"'.encode() in left


@pytest.mark.parametrize(
    ("written", "total", "left", "new"),
    [
        ("250.00", 25000, 12500, "125.00"),
        ("250", 25000, 12550, "125.50"),
        ("0250.5", 25050, 12500, "0125.0"),
        ("1.5", 150, 5, "0.05"),
    ],
)
def test_decimal_totals_keep_their_places_and_lose_no_cent(written: str, total: int, left: int, new: str) -> None:
    text = order(consignment(1), consignment(2))
    kind = replace(document(text), totals={"amount": ("Sum",)}, money="decimal")
    text = text.replace("<f:Sendinger>", f"<f:Sum>{written}</f:Sum><f:Sendinger>")
    anatomy = dissect(io.BytesIO(text.encode()), kind)
    assert anatomy is not None
    assert anatomy.agrees(Sums(2, total))
    assert f"<f:Sum>{new}</f:Sum>".encode() in (taken_apart(text.encode(), kind, {1}, Sums(1, left)) or b"")


def test_what_the_catalog_promises_and_the_document_lacks_cannot_be_taken_apart() -> None:
    text = order(consignment(1))
    kind = document(text)
    for odd in (text.replace('Nr="OPP-1"', ""), text.replace('Nr="OPP-1"', 'Nr="&#65;"'), order(), text[:-5]):
        assert dissect(io.BytesIO(odd.encode()), kind) is None
    bad = replace(kind, totals=TOTALS, fields={**kind.fields, "request_number": ("@Nr", "Part/@Nr")})
    assert dissect(io.BytesIO(text.encode()), bad) is None
    for unclear in ("<f:Sum/>", "<f:Sum>1<!-- x --></f:Sum>", "<f:Sum>&#49;</f:Sum>"):
        odd = text.replace("<f:Sendinger>", f"{unclear}<f:Sendinger>")
        assert dissect(io.BytesIO(odd.encode()), replace(kind, totals=TOTALS)) is None
    none = dissect(io.BytesIO(text.encode()), replace(kind, totals=TOTALS))  # a total may be left out
    assert none is not None
    assert none.agrees(Sums(7, None))


def test_what_says_utf_16_and_is_utf_8_is_taken_apart_as_the_guard_let_it_pass() -> None:
    text = '<?xml version="1.0" encoding="utf-16"?>' + order(consignment(1), consignment(2))
    kind = document(order(consignment(1)))
    assert taken_apart(text.encode(), kind, {2}, Sums(1, None)) == text.replace(consignment(2) + "\n", "").encode()


def test_numbers_of_what_is_set_aside_count_on_and_are_never_given_twice() -> None:
    given = {"X-R1", "X-R2"}

    def after(base: str, *used: str) -> str:
        return next_number(base, given=given.__contains__, used={*given, *used}.__contains__)

    assert after("X") == after("X-R1") == after("X-R2") == "X-R3"
    assert after("X", "X-R3") == "X-R4"
    assert after("Y-R1") == "Y-R1-R1"  # the agency's own way to count
    assert after("Z" * 40) == "Z" * 37 + "-R1"
