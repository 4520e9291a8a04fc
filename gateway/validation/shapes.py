"""A part of a document (an invoice, a line) as its values and their shape: thousands of parts share a few shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

from gateway.validation.fields import Values

_MOST = 4000  # remembered: a hostile document may go on inventing


class Shape:
    """Which field each value of a part belongs to. Known by itself: one shape is one object."""

    __slots__ = ("_keys", "_places", "fields", "firsts", "names", "only")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names  # one for each value; a field with several values stands several times
        self.fields = frozenset(names)
        self.firsts = {names[place]: place for place in range(len(names) - 1, -1, -1)}  # where each one's first stands
        self.only = {name: place for name, place in self.firsts.items() if names.count(name) == 1}
        self._places: dict[str, tuple[int, ...]] = {}
        self._keys: dict[tuple[str, ...], Pick] = {}

    def places(self, name: str) -> tuple[int, ...]:
        """Where the values of a field stand."""
        known = self._places.get(name)
        if known is None:
            known = self._places[name] = tuple(n for n, own in enumerate(self.names) if own == name)
        return known

    def key(self, names: tuple[str, ...]) -> Pick:
        """Takes the first values of some fields. What is put after the values answers for those that have none."""
        known = self._keys.get(names)
        if known is None:
            known = self._keys[names] = picker([(*self.places(name), -1)[0] for name in names])
        return known

    def values(self, got: Sequence[str]) -> Values:
        """The values by field, as rules see them."""
        found: Values = {}
        for name, value in zip(self.names, got, strict=True):
            found.setdefault(name, []).append(value)
        return found


Part = tuple[Shape, Sequence[str]]  # its shape, its values
Row = tuple[int, Part, Sequence[Part]]  # an invoice: its line, its own part, those of its lines


def first(part: Part, name: str) -> str | None:
    """The first value of a field."""
    shape, got = part
    place = shape.firsts.get(name)
    return None if place is None else got[place]


def column(parts: Sequence[Part], name: str) -> list[str] | None:
    """The values of a field of parts; None unless they are all of one shape, which has it once (nearly always)."""
    if not parts:
        return []
    usual = parts[0][0]
    at = usual.only.get(name)
    if at is None:
        return None
    found = [got[at] for shape, got in parts if shape is usual]
    return found if len(found) == len(parts) else None


class Shapes(dict[tuple[str, ...], Shape]):
    """Every shape seen, by its names."""

    def __missing__(self, names: tuple[str, ...]) -> Shape:
        if len(self) >= _MOST:
            self.clear()
        shape = self[names] = Shape(names)
        return shape

    def part(self, values: Values) -> Part:
        """A part of values that were found field by field."""
        names = tuple([name for name, got in values.items() for _ in got])
        return self[names], [value for got in values.values() for value in got]


Pick = Callable[[Sequence[str | None]], tuple[str | None, ...]]


def picker(places: Iterable[int]) -> Pick:
    """Takes the values at some places, as a tuple whatever their number."""
    wanted = tuple(places)
    if len(wanted) > 1:
        return itemgetter(*wanted)
    return _none if not wanted else _one(wanted[0])


def _none(_got: Sequence[str | None]) -> tuple[str | None, ...]:
    return ()


def _one(place: int) -> Pick:
    return lambda got: (got[place],)
