"""`gateway rules counts` and `gateway rules diff`: which rules the payer contradicts, and what others would say."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from support.house import House, paimt, sample
from support.returns import Fact, ReturnHouse, recev

from gateway.cli.rule_counts import demotion
from gateway.cli.rule_diff import changes, families
from gateway.models import Agency, Request, Submission
from gateway.registry.severities import adjustable
from gateway.resources import data_dir
from gateway.store import findings, requests
from gateway.store.findings import RuleCount


@pytest.fixture
def house(tmp_path: Path, address: Path | str) -> Iterator[House]:
    house = House(tmp_path, address)
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


def test_what_the_payer_takes_against_a_rule_that_held_it_proposes_its_demotion_and_the_registry_takes_it(
    tmp_path: Path,
) -> None:
    house = ReturnHouse(tmp_path)
    wrong = sample("ramq-rfp", "rule_END_BEFORE_START_ten_minutes_early")
    own = re.search("<no_dem_ext>(.*?)</no_dem_ext>", wrong)
    invoices = re.findall("<no_fact_ext>(.*?)</no_fact_ext>", wrong)
    practice = re.search("<id_intvn>(.*?)</id_intvn>", wrong)
    assert own
    assert practice
    house.account(f"personal:{practice[1]}", "AGE-1")

    def deposited(n: int) -> Request:
        text = wrong.replace(own[1], f"D-{n}")
        for number in invoices:
            text = text.replace(f">{number}<", f">{number}-{n}<")
        return house.given("lot.xml", text)[0]

    for n in range(5):
        request = deposited(n)
        assert (request.state, request.holds) == ("HELD", ["END_BEFORE_START"])
        with house.store.write() as tx:
            requests.release(tx, request, despite=["END_BEFORE_START"], reason="the software is known for it")
        house.transmit.run(house.rooms, "sandbox:18001")
        facts = [Fact(f"{number}-{n}", f"{n}{place:010d}") for place, number in enumerate(invoices)]
        (reply,) = house.answered(f"D-{n}.recev.xml", recev(f"D-{n}", *facts))
        assert (reply.state, house.now(request).state) == ("MATCHED", "RECEIVABLE")
    with house.store.read() as tx:
        (count,) = (one for one in findings.counts(tx) if one.code == "END_BEFORE_START")
    may = adjustable(house.rooms.catalog)
    assert (count.receivable, count.not_receivable, demotion(count, may)) == (5, 0, "warning")
    with house.store.write() as tx:
        tx.session.get_one(Agency, "AGE-1").rules = {"END_BEFORE_START": "warning"}
    goes = deposited(9)
    assert (goes.state, goes.holds) == ("READY", [])
    house.close()


def test_a_finding_about_no_invoice_is_counted_by_request(house: House) -> None:
    (request,) = house.given("lot.xml", paimt("CON"))
    assert request.holds == ["REQUEST_NUMBER_DEVICE"]
    with house.store.write() as tx:
        tx.session.get_one(Request, request.id).state = "RECEIVABLE"
    with house.store.read() as tx:
        counted = findings.counts(tx)
    assert RuleCount("REQUEST_NUMBER_DEVICE", "error", "ours", 1, 0, 0) in counted


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
    assert demotion(count, {"X"}) == proposed


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
