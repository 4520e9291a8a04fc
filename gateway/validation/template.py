"""One way of writing a part of an invoice, made of several that were learned: the same elements, line breaks included,
and every attribute that any of them has (`templates`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

from gateway.validation.columns import Column
from gateway.validation.declared import Names
from gateway.validation.writing import Atom, Learned

_MOST_ATOMS = 200
_MOST_READINGS = 20  # compiled, of one template
Spot = tuple[str, Names, str]  # where a value stands: how the part is written, and where that, and which bit of it
_Match = Callable[[str], re.Match[str] | None]


class _Slot(NamedTuple):
    atom: Atom
    names: tuple[str, ...]  # the fields that its hole holds
    optional: bool = False

    def misfits(self, column: Column) -> Collection[str]:
        """The values of a column that do not certainly fit."""
        ends = self.atom.ends
        there = [text for text in column if text is not None] if self.optional else column
        all_fit, fits = _fitting(f"{self.atom.value}{ends}")
        if all_fit(ends.join(there) + ends) or not there:  # type: ignore[arg-type]  # none is None
            return ()
        return {text for text in set(there) if text is not None and not fits(text + ends)}


@dataclass(frozen=True)
class Template:
    """One way of writing a part. `joins`: fields of several holes, by what these are."""

    slots: Sequence[_Slot]
    joins: Mapping[str, Sequence[str]]
    tag: str
    rest: str
    place: Names

    @cached_property
    def structure(self) -> Hashable:
        """What two parts built alike have in common, whichever attributes they have that need not be there."""
        required = tuple([s.atom.key for s in self.slots if s.atom.required])
        return self.tag, self.rest, self.place, required, tuple([s.atom for s in self.slots if not s.atom.attribute])

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Takes all that a part of this template holds."""
        return re.compile("".join([_pattern(slot) for slot in self.slots]))

    @cached_property
    def narrow(self) -> Reading:
        """Takes only parts of which all values certainly fit."""
        return Reading(self, self.pattern, [slot for slot in self.slots if slot.atom.hole is not None])

    @cached_property
    def _spots(self) -> Mapping[str, Spot]:
        return {s.atom.key: (self.pattern.pattern, self.place, s.atom.key) for s in self.slots if s.atom.value}

    @cached_property
    def _readings(self) -> dict[frozenset[str], Reading]:
        return {}

    def wide(self, spots: Collection[Spot] | None) -> Reading:
        """Takes parts that are like one of this template, but whose values need not fit at some spots; None: at any."""
        loose = frozenset([key for key, spot in self._spots.items() if spots is None or spot in spots])
        known = self._readings.get(loose) if loose else self.narrow
        if known is None:
            if len(self._readings) >= _MOST_READINGS:
                self._readings.clear()
            known = self._readings[loose] = self._widened(loose)
        return known

    def _widened(self, loose: frozenset[str]) -> Reading:
        pattern = "".join([_pattern(slot, wide=slot.atom.key in loose) for slot in self.slots])
        taking = [slot for slot in self.slots if slot.atom.hole is not None or slot.atom.key in loose]
        return Reading(self, re.compile(pattern), taking, {key: self._spots[key] for key in loose})

    @cached_property
    def lines(self) -> int:
        """Line breaks in a part; attributes that may be absent have none."""
        return sum(slot.atom.lines for slot in self.slots)

    def with_(self, other: Template) -> Template | None:
        """The template of both; None where they are too different."""
        if (self.tag, self.rest, self.joins, self.place) != (other.tag, other.rest, other.joins, other.place):
            return None
        slots = _merged(self.slots, other.slots)
        return None if slots is None or len(slots) > _MOST_ATOMS else replace(self, slots=slots)


@dataclass(frozen=True, slots=True)
class Reading:
    """A pattern of a template, and what its holes take. `loose`: the spots where it takes values that may not fit, by
    their keys."""

    template: Template
    pattern: re.Pattern[str]
    taking: Sequence[_Slot]
    loose: Mapping[str, Spot] = field(default_factory=dict)

    def columns(self, holes: Sequence[Column]) -> dict[str, Column]:
        """The fields, of what the holes took."""
        found = {name: column for slot, column in zip(self.taking, holes, strict=True) for name in slot.names}
        by_key = {slot.atom.key: column for slot, column in zip(self.taking, holes, strict=True)}
        return found | {name: _joined([by_key[key] for key in keys]) for name, keys in self.template.joins.items()}

    def misfits(self, holes: Sequence[Column]) -> Iterator[tuple[int, Spot, str]]:
        """The values that do not certainly fit, each with its part and its spot."""
        for slot, column in zip(self.taking, holes, strict=True):
            spot = self.loose.get(slot.atom.key)
            if spot is not None and (values := slot.misfits(column)):
                yield from [(part, spot, text or "") for part, text in enumerate(column) if text in values]


def template(how: Learned) -> Template | None:
    """The template of one part; None where it holds a field twice, or says something of another part."""
    keys = {atom.hole: atom.key for atom in how.atoms if atom.hole is not None}
    names = [name for name, _ in [*how.own, *how.joins]]
    if how.invoice or len(set(names)) < len(names) or not how.atoms:
        return None
    by_hole: dict[int | None, tuple[str, ...]] = {}
    for name, hole in how.own:
        by_hole[hole] = (*by_hole.get(hole, ()), name)
    atoms = [*how.atoms[:-1], _at_the_end(how.atoms[-1])]
    slots = [_Slot(atom._replace(hole=atom.hole and 0), by_hole.get(atom.hole, ())) for atom in atoms]
    joins = {name: [keys[hole] for hole in holes] for name, holes in how.joins}
    return Template(slots, joins, how.tag, how.rest, how.place)


def _merged(known: Sequence[_Slot], new: Sequence[_Slot]) -> list[_Slot] | None:
    """Both, in an order that is right for both; None where there is none, or they differ in more than attributes."""
    ours, theirs = {slot.atom.key for slot in known}, {slot.atom.key for slot in new}
    merged: list[_Slot] = []
    waiting = list(known)[::-1]
    for slot in new:
        if slot.atom.key not in ours:
            merged.append(slot._replace(optional=True))
            continue
        while waiting and waiting[-1].atom.key not in theirs:
            merged.append(waiting.pop()._replace(optional=True))
        if not waiting or waiting[-1].atom != slot.atom or waiting[-1].names != slot.names:
            return None
        merged.append(waiting.pop())
    merged += [slot._replace(optional=True) for slot in reversed(waiting)]
    if any(slot.optional and (slot.atom.lines or slot.atom.required or not slot.atom.attribute) for slot in merged):
        return None
    return merged


@lru_cache(maxsize=1024)
def _fitting(pattern: str) -> tuple[_Match, _Match]:
    """Matches several values in a row, and matches one. It holds nothing of a document."""
    return re.compile(f"(?:{pattern})*+").fullmatch, re.compile(pattern).fullmatch


def _pattern(slot: _Slot, *, wide: bool = False) -> str:
    pattern = slot.atom.wide if wide else slot.atom.pattern
    return f"(?:{pattern})?" if slot.optional else pattern


def _at_the_end(atom: Atom) -> Atom:
    """What stands between a part and the next: as many line breaks, but the last one may be indented otherwise."""
    return atom._replace(begins=r"[ \t\r]*" + r"\n[ \t\r]*" * atom.lines) if atom.blank else atom


def _joined(columns: Sequence[Column]) -> Column:
    if any(None in column for column in columns):
        return [None if None in values else "-".join(values) for values in zip(*columns, strict=True)]
    return list(map("-".join, zip(*columns, strict=True)))
