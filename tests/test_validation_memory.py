"""What a process remembers of documents does not grow with their number, only with the ways they are written."""

from __future__ import annotations

import gc
from io import BytesIO
from pathlib import Path

import pytest

from gateway import catalog
from gateway.catalog import Catalog
from gateway.synthetic import LotSpec, generate
from gateway.validation import judge
from gateway.validation.looks import Look
from gateway.validation.shapes import Shape

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
KINDS = [("ramq-rfp", "dem_paimt_recev"), ("ramq-dp", "DP_RACIN"), ("ramq-dp", "dp_racin_recev")]


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog.load([SCHEMAS])


def judged(known: Catalog, kind: tuple[str, str], seed: int) -> None:
    document = BytesIO()
    generate(LotSpec(format=kind[0], document=kind[1], invoices=4, seed=seed), document)
    assert judge(document, "a.xml", known).verdict == "valid"


def remembered() -> int:
    gc.collect()
    return sum(type(one) in (Look, Shape) for one in gc.get_objects())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[1])
def test_documents_written_alike_are_remembered_once(known: Catalog, kind: tuple[str, str]) -> None:
    for seed in range(3):
        judged(known, kind, seed)
    before = remembered()
    for seed in range(3, 30):
        judged(known, kind, seed)
    assert remembered() == before
