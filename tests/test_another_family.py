"""A family of another country and another business needs no code: its folder is enough for the whole way."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.freight import CANARY, HERE, consignment, order, receipt, refused, taken
from support.returns import ReturnHouse

from gateway import catalog, families
from gateway.catalog import Catalog
from gateway.models import Reply
from gateway.resources import data_dir
from gateway.states import ReplyState, RequestState
from gateway.validation import check

ASSERTION = "<xs:assert test=\"count(*) le 3 and not(k:Kolli/@Kode = 'FAT')\"/>"


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The family and its next version, in XSD 1.1, installed side by side."""
    given, schemas = tmp_path_factory.mktemp("given"), tmp_path_factory.mktemp("state") / "schemas"
    newer = given / "frakt@2026"
    shutil.copytree(HERE, newer)
    edit(newer / "catalog.toml", 'version = "3"', 'version = "4"\nxsd = "1.1"\nfrom = 2026-01-01')
    edit(newer / "deler" / "sending.xsd", '<xs:attribute name="Transportoer" type="g:Nummer"/>', ASSERTED)
    for folder in (HERE, newer):
        assert families.add(folder, schemas) == []
    return schemas


ASSERTED = f'<xs:attribute name="Transportoer" type="g:Nummer"/>\n    {ASSERTION}'


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def known(schemas: Path) -> Catalog:
    return catalog.load([schemas, data_dir("schemas")])


@pytest.fixture
def house(tmp_path: Path, known: Catalog) -> ReturnHouse:
    house = ReturnHouse(tmp_path, formats=("frakt",), on_repeat="unknown")
    house.rooms = replace(house.rooms, catalog=known)
    house.account("admin:40001", "AGE-1")
    return house


def test_its_defects_are_found_invoice_by_invoice_in_either_language_of_schemas(known: Catalog) -> None:
    for day, version in (("24.12.2025", "3"), ("24.12.2026", "4")):
        text = order(consignment(1, day=day), consignment(2, day=day, kind="FAT"), consignment(3, day=day))
        (report,) = check(text.encode(), catalog=known)
        assert (report.format, report.version, report.invoices, report.invalid_invoices) == ("frakt", version, 3, 1)
        first = report.findings[0]
        assert first.invoice is not None
        assert (first.code, first.line, first.invoice.number) in {
            ("SCHEMA_VALUE", 4, "A-2"),
            ("SCHEMA_OTHER", 4, "A-2"),
        }
        assert CANARY not in str(report)
    assert {f.code for f in report.findings} == {"SCHEMA_VALUE", "SCHEMA_OTHER"}


def test_it_goes_the_whole_way(house: ReturnHouse) -> None:
    text = order(consignment(1), consignment(2, kind="ESKE"))
    (request,) = house.given("opp.xml", text)
    assert (request.state, request.holds, request.format, request.account) == (
        RequestState.READY,
        [],
        "frakt",
        "admin:40001",
    )
    house.sent()
    assert house.at_the_payer() == {"OPP-1.xml": text.encode()}
    (reply,) = house.answered("OPP-1.recev.xml", receipt(taken(1, "NO-1"), refused(2), said="DELVIS"))
    assert (reply.state, reply.reason, reply.document) == (ReplyState.MATCHED, None, "Kvittering")
    assert house.now(request).state == RequestState.RECEIVABLE
    assert [(s.no_fact_ext, s.amount_cents) for s in house.submissions(request)] == [("A-1", 12500), ("A-2", 12500)]
    assert house.invoice("A-1").no_fact_ramq == "NO-1"
    assert house.invoice("A-2").no_fact_ramq is None
    house.distributed()
    pages = house.at_the_agency()
    (facts,) = [json.loads(data) for name, data in pages.items() if name.startswith("recev") and name.endswith("json")]
    assert (facts["receivable"], facts["not_receivable"], facts["preliminary_cents"]) == (1, 1, 12000)
    assert facts["invoices"][1]["messages"] == [{"code": "F12", "text": "Feil vekt"}]


def test_a_bad_order_is_refused_with_a_report_and_never_sent(house: ReturnHouse) -> None:
    (request,) = house.given("opp.xml", order(consignment(1), consignment(2, kind="FAT")))
    assert (request.state, request.reason) == (RequestState.REFUSED, "SCHEMA_VALUE")
    assert [reply.kind for reply in house.all(Reply)].count("report") == 1
    house.sent()
    assert house.at_the_payer() == {}


def test_an_answer_in_a_word_nobody_knows_waits_for_a_person(house: ReturnHouse) -> None:
    house.given("opp.xml", order(consignment(1)))
    house.sent()
    (reply,) = house.answered("OPP-1.recev.xml", receipt(said="KANSKJE"))
    assert (reply.state, reply.reason) == (ReplyState.HELD, "reply_invalid")
