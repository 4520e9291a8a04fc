"""Blocks read at once: where all invoices are written alike but for attributes that some have and others have not, one
regular expression takes the columns of a whole block (`columns`).

A template is made of what was learned from several invoices (`learning`): the same elements, line breaks included, and
every attribute that any of them has. As a stencil it says nothing of a text that it does not match to the last
character.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, chain, compress, count
from operator import sub
from typing import NamedTuple

from gateway.validation.columns import Column, Columns
from gateway.validation.learning import Atom, Learned, learned
from gateway.validation.meanings import Meaning
from gateway.validation.shapes import Shapes

_BLANK = " \t\r\n"
_BEGINS = re.compile(r"[ \t\r\n]*<([^\s<>/]+)")
_END = "\0"  # between texts put together: no document holds it
_MOST_TEMPLATES = 4
_MOST_ATOMS = 200
_CREDIT = 30  # invoices to learn from without a block that is read: it takes longer than reading many
_MOST_RESTS = 100  # ways of ending an invoice remembered


class _Slot(NamedTuple):
    atom: Atom
    names: tuple[str, ...]  # the fields that its hole holds
    optional: bool = False


@dataclass(frozen=True)
class Template:
    """One way of writing a part. `joins`: fields of several holes, by what these are."""

    slots: Sequence[_Slot]
    joins: Mapping[str, Sequence[str]]
    tag: str
    rest: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Takes all that a part of this template holds."""
        return re.compile("".join([_pattern(slot) for slot in self.slots]))

    @cached_property
    def lines(self) -> int:
        """Line breaks in a part; attributes that may be absent have none."""
        return sum(slot.atom.lines for slot in self.slots)

    def with_(self, other: Template) -> Template | None:
        """The template of both; None where they are too different."""
        if (self.tag, self.rest, self.joins) != (other.tag, other.rest, other.joins):
            return None
        slots = _merged(self.slots, other.slots)
        return None if slots is None or len(slots) > _MOST_ATOMS else replace(self, slots=slots)

    def columns(self, holes: Sequence[Column]) -> dict[str, Column]:
        """The fields, of what the pattern took."""
        taking = [slot for slot in self.slots if slot.atom.hole is not None]
        found = {name: column for slot, column in zip(taking, holes, strict=True) for name in slot.names}
        by_key = {slot.atom.key: column for slot, column in zip(taking, holes, strict=True)}
        return found | {name: _joined([by_key[key] for key in keys]) for name, keys in self.joins.items()}


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
    return Template(slots, joins, how.tag, how.rest)


class Templates:
    """The templates of one document type."""

    def __init__(self, by_name: Mapping[str, Meaning], invoice: Meaning, shapes: Shapes) -> None:
        self._by_name, self._meaning, self._shapes = by_name, invoice, shapes
        self._credit = _CREDIT
        self.hopeless = False  # lines say something of their invoice: no template can
        self._heads: list[Template] = []
        self._lines: list[Template] = []
        self._rests: dict[str, dict[str, int]] = {}  # pattern → what it matched, and the line breaks in that

    def read(self, text: str, line: int, *, learn: bool) -> Columns | None:
        """The invoices of a block; None where it holds anything that no template matches. `line` is that of the block's
        first character."""
        if self.hopeless:
            return None
        found = self._read(text, line)
        if found is None and learn and self._credit > 0:
            self._learn_from(text)
            found = self._read(text, line)
        if found is not None:
            self._credit = min(_CREDIT, self._credit + 1)
        return found

    def _learn_from(self, text: str) -> None:
        """Learn from the invoices of a block that are written in no way known."""
        begins = _BEGINS.match(text)
        end = f"</{begins[1]}>" if begins is not None else ""
        for part in text.split(end)[:-1] if end else ():
            one = part.lstrip(_BLANK) + end
            if self._credit > 0 and self._read(one, 1) is None:
                self._credit -= 1
                self._learn(one)

    def _learn(self, one: str) -> None:
        found = learned(one, self._by_name, self._meaning)
        if found is not None:
            head, lines = found
            self.hopeless |= any(line.invoice for line in lines)
            for known, how in ((self._heads, head), *((self._lines, line) for line in lines)):
                _learn(known, how)

    def _read(self, text: str, line: int) -> Columns | None:
        own = text.lstrip(_BLANK)
        head = next((one for one in self._heads if one.pattern.match(own)), None)
        if head is None:
            return None
        parts = head.pattern.split(own)
        width = head.pattern.groups + 1
        below = parts[width::width]
        each = next((one for one in self._lines if one.pattern.match(below[0])), None)
        if each is None or parts[0]:
            return None
        of_lines = each.pattern.split(_END.join(below) + _END)
        between = of_lines[:: each.pattern.groups + 1]
        ends = list(compress(count(), between))
        breaks = self._breaks(head.rest, [between[end] for end in ends])
        if breaks is None or len(ends) != len(below) or ends[-1] != len(between) - 1 or not ends[0]:
            return None
        counts = list(map(sub, ends, chain((0,), ends)))
        line += text.count("\n", 0, len(text) - len(own))
        return Columns(
            _begins(line, head.lines, each.lines, counts, breaks),
            head.columns([parts[hole::width] for hole in range(1, width)]),
            each.columns([of_lines[hole :: each.pattern.groups + 1] for hole in range(1, each.pattern.groups + 1)]),
            counts,
            self._shapes,
        )

    def _breaks(self, rest: str, ends: Sequence[str]) -> list[int] | None:
        """The line breaks in what comes after each invoice's last line, where it is what it should be."""
        known = self._rests.setdefault(rest, {})
        for end in set(ends).difference(known):
            if len(known) >= _MOST_RESTS or not re.fullmatch(rest + _END, end):
                return None
            known[end] = end.count("\n")
        return list(map(known.__getitem__, ends))


def _begins(line: int, of_head: int, of_line: int, counts: Sequence[int], breaks: Sequence[int]) -> list[int]:
    """The line on which each invoice begins."""
    below = [of_line * number for number in counts] if of_line > 1 else counts if of_line else [0] * len(counts)
    lines = [of_head + inside + after for inside, after in zip(below, breaks, strict=True)]
    return list(accumulate(lines[:-1], initial=line))


def _learn(known: list[Template], how: Learned) -> None:
    made = template(how)
    if made is None:
        return
    for place, one in enumerate(known):
        both = one.with_(made)
        if both is not None:
            del known[place]
            known.insert(0, both)
            return
    del known[_MOST_TEMPLATES - 1 :]
    known.insert(0, made)


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
    if any(slot.optional and (slot.atom.lines or not slot.atom.attribute) for slot in merged):
        return None
    return merged


def _pattern(slot: _Slot) -> str:
    return f"(?:{slot.atom.pattern})?" if slot.optional else slot.atom.pattern


def _at_the_end(atom: Atom) -> Atom:
    """What stands between a part and the next: as many line breaks, but the last one may be indented otherwise."""
    return atom._replace(pattern=r"[ \t\r]*" + r"\n[ \t\r]*" * atom.lines) if atom.blank else atom


def _joined(columns: Sequence[Column]) -> Column:
    if any(None in column for column in columns):
        return [None if None in values else "-".join(values) for values in zip(*columns, strict=True)]
    return list(map("-".join, zip(*columns, strict=True)))
