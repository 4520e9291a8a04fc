"""The invoices of a block as columns: one list of values for each field, so that a lot costs a few calls, not one for
each of its values.

A field has one value at most in each part here; None where it is absent. As a sequence these are rows like any others,
each made when it is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain, repeat
from operator import sub
from typing import TypeVar, overload

from gateway.validation.shapes import Part, Row, Shapes

_LONGEST_NUMBER = 15  # digits, of one among others
_LARGEST = 10**15
Column = Sequence[str | None]
T = TypeVar("T")


class Columns(Sequence[Row]):
    """`own`: of each invoice. `below`: of each line, those of one invoice after those of another; `counts`: how many
    each has. `lines`: where each invoice begins, as in Row."""

    __slots__ = ("_bits", "_integers", "_repeats", "_shapes", "_starts", "below", "counts", "lines", "own")

    def __init__(
        self,
        lines: Sequence[int],
        own: Mapping[str, Column],
        below: Mapping[str, Column],
        counts: Sequence[int],
        shapes: Shapes,
    ) -> None:
        self.lines, self.own, self.below, self.counts, self._shapes = lines, own, below, counts, shapes
        self._starts: Sequence[int] | None = None
        self._integers: dict[tuple[bool, str], list[int] | None] = {}
        self._bits: dict[tuple[str, int, int | None], list[str] | None] = {}
        self._repeats: dict[tuple[str, ...], Sequence[int]] = {}

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        start, stop = self.starts[place], self.starts[place + 1]
        return self.lines[place], self._part(self.own, place), [self._part(self.below, n) for n in range(start, stop)]

    @property
    def starts(self) -> Sequence[int]:
        """The place of each invoice's first line, and the number of all lines."""
        if self._starts is None:
            self._starts = [0, *accumulate(self.counts)]
        return self._starts

    def owners(self) -> Iterable[int]:
        """For each line, the place of its invoice."""
        return self.spread(range(len(self)))

    def spread(self, values: Iterable[T]) -> Iterable[T]:
        """What is said of each invoice, for each line."""
        return chain.from_iterable(map(repeat, values, self.counts))

    def sums(self, values: Iterable[int]) -> Iterable[int]:
        """For each invoice, the sum over its lines of what is said of each."""
        sums = [0, *accumulate(values)]
        ends = list(map(sums.__getitem__, self.starts))
        return map(sub, ends[1:], ends)

    def integers(self, name: str, *, below: bool = False) -> list[int] | None:
        """A column of whole numbers; None where one of them is not just digits. `below`: of the lines."""
        key = below, name
        if key not in self._integers:
            self._integers[key] = _integers((self.below if below else self.own).get(name))
        return self._integers[key]

    def bits(self, name: str, start: int, stop: int | None) -> list[str] | None:
        """A bit of each value of a column of the invoices; None where one is absent."""
        key = name, start, stop
        if key not in self._bits:
            column = self.own.get(name)
            missing = column is None or None in column
            self._bits[key] = None if missing else [value[start:stop] for value in column or ()]  # type: ignore[index]
        return self._bits[key]

    def repeats(self, names: tuple[str, ...]) -> Sequence[int]:
        """The places of the invoices that have two lines with the same values of some fields; absent is empty."""
        if names not in self._repeats:
            self._repeats[names] = self._repeating(names)
        return self._repeats[names]

    def _repeating(self, names: tuple[str, ...]) -> Sequence[int]:
        if max(self.counts, default=0) < 2:
            return ()
        columns = [self.below[name] for name in names if name in self.below]
        columns = [[value or "" for value in one] if None in one else one for one in columns]
        different = set(zip(self.owners(), *columns, strict=True))
        if len(different) == self.starts[-1]:
            return ()
        seen = Counter([key[0] for key in different])
        return [place for place, number in enumerate(self.counts) if seen[place] != number]

    def _part(self, columns: Mapping[str, Column], place: int) -> Part:
        got = [(name, value) for name, column in columns.items() if (value := column[place]) is not None]
        return self._shapes[tuple([name for name, _ in got])], [value for _, value in got]


def firsts(rows: Sequence[Row], name: str) -> Column:
    """The first values of a field of some invoices."""
    if type(rows) is Columns:
        return rows.own.get(name) or [None] * len(rows)
    return [None if (at := shape.firsts.get(name)) is None else got[at] for _, (shape, got), _ in rows]


def _integers(column: Column | None) -> list[int] | None:
    if not column or None in column or "" in column:
        return None
    text = "".join(column)  # type: ignore[arg-type]  # none is None
    if not (text.isascii() and text.isdecimal()) or len(text) > _LONGEST_NUMBER * len(column):
        return None
    numbers = list(map(int, column))  # type: ignore[arg-type]
    return numbers if max(numbers) < _LARGEST else None
