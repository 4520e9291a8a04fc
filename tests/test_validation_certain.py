"""Blocks that are certainly right are not judged again, and everything else still is: the same is said both ways."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from support.family import HERE, document, family, invoice, rule
from test_validation_quick import REQUESTS, agree, both_ways, learn_at_once, repeated, seen

from gateway import catalog
from gateway.catalog import Catalog
from gateway.clock import FixedClock
from gateway.validation import cut, familiar, opening, plan, short
from gateway.validation.ways import ways as known_ways

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
DP = SCHEMAS / "ramq-dp" / "samples" / "valid_DP_RACIN_administrative_account.xml"
TRIES = 60  # raise it and change the seed to look further
SEED = 1


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog.load([SCHEMAS])


@pytest.fixture(autouse=True)
def in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small documents have many blocks, and everything is learned at once."""
    learn_at_once(monkeypatch)
    monkeypatch.setattr(cut, "BLOCK", 3000)


def blocks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """From now on, whether libxml2 did not see the whole of each block."""
    went: list[bool] = []
    really = opening.Opening.open

    def noted(self: opening.Opening, data: bytes) -> object:
        chunk = really(self, data)
        went.append(chunk is not None and bool(chunk.known_tag))
        return chunk

    monkeypatch.setattr(opening.Opening, "open", noted)
    return went


def by_schema(said: dict[str, Any]) -> list[str]:
    return [found["code"] for found in said["findings"] if found["code"].startswith("SCHEMA")]


