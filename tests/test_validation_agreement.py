"""Judging invoice by invoice says of a document what judging it whole says, however it is broken."""

from __future__ import annotations

import copy
import io
import random
from pathlib import Path

import pytest
from lxml import etree

from gateway import catalog, xmlsafe
from gateway.validation import cut, judge

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
SAMPLES = sorted(SCHEMAS.glob("*/samples/*.xml"))
MUTATIONS = 1500
Element = etree._Element


def broken(root: Element, chance: random.Random) -> None:
    """One random change: an element taken away, doubled, moved, renamed, refilled; an attribute more or less."""
    elements = [e for e in root.iter() if isinstance(e.tag, str)]
    element = chance.choice(elements)
    parent, change = element.getparent(), chance.randrange(7)
    if change == 0:
        element.tag = chance.choice(elements).tag
    elif change == 1:
        element.text = chance.choice(["", "x", "0", "é", " 1 "])
    elif change == 2:
        element.set("zz", "1")
    elif change == 3 and element.attrib:
        del element.attrib[chance.choice(list(element.attrib))]
    elif parent is not None and change == 4:
        parent.remove(element)
    elif parent is not None and change == 5:
        parent.insert(parent.index(element), copy.deepcopy(element))
    elif parent is not None:
        parent.insert(parent.index(chance.choice(list(parent))), element)


@pytest.mark.parametrize("block", [150, 700, 1 << 15])
def test_the_verdict_is_that_of_the_whole_document(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "BLOCK", block)
    known, chance = catalog.load([SCHEMAS]), random.Random(block)
    schemas = {path: xmlsafe.schema(path) for path in SCHEMAS.glob("*/*.xsd")}
    for _ in range(MUTATIONS // 3):
        sample = chance.choice(SAMPLES)
        root = xmlsafe.parse(sample.read_bytes())
        for _ in range(chance.randint(1, 3)):
            broken(root, chance)
        document = known.recognise(root.tag)
        if document is None or document.schema is None:
            continue
        data = etree.tostring(root)
        whole = schemas[document.schema].validate(xmlsafe.parse(data))
        found = judge(io.BytesIO(data), "a.xml", known).findings
        by_schema = [f for f in found if f.code.startswith("SCHEMA") and f.severity == "error"]
        assert whole is (not by_schema), (sample.name, by_schema, data.decode())
        assert all(f.line and f.column and f.path for f in by_schema)
