"""Health insurance numbers by the thousand: which are certainly right, by tables. All others are asked about.

The tables are made by asking `nam_check_digit` itself, which adds up what each character is worth: what one of them
adds does not depend on the others.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from string import ascii_uppercase, digits
from typing import NamedTuple

from gateway.identifiers import nam_check_digit
from gateway.validation.shapes import Row

CENTURY = 2000  # services of any number's last hundred years: whoever was born in a year 19.. was born before them
_FEMALE = 50  # added to the month of birth of a woman
_PERSON = ("nam", "born", "sex")
_MOST_NAMES = 20_000  # beginnings of numbers remembered
_NUMBER = "AAAA0001010"


class _Tables(NamedTuple):
    """What each part of a number adds to its check digit, for a birth in a year 19..; `days`: those of every year."""

    names: dict[str, int]  # as seen so far
    years: Mapping[str, int]
    days: Mapping[str, int]
    lasts: Mapping[str, int]
    later: int  # what a birth in a year 20.. adds
    written: Mapping[str, tuple[str, str]]  # a month and day in a number → sex, month and day of the birth


def born(row: Row, days: Sequence[date]) -> bool:
    """Whether every number surely names a day of birth that exists and is before the services."""
    shape, got = row[1]
    known, places = tables().days, shape.places("nam")
    if len(places) == 1:  # nearly always
        return got[places[0]][6:10] in known and recent(days)
    return recent(days) and all(got[place][6:10] in known for place in places)


def right(row: Row, days: Sequence[date]) -> bool:
    """Whether the check digit of every number surely fits the rest."""
    shape, got = row[1]
    places = shape.places("nam")
    if len(places) == 1:
        return recent(days) and fits(got[places[0]], days)
    return recent(days) and all(fits(got[place], days) for place in places)


def agrees(row: Row, _days: Sequence[date]) -> bool:
    """Whether the birth date (YYYYMMDD) and the sex beside the first number surely are those that it holds."""
    shape, got = row[1]
    number, told, said = shape.key(_PERSON)((*got, None))
    return surely_agrees(number or "", told, said)


def surely_agrees(number: str, told: str | None, said: str | None) -> bool:
    """The same of one number, and the birth date and sex told beside it."""
    written = tables().written.get(number[6:10])
    if written is None:
        return False
    sex, day = written
    return (not told or told[2:8] == number[4:6] + day) and (not said or said == sex)


def recent(days: Sequence[date]) -> bool:
    """Whether all a number may mean was before these services."""
    return not days or (days[0] if len(days) == 1 else max(days)).year >= CENTURY


def fits(number: str, days: Sequence[date]) -> bool:
    """Whether a number's check digit surely fits the rest."""
    names, years, of_day, lasts, later, _ = tables()
    name, year = number[:4], number[4:6]
    if name not in names:
        learn(names, name)
    try:
        adds = names[name] + years[year] + of_day[number[6:10]] + lasts[number[10:11]]
    except KeyError:
        return False
    digit = number[11:]
    if digit == digits[adds % 10]:
        return True
    born_later = not days or CENTURY + int(year) < max(days).year
    return born_later and digit == digits[(adds + later) % 10]


def learn(names: dict[str, int], name: str) -> None:
    """Put the beginning of a number into the tables."""
    if len(names) >= _MOST_NAMES:
        names.clear()
    if len(name) == 4 and all(letter in ascii_uppercase for letter in name):
        names[name] = (_digit(name + _NUMBER[4:]) - _digit(_NUMBER)) % 10


def _digit(number: str, year: int = 1900) -> int:
    return int(nam_check_digit(number, year))


@cache
def tables() -> _Tables:
    """What is known of numbers by heart."""
    plain = _digit(_NUMBER)
    months = [(sex, added, month) for sex, added in (("M", 0), ("F", _FEMALE)) for month in range(1, 13)]
    written = {
        f"{month + added:02d}{day:02d}": (sex, f"{month:02d}{day:02d}")
        for sex, added, month in months
        for day in range(1, monthrange(1999, month)[1] + 1)
    }
    return _Tables(
        {},
        {f"{year:02d}": (_digit(_NUMBER, 1900 + year) - plain) % 10 for year in range(100)},
        {day: _digit(f"AAAA00{day}0") for day in written},  # with everything that does not change
        {last: (_digit(_NUMBER[:10] + last) - plain) % 10 for last in ascii_uppercase + digits},
        _digit(_NUMBER, 2000) - plain,
        written,
    )
