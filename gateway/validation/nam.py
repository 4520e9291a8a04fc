"""Health insurance numbers by the thousand: which are certainly right, by tables. All others are asked about.

The tables are made by asking `nam_check_digit` itself, which adds up what each character is worth: what one of them
adds does not depend on the others.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from functools import cache
from string import ascii_uppercase, digits
from typing import NamedTuple

from gateway.identifiers import nam_check_digit
from gateway.validation.functions import SureOf
from gateway.validation.shapes import Shape

CENTURY = 2000  # services of any number's last hundred years: whoever was born in a year 19.. was born before them
_FEMALE = 50  # added to the month of birth of a woman
_PERSON = ("nam", "born", "sex")
_MOST_NAMES = 20_000  # beginnings of numbers remembered
_NUMBER = "AAAA0001010"


class Tables(NamedTuple):
    """What each part of a number adds to its check digit, for a birth in a year 19..; `days`: those of every year."""

    names: dict[str, int]  # as seen so far
    years: Mapping[str, int]
    days: Mapping[str, int]
    lasts: Mapping[str, int]
    ends: Mapping[str, int]  # the last two signs: what the first of them adds, less the check digit
    later: int  # what a birth in a year 20.. adds
    written: Mapping[str, tuple[str, str]]  # a month and day in a number → sex, month and day of the birth


def born(shape: Shape) -> SureOf:
    """Whether every number surely names a day of birth that exists and is before the services."""
    known, places = tables().days, shape.places("nam")
    return lambda got, _lines, last: recent(last) and all(got[place][6:10] in known for place in places)


def right(shape: Shape) -> SureOf:
    """Whether the check digit of every number surely fits the rest, which then names a day of birth too."""
    places = shape.places("nam")
    known = tables()
    if len(places) == 1:  # nearly always
        (at,) = places
        return lambda got, _lines, last: fits(got[at], last, known)
    return lambda got, _lines, last: recent(last) and all(fits(got[place], last, known) for place in places)


def agrees(shape: Shape) -> SureOf:
    """Whether the birth date (YYYYMMDD) and the sex beside the first number surely are those that it holds."""
    if shape.fields.issuperset(_PERSON):
        number, told, said = [shape.firsts[name] for name in _PERSON]
        return lambda got, _lines, _last: surely_agrees(got[number], got[told], got[said])
    person = shape.key(_PERSON)  # none of one that is not told
    return lambda got, _lines, _last: surely_agrees(*person((*got, None)))


def surely_agrees(number: str | None, told: str | None, said: str | None) -> bool:
    """The same of one number, and the birth date and sex told beside it."""
    written = tables().written.get((number or "")[6:10])
    if number is None or written is None:
        return False
    sex, day = written
    return (not told or told[2:8] == number[4:6] + day) and (not said or said == sex)


def recent(last: date | None) -> bool:
    """Whether all a number may mean was before this service."""
    return last is None or last.year >= CENTURY


def fits(number: str, last: date | None, known: Tables) -> bool:
    """Whether a number's check digit surely fits the rest, and the birth it names was before this service."""
    if not recent(last):
        return False
    names, years, of_day, _, ends, later, _ = known
    name, year = number[:4], number[4:6]
    if name not in names:
        learn(names, name)
    try:
        more = names[name] + years[year] + of_day[number[6:10]] + ends[number[10:]]
    except KeyError:
        return False
    if more % 10 == 0:
        return True
    return (more + later) % 10 == 0 and (last is None or CENTURY + int(year) < last.year)


def learn(names: dict[str, int], name: str) -> None:
    """Put the beginning of a number into the tables."""
    if len(names) >= _MOST_NAMES:
        names.clear()
    if len(name) == 4 and all(letter in ascii_uppercase for letter in name):
        names[name] = (_digit(name + _NUMBER[4:]) - _digit(_NUMBER)) % 10


def _digit(number: str, year: int = 1900) -> int:
    return int(nam_check_digit(number, year))


@cache
def tables() -> Tables:
    """What is known of numbers by heart."""
    plain = _digit(_NUMBER)
    months = [(sex, added, month) for sex, added in (("M", 0), ("F", _FEMALE)) for month in range(1, 13)]
    written = {
        f"{month + added:02d}{day:02d}": (sex, f"{month:02d}{day:02d}")
        for sex, added, month in months
        for day in range(1, monthrange(1999, month)[1] + 1)
    }
    lasts = {last: (_digit(_NUMBER[:10] + last) - plain) % 10 for last in ascii_uppercase + digits}
    return Tables(
        {},
        {f"{year:02d}": (_digit(_NUMBER, 1900 + year) - plain) % 10 for year in range(100)},
        {day: _digit(f"AAAA00{day}0") for day in written},  # with everything that does not change
        lasts,
        {f"{last}{digit}": adds - int(digit) for last, adds in lasts.items() for digit in digits},
        _digit(_NUMBER, 2000) - plain,
        written,
    )
