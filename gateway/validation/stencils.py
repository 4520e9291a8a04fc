"""Invoices read by what others were written like: a lot has thousands, and a handful of ways of writing one.

A stencil is the text of an invoice up to its lines, or of one line, with holes for the values: every tag and attribute
as written, in their order (`learning`). Where the text of a block that is right by the schema is nothing but such
texts, one after the other, their holes hold the fields. A stencil says nothing of what it does not match to the last
character, and what no stencil matches is read by its elements (`flat`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from gateway.validation.declared import Declared
from gateway.validation.learning import learned
from gateway.validation.meanings import Meaning
from gateway.validation.runs import Run, blanks, one_invoice
from gateway.validation.shapes import Part, Row, Shapes, first, picker
from gateway.validation.writing import Learned

_MOST = 32  # of a sort: what is written in more ways than these is read by its elements
_MOST_WAYS = 4_000  # remembered
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
    if len(several) == 1:
        pick_one = several[0]
        return lambda holes: (*own(holes), "-".join(pick_one(holes)))  # type: ignore[arg-type]
    return lambda holes: (*own(holes), *["-".join(pick(holes)) for pick in several])  # type: ignore[arg-type]


class _Way:
    """How an invoice is built: how it begins, and each of its lines."""

    __slots__ = ("built", "shape", "tag", "together")

    def __init__(self, head: Stencil, lines: Sequence[Stencil], shapes: Shapes) -> None:
        self.tag = head.tag
        self.shape = shapes[(*head.shape.names, *[name for line in lines for name in line.of_invoice])]
        self.built = frozenset[Hashable]({(head, len(lines)), *lines})
        self.together = all(line.place == head.place for line in lines)  # they were learned where it has its own


Found = tuple[_Way, Part, list[Part], int]


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
        self._known: dict[tuple[Stencil, ...], _Way] = {}
        self._ways: set[_Way] = set()  # of the block read last

    @property
    def built(self) -> AbstractSet[Hashable]:
        """How the invoices of the block read last are built: how each begins, with how many lines, and these."""
        return frozenset().union(*[way.built for way in self._ways])

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
            tag = tag or way.tag
            if way.tag != tag or (self._distinct and self._repeats(lines)):
                return None
            self._ways.add(way)
            line += text.count("\n", counted, at)
            rows.append((line, own, lines))
            counted, at = at, after
        return rows if self._declared is None or all(way.together for way in self._ways) else None

    def runs(self, text: str, line: int, tag: str, trusted: Collection[Hashable]) -> list[Run] | None:
        """The runs of a block of invoices of one tag (as it is written), certain where they are built in ways that are
        trusted; None where it is not known which part of the text is an invoice."""
        found: list[Run] = []
        rows: list[Row] = []
        at = begin = counted = blanks(text, 0)
        line += text.count("\n", 0, at)
        while at < len(text):
            one = self._invoice(text, at)
            if one is not None and one[0].tag == tag and self._is_trusted(one, trusted):
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
        return way.together and all(built in trusted for built in way.built) and not self._repeats(lines)

    def _invoice(self, text: str, at: int) -> Found | None:
        """The invoice that begins here: its stencils, its own part, its lines, and where it ends."""
        head = self._heads[0] if self._heads else None
        match = head.match(text, at) if head is not None else None
        if match is None:
            head, match = _first(self._heads, text, at)
        if head is None or match is None:
            return None
        own, at = head.take(match.groups()), match.end()
        used = [head]
        lines: list[Part] = []
        line = self._lines[0] if self._lines else None
        match = line.match(text, at) if line is not None else None
        while match is not None or not text.startswith(head.closing, at):
            if line is None or match is None:
                line, match = _first(self._lines, text, at)
                if line is None or match is None:
                    return None
            holes, at = match.groups(), match.end()
            lines.append((line.shape, line.take(holes)))
            used.append(line)
            if line.of_invoice:
                own = (*own, *line.invoice(holes))
            match = line.match(text, at)
        ended = head.rest(text, at)
        if ended is None:
            return None
        way = self._known.get(tuple(used)) or self._way(used)
        return way, (way.shape, own), lines, ended.end()

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

    def _way(self, used: Sequence[Stencil]) -> _Way:
        if len(self._known) >= _MOST_WAYS:
            self._known.clear()
        way = self._known[tuple(used)] = _Way(used[0], used[1:], self._shapes)
        return way

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
