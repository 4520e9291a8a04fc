"""Health insurance numbers in columns: the places of those that are not certainly right, by the tables of `nam`.

Bits of all numbers of a block are looked up at once; where one of them is odd, each is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import compress, count
from operator import add, ne
from string import digits

from gateway.validation.columns import Columns, firsts
from gateway.validation.nam import CENTURY, fits, learn, recent, surely_agrees, tables

_NAM, _BORN, _SEX = "nam", "born", "sex"
_TAILS = digits * 5  # of a sum of five digits


def unsure_birth(rows: Columns, days: Sequence[date | None]) -> Sequence[int]:
    """As `nam.born`."""
    known, written = tables().days, rows.bits(_NAM, 6, 10)
    if written is not None and known.keys() >= set(written) and _all_recent(days):
        return ()
    both = enumerate(zip(firsts(rows, _NAM), days, strict=True))
    return [place for place, (n, day) in both if n is not None and not (n[6:10] in known and recent(day))]


def unsure_digit(rows: Columns, days: Sequence[date | None]) -> Sequence[int]:
    """As `nam.right`: first as if everybody were born in a year 19.., as most were."""
    numbers = firsts(rows, _NAM)
    sums, last, of_year = _sums(rows), rows.bits(_NAM, 11, None), rows.bits(_NAM, 4, 6)
    left: Iterable[int] = range(len(numbers))
    if sums is not None and last is not None and of_year is not None and _all_recent(days):
        left, later = compress(count(), map(ne, map(_TAILS.__getitem__, sums), last)), tables().later % 10
        left = [
            place
            for place in left
            if last[place] != _TAILS[sums[place] + later] or not _born_before(of_year[place], days[place])
        ]
    return [place for place in left if not _fits(numbers[place], days[place])]


def _born_before(year: str, day: date | None) -> bool:
    """Whether a birth in this year of this century was before the service."""
    return day is None or CENTURY + int(year) < day.year


def _sums(rows: Columns) -> Sequence[int] | None:
    """What the parts of each number add to its check digit; None where one is odd."""
    names, years, of_day, lasts, *_ = tables()
    of_name, of_year, written, tenth = [rows.bits(_NAM, *bit) for bit in ((0, 4), (4, 6), (6, 10), (10, 11))]
    if of_name is None or of_year is None or written is None or tenth is None:
        return None
    for name in set(of_name).difference(names):
        learn(names, name)
    try:
        first = map(add, map(names.__getitem__, of_name), map(years.__getitem__, of_year))
        return list(map(add, first, map(add, map(of_day.__getitem__, written), map(lasts.__getitem__, tenth))))
    except KeyError:
        return None


def unsure_agreement(rows: Columns, _days: Sequence[date | None]) -> Sequence[int]:
    """As `nam.agrees`."""
    written, day, sexes = rows.bits(_NAM, 6, 10), rows.bits(_BORN, 4, 8), rows.bits(_SEX, 0, None)
    if written is not None and day is not None and sexes is not None:
        known, told = tables().written, list(zip(sexes, day, strict=True))
        if rows.bits(_NAM, 4, 6) == rows.bits(_BORN, 2, 4) and list(map(known.get, written)) == told:
            return ()
    both = enumerate(zip(*[firsts(rows, name) for name in (_NAM, _BORN, _SEX)], strict=True))
    return [place for place, (number, told, said) in both if not surely_agrees(number, told, said)]


def _all_recent(days: Iterable[date | None]) -> bool:
    return all(map(recent, set(days)))


def _fits(number: str | None, day: date | None) -> bool:
    return number is None or fits(number, day, tables())
