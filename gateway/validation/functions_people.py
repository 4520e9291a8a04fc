"""Functions about people: health insurance numbers, cards, patients without a number, practice numbers.

They see personal values and give nothing of them back: only whether a rule holds.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

from gateway.identifiers import NAM, nam_check_digit
from gateway.validation.columns import Columns, firsts
from gateway.validation.facts import Facts
from gateway.validation.functions import DATES, Given, Maker, SureOf, alone, surely
from gateway.validation.nam import agrees, born, right
from gateway.validation.nam_columns import unsure_agreement, unsure_birth, unsure_digit
from gateway.validation.shapes import Shape

_CENTURY = 2000
_FEMALE = 50  # added to the month of birth of a woman
_LEAP = (2, 29)
_DAYS = {  # as a number writes them → month and day
    f"{month + added:02d}{day:02d}": (month, day)
    for added in (0, _FEMALE)
    for month in range(1, 13)
    for day in range(1, monthrange(2000, month)[1] + 1)
}


def nam_birth(facts: Facts) -> bool:
    """A health insurance number names a day of birth that exists, in one of two centuries, not after the service."""
    latest = _latest(facts)
    return all([_read(number, latest)[0] for number in facts.own.get("nam", ())])  # noqa: C419 - quicker


def nam_right(facts: Facts) -> bool:
    """The last digit of a health insurance number fits the others, for one of the centuries it may mean."""
    latest = _latest(facts)
    return all([_read(number, latest)[1] for number in facts.own.get("nam", ())])  # noqa: C419 - quicker


def nam_agrees(facts: Facts) -> bool:
    """The birth date (YYYYMMDD) and the sex written beside a health insurance number are those it holds."""
    number, born, sex = facts.first("nam"), facts.first("born"), facts.first("sex")
    if not number or not NAM.fullmatch(number):
        return True
    female = int(number[6:8]) > _FEMALE
    month = int(number[6:8]) - (_FEMALE if female else 0)
    day_fits = not born or born[2:8] == f"{number[4:6]}{month:02d}{number[8:10]}"
    return day_fits and (not sex or (sex == "F") == female)


def patient_born(facts: Facts) -> bool:
    """A patient who is described instead of numbered was born on a day that exists, not after the service."""
    days = [_day(text) for text in facts.own.get("born", ())]
    return all(day is not None and day <= _latest(facts) for day in days)


def card_in_force(facts: Facts) -> bool:
    """The month to which a card holds (YYMM) is not before the month of the service."""
    expiry = facts.first("card_expiry")
    if not expiry or len(expiry) != 4 or not (expiry.isascii() and expiry.isdecimal()):
        return True
    last = (_CENTURY + int(expiry[:2]), int(expiry[2:]))
    return all((day.year, day.month) <= last for day in facts.service_dates())


def _surely_in_force(shape: Shape) -> SureOf:
    at = shape.firsts.get("card_expiry")
    if at is None:
        return surely
    return lambda got, _lines, last: last is None or not got[at] or _holds_until(got[at], last)


def _holds_until(expiry: str, day: date) -> bool:
    """For services in the years 20.., which a card's month is of too."""
    return len(expiry) == 4 and expiry.isascii() and expiry.isdecimal() and expiry >= _month(day)


def _unsure_in_force(rows: Columns, days: Sequence[date | None]) -> Sequence[int]:
    both = enumerate(zip(firsts(rows, "card_expiry"), days, strict=True))
    return [place for place, (expiry, day) in both if expiry and day and not _holds_until(expiry, day)]


@lru_cache(maxsize=4096)  # a lot has a handful of days
def _month(day: date) -> str:
    """The month of a day as a card writes it; in other centuries than this one, what is after all of them."""
    return f"{day.year - _CENTURY:02d}{day.month:02d}" if _CENTURY <= day.year < _CENTURY + 100 else "~"


class PracticeClass:
    """A practice number begins with a digit of its profession, where `[settings.practice_class]` knows which."""

    reads = frozenset({"practice"})

    def __init__(self, given: Given) -> None:
        classes: Mapping[str, list[str]] = given.settings.get("practice_class", {})
        self._classes = {kind: frozenset(digits) for kind, digits in classes.items()}

    def holds(self, facts: Facts) -> bool:
        known = self._classes.get(facts.kind or "")
        return known is None or all(number[:1] in known for number in facts.own.get("practice", ()))


def _latest(facts: Facts) -> date:
    return max(facts.service_dates(), default=date.max)


@lru_cache(maxsize=256)  # two rules ask about the same number one after the other
def _read(number: str, by: date) -> tuple[bool, bool]:
    """Whether a number names a possible birth, and whether its check digit fits one. What is no such number at all is
    the schema's to say."""
    if not NAM.fullmatch(number):
        return True, True
    within, born = int(number[4:6]), False
    for year in (2000 + within, 1900 + within):
        if _exists(year, number[6:10], by):
            born = True
            if nam_check_digit(number[:11], year) == number[11]:
                return True, True
    return born, not born


def _exists(year: int, written: str, by: date) -> bool:
    """Whether a number's month and day exist in that year, not after `by`. Asked about every patient of a lot."""
    day = _DAYS.get(written)
    if day is None or (day == _LEAP and not isleap(year)):
        return False
    return year < by.year or (year == by.year and day <= (by.month, by.day))


def _day(text: str) -> date | None:
    """A day of either format: 2026-09-14, 20260914."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


FUNCTIONS: Mapping[str, Maker] = {
    "nam_birth": alone(nam_birth, "nam", sure=born, unsure=unsure_birth),
    "nam_right": alone(nam_right, "nam", sure=right, unsure=unsure_digit, covers=("nam_birth",)),
    "nam_agrees": alone(nam_agrees, "nam", sure=agrees, unsure=unsure_agreement),
    "patient_born": alone(patient_born, "born", reads=("born", DATES)),
    "card_in_force": alone(card_in_force, "card_expiry", sure=_surely_in_force, unsure=_unsure_in_force),
    "practice_class": PracticeClass,
}
