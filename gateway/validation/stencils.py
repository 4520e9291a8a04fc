"""Invoices read by what others were written like: a lot has thousands, and a handful of ways of writing one.

A stencil is the text of an invoice up to its lines, or of one line, with holes for the values: every tag and attribute
as written, in their order (`learning`). Where the text of a block that is right by the schema is nothing but such
texts, one after the other, their holes hold the fields. A stencil says nothing of what it does not match to the last
character, and what no stencil matches is read by its elements (`flat`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

from gateway.validation.declared import Declared
from gateway.validation.learning import learned
from gateway.validation.meanings import Meaning
from gateway.validation.runs import Run, blanks, one_invoice
from gateway.validation.shapes import Part, Row, Shape, Shapes, first, picker
from gateway.validation.writing import Learned

_MOST = 32  # of a sort: what is written in more ways than these is read by its elements
_MOST_SHAPES = 4_000  # remembered
_BEGINS = re.compile(r"<([^\s<>/]+)")
Holes = Sequence[str]


class Stencil:
    """One way of writing a part, compiled."""

    __slots__ = ("closing", "invoice", "match", "of_invoice", "place", "rest", "shape", "tag", "take", "written")

    def __init__(self, how: Learned, shapes: Shapes) -> None:
        self.match = re.compile(how.pattern).match
        self.tag, self.closing, self.written, self.place = how.tag, how.closing, how.written, how.place
        self.rest = re.compile(how.rest).match
        self.take = _with_joins(_taker(how.own, how.holes), how.joins)  # the values of the part, by its shape
        self.invoice = _taker(how.invoice, how.holes)  # what a line says of its invoice
        self.of_invoice = tuple(name for name, _ in how.invoice)
        names = [name for name, _ in how.own] + [name for name, _ in how.joins]
        self.shape = shapes[tuple(names)]


def _taker(wanted: Sequence[tuple[str, int]], holes: int) -> Callable[[Holes], Holes]:
    places = [place for _, place in wanted]
    return tuple if places == list(range(holes)) else picker(places)  # type: ignore[return-value]


def _with_joins(own: Callable[[Holes], Holes], joins: Sequence[tuple[str, Sequence[int]]]) -> Callable[[Holes], Holes]:
    """Takes values of several holes too, after the others."""
    if not joins:
        return own
    several = [picker(places) for _, places in joins]
    return lambda holes: (*own(holes), *["-".join(pick(holes)) for pick in several])  # type: ignore[arg-type]


Found = tuple[tuple[Stencil, ...], Part, list[Part], int]


class Stencils:
    """The stencils of one document type, those used last first. With what is `declared` they match only values that
    certainly fit; `distinct`: fields in which lines of an invoice must differ, and whether they are whole numbers."""

    def __init__(
        self,
        by_name: Mapping[str, Meaning],
        invoice: Meaning,
        shapes: Shapes,
        declared: Declared | None = None,
        distinct: Sequence[tuple[str, bool]] = (),
    ) -> None:
        self._by_name, self._meaning, self._shapes = by_name, invoice, shapes
        self._declared, self._distinct = declared, distinct
        self._heads: list[Stencil] = []
        self._lines: list[Stencil] = []
        self._own: dict[tuple[Stencil, ...], Shape] = {}
        self._ways: set[tuple[Stencil, ...]] = set()  # of the block read last: its stencils, invoice by invoice

    @property
    def built(self) -> set[Hashable]:
        """How the invoices of the block read last are built: how each begins, with how many lines, and these."""
        heads = {(head, len(lines)) for head, *lines in self._ways}
        return heads | {line for _, *lines in self._ways for line in lines}

    def read(self, text: str, line: int, *, learn: bool) -> list[Row] | None:
        """The invoices of a block, all of one tag; None where it holds anything that no stencil matches. `line` is
        that of the block's first character."""
        rows: list[Row] = []
        self._ways = set()
        at, end, counted, tag = blanks(text, 0), len(text), 0, ""
        tried = -1
        while at < end:
            found = self._invoice(text, at)
            if found is None:
                if learn and at > tried and self._learned(text, at):
                    tried = at
                    continue
                return None
            way, own, lines, after = found
            if self._declared is not None and self._repeats(lines):
                return None
            tag = tag or way[0].tag
            if way[0].tag != tag:
                return None
            self._ways.add(way)
            line += text.count("\n", counted, at)
            rows.append((line, own, lines))
            counted, at = at, after
        return rows if self._declared is None or all(map(_belong_together, self._ways)) else None

    def runs(self, text: str, line: int, tag: str, trusted: Collection[Hashable]) -> list[Run] | None:
        """The runs of a block of invoices of one tag (as it is written), certain where they are built in ways that are
        trusted; None where it is not known which part of the text is an invoice."""
        found: list[Run] = []
        rows: list[Row] = []
        at = begin = counted = blanks(text, 0)
        line += text.count("\n", 0, at)
        while at < len(text):
            one = self._invoice(text, at)
            if one is not None and one[0][0].tag == tag and self._is_trusted(one, trusted):
                line += text.count("\n", counted, at)
                rows.append((line, *one[1:3]))
                counted, at = at, one[3]
                continue
            doubtful = one_invoice(text, at, tag)
            if doubtful is None:
                return None
            found += [Run(begin, at, len(rows), certain=True, rows=rows)] if rows else []
            found.append(doubtful)
            rows, at = [], doubtful.end
            begin = at
        return found + ([Run(begin, at, len(rows), certain=True, rows=rows)] if rows else [])

    def _is_trusted(self, one: Found, trusted: Collection[Hashable]) -> bool:
        way, _, lines, _ = one
        known = (way[0], len(lines)) in trusted and all(below in trusted for below in way[1:])
        return known and _belong_together(way) and not self._repeats(lines)

    def _invoice(self, text: str, at: int) -> Found | None:
        """The invoice that begins here: its stencils, its own part, its lines, and where it ends."""
        head = self._heads[0] if self._heads else None
        match = head.match(text, at) if head is not None else None
        if match is None:
            head, match = _first(self._heads, text, at)
        if head is None or match is None:
            return None
        lines: list[Part] = []
        used = [head]
        own, at = head.take(match.groups()), match.end()
        closing, line = head.closing, self._lines[0] if self._lines else None
        while not text.startswith(closing, at):
            match = line.match(text, at) if line is not None else None
            if match is None:
                line, match = _first(self._lines, text, at)
                if line is None or match is None:
                    return None
            assert line is not None
            holes, at = match.groups(), match.end()
            lines.append((line.shape, line.take(holes)))
            used.append(line)
            if line.of_invoice:
                own = (*own, *line.invoice(holes))
        ended = head.rest(text, at)
        if ended is None:
            return None
        way = tuple(used)
        return way, (self._shape(way), own), lines, ended.end()

    def _repeats(self, lines: Sequence[Part]) -> bool:
        """Whether lines say the same where they must differ, or something that cannot be compared."""
        if len(lines) < 2:
            return False
        for name, whole in self._distinct:
            values = [first(line, name) for line in lines]
            different = {int(value) if whole and value else value for value in values}
            if len(different) < len(lines) or None in different:
                return True
        return False

    def _shape(self, used: tuple[Stencil, ...]) -> Shape:
        """Of an invoice, from what its beginning and its lines say of it."""
        shape = self._own.get(used)
        if shape is None:
            if len(self._own) >= _MOST_SHAPES:
                self._own.clear()
            names = [name for stencil in used[1:] for name in stencil.of_invoice]
            shape = self._own[used] = self._shapes[(*used[0].shape.names, *names)]
        return shape

    def _learned(self, text: str, at: int) -> bool:
        """Learn from the invoice that begins here; whether there was anything to learn."""
        begins = _BEGINS.match(text, at)
        end = f"</{begins[1]}>" if begins is not None else ""
        stop = text.find(end, at)
        one = text[at : stop + len(end)] if end and stop >= 0 else ""
        found = learned(one, self._by_name, self._meaning, self._declared) if one else None
        if found is None:
            return False
        head, lines = found
        added = [_added(self._heads, head, self._shapes), *(_added(self._lines, one, self._shapes) for one in lines)]
        return any(added)


def _belong_together(way: Sequence[Stencil]) -> bool:
    """Whether the lines were learned where this invoice has its own."""
    return all(line.place == way[0].place for line in way[1:])


def _first(stencils: list[Stencil], text: str, at: int) -> tuple[Stencil | None, re.Match[str] | None]:
    """The stencil that matches here; the next time it is tried first."""
    for place, stencil in enumerate(stencils):
        match = stencil.match(text, at)
        if match is not None:
            if place:
                stencils.insert(0, stencils.pop(place))
            return stencil, match
    return None, None


def _added(stencils: list[Stencil], how: Learned, shapes: Shapes) -> bool:
    if any(known.written == how.written for known in stencils):
        return False
    del stencils[_MOST - 1 :]
    stencils.insert(0, Stencil(how, shapes))
    return True
