"""Health insurance numbers by the thousand: which are certainly right, by tables. All others are asked about.

The tables are made by asking `nam_check_digit` itself, which adds up what each character is worth: what one of them
adds does not depend on the others.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from string import ascii_uppercase, digits
from typing import NamedTuple

from gateway.identifiers import nam_check_digit
from gateway.validation.columns import Columns, firsts
from gateway.validation.shapes import Row, first

_CENTURY = 2000  # services of any number's last hundred years: whoever was born in a year 19.. was born before them
_FEMALE = 50  # added to the month of birth of a woman
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
    known, places = _tables().days, shape.places("nam")
    if len(places) == 1:  # nearly always
        return got[places[0]][6:10] in known and _recent(days)
    return _recent(days) and all(got[place][6:10] in known for place in places)


def right(row: Row, days: Sequence[date]) -> bool:
    """Whether the check digit of every number surely fits the rest."""
    shape, got = row[1]
    places = shape.places("nam")
    if len(places) == 1:
        return _recent(days) and _fits(got[places[0]], days)
    return _recent(days) and all(_fits(got[place], days) for place in places)


def agrees(row: Row, _days: Sequence[date]) -> bool:
    """Whether the birth date (YYYYMMDD) and the sex beside the first number surely are those that it holds."""
    own = row[1]
    return _agrees(first(own, "nam") or "", first(own, "born"), first(own, "sex"))


def _agrees(number: str, told: str | None, said: str | None) -> bool:
    written = _tables().written.get(number[6:10])
    if written is None:
        return False
    sex, day = written
    return (not told or told[2:8] == number[4:6] + day) and (not said or said == sex)


# -- the same of columns: the places of those it does not surely hold for --


def unsure_birth(rows: Columns, days: Sequence[date | None]) -> Sequence[int]:
    """As `born`."""
    known, numbers = _tables().days, firsts(rows, "nam")
    if None not in numbers and {n[6:10] for n in numbers} <= known.keys() and _all_recent(days):  # type: ignore[index]
        return ()
    both = enumerate(zip(numbers, days, strict=True))
    return [place for place, (n, day) in both if n is not None and not (n[6:10] in known and _all_recent((day,)))]


def unsure_digit(rows: Columns, days: Sequence[date | None]) -> Sequence[int]:
    """As `right`: first as if everybody were born in a year 19.., as most were."""
    names, years, of_day, lasts, _, _ = _tables()
    numbers = firsts(rows, "nam")
    for name in {number[:4] for number in numbers if number is not None} - names.keys():
        _learn(names, name)
    try:
        adds = [names[n[:4]] + years[n[4:6]] + of_day[n[6:10]] + lasts[n[10:11]] for n in numbers if n is not None]
    except KeyError:
        adds = []
    left: Iterable[int] = range(len(numbers))
    if len(adds) == len(numbers) and _all_recent(days):
        left = [place for place, n, add in zip(left, numbers, adds, strict=True) if n[11:] != digits[add % 10]]  # type: ignore[index]
    return [place for place in left if not _surely(numbers[place], days[place])]


def _surely(number: str | None, day: date | None) -> bool:
    days = () if day is None else (day,)
    return number is None or (_recent(days) and _fits(number, days))


def unsure_agreement(rows: Columns, _days: Sequence[date | None]) -> Sequence[int]:
    """As `agrees`."""
    numbers, told, said = [firsts(rows, name) for name in ("nam", "born", "sex")]
    if None not in numbers and None not in told and None not in said:
        found = {(n[6:10], sex, day[4:8]) for n, sex, day in zip(numbers, said, told, strict=True)}  # type: ignore[index]
        if found <= _all_written() and [n[4:6] for n in numbers] == [day[2:4] for day in told]:  # type: ignore[index]
            return ()
    both = enumerate(zip(numbers, told, said, strict=True))
    return [place for place, (number, *beside) in both if not _agrees(number or "", *beside)]


@cache
def _all_written() -> frozenset[tuple[str, str, str]]:
    return frozenset((written, sex, day) for written, (sex, day) in _tables().written.items())


def _all_recent(days: Sequence[date | None]) -> bool:
    return all([day.year >= _CENTURY for day in set(days) if day is not None])  # noqa: C419 - quicker


def _recent(days: Sequence[date]) -> bool:
    return not days or max(days).year >= _CENTURY


def _fits(number: str, days: Sequence[date]) -> bool:
    names, years, of_day, lasts, later, _ = _tables()
    name, year = number[:4], number[4:6]
    if name not in names:
        _learn(names, name)
    try:
        adds = names[name] + years[year] + of_day[number[6:10]] + lasts[number[10:11]]
    except KeyError:
        return False
    digit = number[11:]
    if digit == digits[adds % 10]:
        return True
    born_later = not days or _CENTURY + int(year) < max(days).year
    return born_later and digit == digits[(adds + later) % 10]


def _learn(names: dict[str, int], name: str) -> None:
    if len(names) >= _MOST_NAMES:
        names.clear()
    if len(name) == 4 and all(letter in ascii_uppercase for letter in name):
        names[name] = _digit(name + _NUMBER[4:]) - _digit(_NUMBER)


def _digit(number: str, year: int = 1900) -> int:
    return int(nam_check_digit(number, year))


@cache
def _tables() -> _Tables:
    plain = _digit(_NUMBER)
    months = [(sex, added, month) for sex, added in (("M", 0), ("F", _FEMALE)) for month in range(1, 13)]
    written = {
        f"{month + added:02d}{day:02d}": (sex, f"{month:02d}{day:02d}")
        for sex, added, month in months
        for day in range(1, monthrange(1999, month)[1] + 1)
    }
    return _Tables(
        {},
        {f"{year:02d}": _digit(_NUMBER, 1900 + year) - plain for year in range(100)},
        {day: _digit(f"AAAA00{day}0") for day in written},  # with everything that does not change
        {last: _digit(_NUMBER[:10] + last) - plain for last in ascii_uppercase + digits},
        _digit(_NUMBER, 2000) - plain,
        written,
    )
