"""Blocks of invoices with defects are judged at once too; and no parser judges by itself."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest
from test_validation_quick import agree, both_ways, opened, repeated

from gateway import catalog, xmlsafe
from gateway.catalog import Catalog
from gateway.validation import cut, opening

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
SEED = 1


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog.load([SCHEMAS])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'CHN="06"', b'CHN="66"'),
        (b'CHN="06"', b""),
        (b'CHN="06"', b'CHN="06" NAITRE="1"'),
        (b"</DP>", b"<ACTE/></DP>"),
    ],
)
def test_a_block_with_wrong_invoices_is_judged_at_once(
    old: bytes, new: bytes, known: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with each is known from the one judgment: a wrong value, an attribute or element too many or
    missing, in some of the invoices or in all."""
    sample = SCHEMAS / "ramq-dp" / "samples" / "valid_DP_RACIN_administrative_account.xml"
    monkeypatch.setattr(cut, "BLOCK", 3000)
    whole = repeated(known, sample, 60, random.Random(SEED)) or b""
    for nth in (1, 9):
        parts = whole.split(old)
        data = b"".join(part + (new if n % nth == 0 else old) for n, part in enumerate(parts[:-1])) + parts[-1]
        with monkeypatch.context() as patch:
            patch.setattr(opening, "_PATIENCE", 0)  # each block is judged by libxml2
            blocks = opened(patch)
            ways = both_ways(data, known, patch)
        agree(ways, data)
        assert ways[0][0]["invalid_invoices"] >= 60 // nth
        assert sum(blocks) > 5
        assert blocks.count(False) <= 2


def test_no_parser_is_given_a_schema() -> None:
    """`XMLParser(target=, schema=)` accepts invalid documents in silence: a schema is asked only by `validate`."""
    root = SCHEMAS.parent
    files = [f for folder in ("gateway", "adapters", "bench") for f in (root / folder).rglob("*.py")]
    calls = [(f, c) for f in files for c in ast.walk(ast.parse(f.read_bytes())) if isinstance(c, ast.Call)]
    makers = {"XMLParser", "XMLPullParser", "HTMLParser", "iterparse", "fromstring", "ETCompatXMLParser"}
    found = [
        (f.name, c.lineno)
        for f, c in calls
        if getattr(c.func, "attr", getattr(c.func, "id", "")) in makers
        and any(k.arg in ("schema", "target") for k in c.keywords)
    ]
    assert files
    assert not found
    assert not {"schema", "target"} & xmlsafe._OPTIONS.keys()
