"""What a process remembers of documents does not grow with their number, only with the ways they are written."""

from __future__ import annotations

import gc
from io import BytesIO
from pathlib import Path

import pytest

from gateway import catalog
from gateway.catalog import Catalog
from gateway.synthetic import LotSpec, generate
from gateway.validation import judge, screen, shapes
from gateway.validation.looks import Look
from gateway.validation.plan import plan_for
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


def test_ways_without_end_are_remembered_up_to_a_number(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_MOST_SHAPES", 20)
    monkeypatch.setattr(shapes, "_MOST", 20)
    plan = plan_for(known.document(*KINDS[1]))
    judgment, own, before = plan.rules.open(), Shape(("number", "practice")), remembered()
    judgment.screen.begin(judgment.checks, {"document": {}})
    for number in range(200):
        line = plan.shapes[("code", *["surface"] * number)]
        judgment.screen.doubtful("DP", [(1, (own, [str(number), "231236"]), [(line, ["01"] * len(line.names))])])
    del line
    assert remembered() - before < 100
