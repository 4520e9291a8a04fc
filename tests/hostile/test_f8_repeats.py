"""F8: the same file again, in every way it comes again: the payer has each request once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.house import House, paimt, zipped
from support.tally import MINIMUM, Count

from gateway.models import Batch, Request

Words = tuple[str, str | None]  # state and reason


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.agency("AGE-2", "18002")
    yield house
    house.close()


class Case:
    """One request, deposited first; and again."""

    def __init__(self, house: House, number: str) -> None:
        self.house, self.number = house, number

    def text(self, number: str | None = None, *, remark: str = "") -> str:
        """The request, always with the same invoices."""
        number = number or self.number
        text = paimt(number, first=f"{self.number}-1", second=f"{self.number}-2")
        return text.replace("<dem_paimt", f"{remark}<dem_paimt", 1)

    def first(self) -> None:
        """It is deposited and judged right."""
        (request,) = self.house.given("premier.xml", self.text())
        assert request.state == "READY"

    def again(self, name: str, data: str | bytes, source: str = "SRC-1") -> list[Words]:
        """What became of what came again."""
        return [(request.state, request.reason) for request in self.house.given(name, data, source)]


def _after(first: Callable[[Case], object]) -> Callable[[Case], list[Words]]:
    def case(it: Case) -> list[Words]:
        first(it)
        return it.again("premier.xml", it.text())

    return case


def _then(name: str, data: Callable[[Case], str | bytes], source: str = "SRC-1") -> Callable[[Case], list[Words]]:
    def case(it: Case) -> list[Words]:
        it.first()
        return it.again(name, data(it), source)

    return case


def _not_judged_yet(it: Case) -> list[Words]:
    it.house.deposit("premier.xml", it.text())
    it.house.collected()
    return it.again("encore.xml", it.text())


def _sent(it: Case) -> None:
    it.first()
    it.house.sent()


def _utf16(it: Case) -> bytes:
    return it.text().replace('encoding="UTF-8"', 'encoding="UTF-16"', 1).encode("utf-16")


HELD_NUMBER: list[Words] = [("HELD", "REQUEST_NUMBER_REUSED")]
HELD_INVOICES: list[Words] = [("HELD", "INVOICE_NUMBER_REUSED")]
REPEATED: list[Words] = [("REFUSED", "REQUEST_REPEATED")]
# No request comes of the same bytes: they are the first lot's, and so is the answer.
CASES: dict[str, tuple[Callable[[Case], list[Words]], list[Words]]] = {
    "the same name and bytes": (_after(Case.first), []),
    "another name": (_then("autre.xml", Case.text), []),
    "the same once it was sent": (_after(_sent), []),
    "the same before the first is judged": (_not_judged_yet, [("READY", None)]),
    "the same in a ZIP": (_then("lot.zip", lambda it: zipped(a=it.text())), REPEATED),
    "the same twice in a ZIP": (_then("lot.zip", lambda it: zipped(a=it.text(), b=it.text())), REPEATED * 2),
    "the same number, other bytes": (_then("autre.xml", lambda it: it.text(remark="<!-- 2 -->")), HELD_NUMBER),
    "the same number, a line more": (_then("autre.xml", lambda it: it.text() + "\n"), HELD_NUMBER),
    "the same number, a mark before": (_then("autre.xml", lambda it: "\ufeff" + it.text()), HELD_NUMBER),
    "the same number in UTF-16": (_then("autre.xml", _utf16), HELD_NUMBER),
    "the same number in a ZIP": (_then("lot.zip", lambda it: zipped(a=it.text(remark="<!-- 2 -->"))), HELD_NUMBER),
    "another number, the same invoices": (_then("autre.xml", lambda it: it.text(f"{it.number}X")), HELD_INVOICES),
    "from another agency": (_then("a.xml", Case.text, "SRC-2"), [("REFUSED", "FOREIGN_NUMBER")]),
}


def test_whatever_comes_again_goes_once(house: House, tally: Count) -> None:
    became = {}
    for place, (name, (script, _)) in enumerate(CASES.items()):
        became[name] = script(Case(house, f"R-{place}"))
    assert became == {name: words for name, (_, words) in CASES.items()}
    house.sent()
    assert sorted(house.at_the_payer()) == sorted(f"R-{place}.xml" for place in range(len(CASES)))
    assert len(CASES) + 2 >= MINIMUM["F8"]
    tally("F8", refused=len(CASES), twins=len(CASES))


def test_what_was_refused_may_come_again_and_is_judged_again(house: House, tally: Count) -> None:
    it = Case(house, "R-1")
    broken = it.text().replace("</dem_paimt>", "")
    assert it.again("a.xml", broken) == [("REFUSED", "NOT_WELL_FORMED")]
    assert it.again("a.xml", broken) == [("REFUSED", "NOT_WELL_FORMED")]
    assert it.again("a.xml", it.text()) == [("READY", None)]
    assert [batch.state for batch in house.all(Batch)] == ["REFUSED", "REFUSED", "VALIDATED"]
    house.sent()
    assert list(house.at_the_payer()) == ["R-1.xml"]
    assert sum(request.state == "TRANSMITTED" for request in house.all(Request)) == 1
    tally("F8", refused=2, twins=1)
