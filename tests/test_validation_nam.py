"""What the tables say of health insurance numbers is what asking about each says."""

from __future__ import annotations

import random
from datetime import date

from gateway.catalog import DocumentType
from gateway.identifiers import make_nam
from gateway.validation import nam
from gateway.validation.facts import Facts
from gateway.validation.functions_people import nam_agrees, nam_birth, nam_right
from gateway.validation.shapes import Shape

SHAPE = Shape(("nam", "born", "sex"))


def facts(number: str, born: str, sex: str, service: date) -> Facts:
    document = DocumentType("essai", "essai", "essai", "request", "ours", "1", None)
    own = {"nam": [number], "born": [born], "sex": [sex], "service": [service.isoformat()]}
    return Facts(document, own)


def test_what_the_tables_are_sure_of_holds() -> None:
    chance, sure = random.Random(5), 0
    for _ in range(4000):
        born = date.fromordinal(chance.randint(date(1900, 1, 1).toordinal(), date(2029, 12, 31).toordinal()))
        female, service = chance.random() < 0.5, date(chance.choice([1999, 2003, 2026]), 3, 1)
        number = make_nam("".join(chance.choices("ABKZ", k=3)), chance.choice("AJS"), born, female)
        if chance.random() < 0.4:
            place = chance.randrange(12)
            number = number[:place] + chance.choice("0123456789AZé") + number[place + 1 :]
        told = f"{born:%Y%m%d}" if chance.random() < 0.9 else "19500230"
        one = facts(number, told, chance.choice("MF"), service)
        got = [one.own[name][0] for name in SHAPE.names]
        pairs = [(nam.born, nam_birth), (nam.right, nam_right), (nam.agrees, nam_agrees)]
        said = [(quickly(SHAPE)(got, (), service), asked(one)) for quickly, asked in pairs]
        assert all(holds for certain, holds in said if certain), (number, service)
        sure += all(certain for certain, _ in said)
    assert sure > 400


def test_ordinary_numbers_are_sure() -> None:
    for year in (1930, 1955, 1984, 1999, 2004, 2019):
        number = make_nam("TRE", "A", date(year, 6, 15), female=True)
        got = [number, f"{year}0615", "F"]
        assert nam.born(SHAPE)(got, (), date(2026, 3, 1))
        assert nam.right(SHAPE)(got, (), date(2026, 3, 1))
        assert nam.agrees(SHAPE)(got, (), None)
