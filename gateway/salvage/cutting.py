"""The same bytes without some invoices: what is cut out, and what of the head is written over."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

_BLOCK = 1 << 18  # bytes read at once
NUMBER = "request_number"


@dataclass(frozen=True, slots=True)
class Sums:
    """Control totals: how many invoices, and what they claim in cents (None: the format states no amounts)."""

    invoices: int
    cents: int | None

    def __add__(self, other: Sums) -> Sums:
        both = None if self.cents is None or other.cents is None else self.cents + other.cents
        return Sums(self.invoices + other.invoices, both)


@dataclass(frozen=True, slots=True)
class Written:
    """A value of the document's head: its text, and from which byte to which it stands."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Where everything stands that may be cut out or written over. An invoice begins with the blanks before it."""

    begins: array[int]  # of invoices, in bytes
    ends: array[int]
    head: Mapping[str, Written]  # request_number, and the totals: invoices, amount
    money: str  # decimal | cents
    encoding: str  # in which plain characters are written

    @property
    def numbered(self) -> bool:
        """Whether the document bears a request number that can be written over."""
        return NUMBER in self.head

    def agrees(self, sums: Sums) -> bool:
        """Whether the totals in the document's head are those of its invoices."""
        return all(self._total(name, sums) == written.text.strip() for name, written in self._totals())

    def _totals(self) -> Iterator[tuple[str, Written]]:
        return ((name, written) for name, written in self.head.items() if name != NUMBER)

    def _total(self, name: str, sums: Sums) -> str | None:
        """A total in the form in which the document writes it."""
        old = self.head[name].text.strip()
        if name == "invoices":
            return _padded(str(sums.invoices), old)
        return None if sums.cents is None else _padded(_amount(sums.cents, old, self.money), old)

    def edits(self, sums: Sums, number: str | None) -> Iterator[tuple[int, int, bytes]]:
        """What is written over in the head, in the order of the document."""
        new = {name: self._total(name, sums) or "" for name, _ in self._totals()}
        if number is not None and self.numbered:
            new[NUMBER] = number
        places = sorted((self.head[name].start, self.head[name].end, text) for name, text in new.items())
        return ((start, end, text.encode(self.encoding)) for start, end, text in places)


def cut(
    source: BinaryIO,
    anatomy: Anatomy,
    away: Collection[int],
    sums: Sums,
    target: BinaryIO,
    *,
    number: str | None = None,
) -> None:
    """Write the document without the invoices whose ordinals (from 1) are in `away`. `sums` are the totals of those
    that stay; `number` is the request number it bears from now on (None: the one it has)."""
    cuts = ((anatomy.begins[n - 1], anatomy.ends[n - 1], b"") for n in sorted(away))
    at = 0
    source.seek(0)
    for start, end, new in heapq.merge(cuts, anatomy.edits(sums, number)):
        _copy(source, target, start - at)
        target.write(new)
        _skip(source, end - start)
        at = end
    _copy(source, target, None)


def _copy(source: BinaryIO, target: BinaryIO, size: int | None) -> None:
    """`size` bytes, or all that is left."""
    while size is None or size > 0:
        block = source.read(_BLOCK if size is None else min(size, _BLOCK))
        if not block:
            return
        target.write(block)
        size = None if size is None else size - len(block)


def _skip(source: BinaryIO, size: int) -> None:
    if size > _BLOCK:
        source.seek(size, 1)
    else:
        source.read(size)


def _amount(cents: int, old: str, money: str) -> str:
    if money == "cents":
        return str(cents)
    places = len(old.partition(".")[2])
    exact = places >= len("00") or (places and cents % 10 == 0) or cents % 100 == 0
    return f"{Decimal(cents) / 100:.{places if exact else 2}f}"


def _padded(new: str, old: str) -> str:
    """With zeros before it where the old one has some."""
    padded = old.startswith("0") and old[1:2].isdigit()
    return new.zfill(len(old)) if padded else new
