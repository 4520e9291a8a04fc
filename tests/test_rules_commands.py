"""`gateway rules counts` and `gateway rules diff`: which rules the payer contradicts, and what others would say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from support.house import House, paimt

from gateway.cli.rule_counts import demotion
from gateway.cli.rule_diff import changes, families
from gateway.models import Submission
from gateway.resources import data_dir
from gateway.store import findings
from gateway.store.findings import RuleCount


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def test_what_the_payer_takes_in_spite_of_us_is_counted_by_rule(house: House) -> None:
    wrong = "TREE84551712"
    for n in range(6):
        text = paimt(f"D-{n}", first=f"F-{n}-1", second=f"F-{n}-2").replace("TREE84551711", wrong)
        house.given("lot.xml", text)
    with house.store.write() as tx:
        for submission in house.all(Submission):
            row = tx.session.get_one(Submission, (submission.request_id, submission.ordinal))
            row.verdict = "receivable" if row.no_fact_ext != "F-5-1" else None
    with house.store.read() as tx:
        counted = findings.counts(tx)
    assert [count for count in counted if count.code == "NAM_CHECK_DIGIT"] == [
        RuleCount("NAM_CHECK_DIGIT", "warning", "ours", 5, 0, 1)
    ]


@pytest.mark.parametrize(
    ("count", "proposed"),
    [
        (RuleCount("X", "error", "reconstructed", 9, 1, 3), "warning"),
        (RuleCount("X", "warning", "ours", 5, 0, 0), "info"),
        (RuleCount("X", "info", "ours", 50, 0, 0), None),
        (RuleCount("X", "error", "ours", 4, 0, 9), None),
        (RuleCount("X", "error", "ours", 8, 2, 0), None),
        (RuleCount("956", "error", "letter", 50, 0, 0), None),
    ],
)
def test_a_rule_the_payer_nearly_always_contradicts_is_proposed_for_demotion(
    count: RuleCount, proposed: str | None
) -> None:
    assert demotion(count) == proposed


def test_another_rule_set_is_compared_invoice_by_invoice(tmp_path: Path) -> None:
    new = tmp_path / "schemas"
    shutil.copytree(data_dir("schemas") / "ramq-rfp", new / "ramq-rfp", ignore=shutil.ignore_patterns("samples"))
    file = new / "ramq-rfp" / "rules.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace('code = "1081"\nseverity = "error"', 'code = "1081"\nseverity = "info"'), "utf-8")
    lots = tmp_path / "lots"
    lots.mkdir()
    (lots / "a.xml").write_text(paimt("D-1"), "utf-8")
    (lots / "b.xml").write_text(paimt("D-2").replace("<id_prof>231234", "<id_prof>231235", 1), "utf-8")
    files = sorted(lots.iterdir())
    same, other = changes(files, families(data_dir("schemas")), families(new / "ramq-rfp"), date(2026, 10, 1))
    assert not same.any
    assert other.verdict == ("invalid", "valid")
    assert (other.lost, other.gained) == ([(1, "F-1", "1081", "error")], [(1, "F-1", "1081", "info")])