def test_most_of_a_right_document_is_certain(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(SEED)
    for name in ("ramq-dp", "ramq-rfp"):
        sample = next(s for s in REQUESTS if s.parent.parent.name == name and s.name.startswith("valid"))
        data = repeated(known, sample, 120, chance) or b""
        with monkeypatch.context() as patch:
            went = blocks(patch)
            said, index = seen(data, known)
        assert not by_schema(said)
        assert len(index) > 120
        assert sum(went) > 0.6 * len(went) > 3


@pytest.mark.parametrize("spoil", [0.02, 0.2, 1.0])
def test_spoiled_documents_are_judged_the_same_both_ways(
    spoil: float, known: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(SEED + int(100 * spoil))
    for _ in range(TRIES // 3):
        data = repeated(known, chance.choice(REQUESTS), 60, chance, spoil)
        if data is not None:
            agree(both_ways(data, known, monkeypatch), data)


def test_a_value_is_judged_wherever_it_stands(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value of a document of many blocks, one at a time, is made one that may be wrong."""
    chance = random.Random(SEED)
    put = [b"", b" ", b"x", b"0", b"000000000000", b"&#65;", b"&amp;", b"\xc3\xa9", b"\t", b"2024-02-30", b"66", b"]]>"]
    for sample in [DP, next(s for s in REQUESTS if s.parent.parent.name == "ramq-rfp" and s.name.startswith("valid"))]:
        whole = repeated(known, sample, 60, chance) or b""
        values = list(re.finditer(rb'(?<==")[^"<>]*(?=")|(?<=>)[^<>\s][^<>]*(?=</)', whole))
        for _ in range(TRIES):
            at = chance.choice(values[len(values) // 3 :])
            data = whole[: at.start()] + chance.choice(put) + whole[at.end() :]
            agree(both_ways(data, known, monkeypatch), data)


def test_what_was_right_in_another_document_is_not_trusted_in_this_one(
    known: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same text means something else where its tags are of another namespace."""
    data = repeated(known, DP, 60, random.Random(SEED)) or b""
    assert not by_schema(seen(data, known)[0])
    root = etree.fromstring(data)
    prefix = next(prefix for prefix, name in root.nsmap.items() if name == etree.QName(root).namespace)
    assert prefix
    other = data.replace(f"<{prefix}:DP_RACIN ".encode(), f'<{prefix}:DP_RACIN xmlns="urn:autre" '.encode(), 1)
    with monkeypatch.context() as patch:
        went = blocks(patch)
        ways = both_ways(other, known, patch)
    agree(ways, other)
    assert ways[0][0]["invalid_invoices"] == ways[0][0]["invoices"] > 50
    assert not any(went)


@pytest.mark.parametrize(("first", "second", "wrong"), [("1", "2", 0), ("1", "1", 40), ("1", "01", 40)])
def test_what_must_differ_within_an_invoice_is_compared_by_its_value(
    first: str, second: str, wrong: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = numbered(tmp_path)
    right = [invoice(n, rest="<ligne><n>1</n></ligne><ligne><n>2</n></ligne>") for n in range(240)]
    odd = [invoice(n, rest=f"<ligne><n>{first}</n></ligne><ligne><n>{second}</n></ligne>") for n in range(40)]
    data = document(*right, *odd).encode()
    with monkeypatch.context() as patch:
        went = blocks(patch)
        ways = both_ways(data, known, patch)
    agree(ways, data)
    assert ways[0][0]["invalid_invoices"] == wrong
    assert any(went)


@pytest.mark.parametrize("lines", [2, 4])
def test_a_number_of_lines_that_was_never_right_is_judged(
    lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schema here wants one line or three."""
    known = numbered(tmp_path, lines='{one}<xs:sequence minOccurs="0">{one}{one}</xs:sequence>')
    line = [f"<ligne><n>{n}</n></ligne>" for n in range(1, 9)]
    right = [invoice(n, rest="".join(line[: 1 + n % 2 * 2])) for n in range(240)]
    wrong = [invoice(n, rest="".join(line[:lines])) for n in range(7)]
    data = document(*right, *wrong).encode()
    with monkeypatch.context() as patch:
        went = blocks(patch)
        ways = both_ways(data, known, patch)
    agree(ways, data)
    assert ways[0][0]["invalid_invoices"] == 7
    assert any(went)


ANY_NUMBER = '{one}<xs:sequence minOccurs="0" maxOccurs="unbounded">{one}</xs:sequence>'


def numbered(folder: Path, lines: str = ANY_NUMBER, schema: Callable[[str], str] = str) -> Catalog:
    """A family whose lines have numbers that differ within an invoice. `lines`: how many there may be; `schema`: what
    else is changed."""
    folder.mkdir(exist_ok=True)
    xsd = schema((HERE / "lot.xsd").read_text("utf-8"))
    begins, ends = xsd.index('<xs:element name="ligne"'), xsd.index('<xs:element name="note"')
    own = lines.format(one='<xs:element name="ligne" type="ligne"/>')
    number = '<xs:sequence><xs:element name="n" type="xs:int"/></xs:sequence>'
    xsd = xsd[:begins] + f'<xs:sequence minOccurs="0">{own}</xs:sequence>' + xsd[ends:]
    xsd = xsd.replace(
        '<xs:element name="lot">', f'<xs:complexType name="ligne">{number}</xs:complexType><xs:element name="lot">'
    )
    xsd = xsd.replace('xpath="*"', 'xpath="l:ligne" xmlns:l="urn:essai:lot"')
    xsd = xsd.replace('xpath="@n"', 'xpath="l:n" xmlns:l="urn:essai:lot"')
    family(folder, rules=rule("N", "line", 'must = { between = ["number", 1, 9] }', "warning"), schema=xsd)
    told = (folder / "essai" / "catalog.toml").read_text("utf-8")
    told = told.replace('number = "@n"', 'number = "n"').replace('["@serie", "no"]', '"no"')
    (folder / "essai" / "catalog.toml").write_text(told, "utf-8")
    return catalog.load([folder])


# -- small documents --


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on, the bytes of each small document like one before it that libxml2 is asked about."""
    sizes: list[int] = []

    def noted(data: bytes, *rest: Any, **more: Any) -> Any:
        sizes.append(len(data))
        return short.right(data, *rest, **more)

    monkeypatch.setattr(familiar, "right", noted)
    known_ways.forget()
    return sizes


def of(known: Catalog, *numbers: int, **own: str) -> list[str]:
    """What the schema says of a small document with so many invoices."""
    data = document(*[invoice(n, rest="<ligne><n>1</n></ligne>", **own) for n in numbers]).encode()
    return by_schema(seen(data, known)[0])


def test_a_small_document_built_like_a_right_one_is_right_where_its_values_fit(
    asked: list[int], tmp_path: Path
) -> None:
    known = numbered(tmp_path)
    assert [of(known, n) for n in range(5)] == [[]] * 5
    assert len(asked) <= 1
    assert of(known, 7, sexe="M", nom="Autre", date="2023-01-02") == []
    assert len(asked) <= 1
    assert of(known, 8, sexe="X") == ["SCHEMA_VALUE"]
    assert of(known, 9, date="2023-02-30") == ["SCHEMA_VALUE"]
    assert of(known, 10) == []


def test_as_many_invoices_as_were_never_right_are_judged(asked: list[int], tmp_path: Path) -> None:
    known = numbered(tmp_path, schema=lambda text: text.replace('maxOccurs="1200"', 'maxOccurs="2"'))
    assert [of(known, *range(number)) for number in (1, 1, 2, 2, 1, 2)] == [[]] * 6
    before = len(asked)
    assert of(known, 1, 2) == []
    assert len(asked) == before
    assert set(of(known, 1, 2, 3)) == {"SCHEMA_ELEMENT"}


@pytest.mark.parametrize("of_types", [False, True])
def test_a_schema_that_changes_is_asked_again_a_second_later(
    asked: list[int], tmp_path: Path, of_types: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the change is in it or in what it includes."""
    time = FixedClock(datetime(2026, 11, 22, tzinfo=UTC))
    monkeypatch.setattr(plan, "_clock", time)
    known = numbered(tmp_path, schema=lambda text: with_type_apart(text, tmp_path / "essai") if of_types else text)
    assert [of(known, n) for n in range(4)] == [[]] * 4
    file = tmp_path / "essai" / ("types.xsd" if of_types else "lot.xsd")
    file.write_text(file.read_text("utf-8").replace('<xs:enumeration value="F"/>', ""), "utf-8")
    os.utime(file, ns=(1, 1))
    time.sleep(0.9)
    assert of(known, 5) == []
    time.sleep(0.1)
    assert [of(known, n) for n in range(4)] == [["SCHEMA_VALUE"]] * 4
    assert of(known, 5, sexe="M") == []


def test_what_else_lies_beside_schemas_stops_no_judgment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor's lock is a link that leads nowhere; a folder may have any name."""
    time = FixedClock(datetime(2026, 11, 22, tzinfo=UTC))
    monkeypatch.setattr(plan, "_clock", time)
    known = numbered(tmp_path)
    assert of(known, 1) == []
    (tmp_path / "essai" / ".#lot.xsd").symlink_to("somebody@somewhere.1234")
    (tmp_path / "essai" / "old.xsd").mkdir()
    time.sleep(1)
    assert of(known, 2) == []
    file = tmp_path / "essai" / "lot.xsd"
    file.write_text(file.read_text("utf-8").replace('<xs:enumeration value="F"/>', ""), "utf-8")
    os.utime(file, ns=(1, 1))
    time.sleep(1)
    assert of(known, 3) == ["SCHEMA_VALUE"]


def with_type_apart(schema: str, folder: Path) -> str:
    """The schema with the type of `sexe` in a file that it includes."""
    element = re.search(
        r'<xs:element name="sexe">\s*(<xs:simpleType>.*?</xs:simpleType>)\s*</xs:element>', schema, re.DOTALL
    )
    head = re.search(r"<xs:schema[^>]*>", schema)
    assert element is not None
    assert head is not None
    named = element[1].replace("<xs:simpleType>", '<xs:simpleType name="sexe">')
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "types.xsd").write_text(f"{head[0]}{named}</xs:schema>", "utf-8")
    schema = schema.replace(element[0], '<xs:element name="sexe" type="sexe"/>')
    return schema.replace(head[0], f'{head[0]}<xs:include schemaLocation="types.xsd"/>')
