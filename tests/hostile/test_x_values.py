"""X11 and X12: nobody sends under a number that only looks like theirs, and impossible values never pass."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from support.attacks import fell
from support.family import document, family, invoice
from support.house import House
from support.tally import MINIMUM, Count

from gateway import catalog
from gateway.catalog import Catalog
from gateway.report import InvoiceIndex
from gateway.resources import data_dir
from gateway.validation import judge
from hostile import values

BELOW, BEYOND = -(10**17), 10**17  # what a database holds of cents


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("schemas")
    family(folder)
    return catalog.load([folder, data_dir("schemas")])


def test_a_number_that_only_looks_like_the_agencys_never_goes(tmp_path: Path, tally: Count) -> None:
    house = House(tmp_path)
    house.agency("AGE-2", "18002")
    house.number("18010", "AGE-2")
    found = {}
    for place, written in enumerate(values.SENDERS):
        (request,) = house.given(f"{place}.xml", values.sent_by(f"N-{place}", written))
        found[written] = (request.state, request.reason)
    (both,) = house.given("deux.xml", values.two_senders("N-99"))
    (honest,) = house.given("bon.xml", values.sent_by("N-98", "18001"))
    house.sent()
    assert list(house.at_the_payer()) == ["N-98.xml"]
    assert honest.state == "READY"
    assert both.state != "READY"
    assert found == values.SENDERS
    assert len(found) + 1 >= MINIMUM["X11"]
    house.close()
    tally("X11", refused=len(found) + 1, twins=1)


def test_values_out_of_range_are_refused_or_do_nothing(known: Catalog, tally: Count) -> None:
    tried, twins = list(values.out_of_range()), list(values.honest())
    assert len(tried) >= MINIMUM["X12"]
    assert [said for attack in (*tried, *twins) if (said := fell(attack, known))] == []
    harmless = sum(attack.code is None for attack in tried)
    tally("X12", refused=len(tried) - harmless, harmless=harmless, twins=len(twins))


@pytest.mark.parametrize("money", ["9" * 300_000, "-" + "9" * 40, "0.001", "1" + "0" * 16])
def test_no_amount_is_larger_than_can_be_kept(money: str, known: Catalog) -> None:
    seen: list[InvoiceIndex] = []
    judge(io.BytesIO(document(invoice(1, montant=money)).encode()), "a.xml", known, sink=seen.append)
    (index,) = seen
    assert index.amount_cents is None or BELOW < index.amount_cents < BEYOND
