"""Invoices read by what others were written like: a lot has thousands, and a handful of ways of writing one.

A stencil is the text of an invoice up to its lines, or of one line, with holes for the values: every tag and attribute
as written, in their order (`learning`). Where the text of a block that is right by the schema is nothing but such
texts, one after the other, their holes hold the fields. A stencil says nothing of what it does not match to the last
character, and what no stencil matches is read by its elements (`flat`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from gateway.validation.learning import Learned, learned
from gateway.validation.meanings import Meaning
from gateway.validation.shapes import Part, Row, Shape, Shapes, picker

_BLANK = " \t\r\n"
_MOST = 32  # of a sort: what is written in more ways than these is read by its elements
_MOST_SHAPES = 4_000  # remembered
_BEGINS = re.compile(r"<([^\s<>/]+)")
Holes = Sequence[str]


class Stencil:
    """One way of writing a part, compiled."""

    __slots__ = ("closing", "invoice", "match", "of_invoice", "rest", "shape", "tag", "take", "written")

    def __init__(self, how: Learned, shapes: Shapes) -> None:
        self.match = re.compile(how.pattern).match
        self.tag, self.closing, self.written = how.tag, how.closing, how.written
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


class Stencils:
    """The stencils of one document type, those used last first."""

    def __init__(self, by_name: Mapping[str, Meaning], invoice: Meaning, shapes: Shapes) -> None:
        self._by_name, self._meaning, self._shapes = by_name, invoice, shapes
        self._heads: list[Stencil] = []
        self._lines: list[Stencil] = []
        self._own: dict[tuple[Stencil, ...], Shape] = {}

    def read(self, text: str, line: int, *, learn: bool) -> list[Row] | None:
        """The invoices of a block, all of one tag; None where it holds anything that no stencil matches. `line` is
        that of the block's first character."""
        rows: list[Row] = []
        at, end, counted, tag = len(text) - len(text.lstrip(_BLANK)), len(text), 0, ""
        tried = -1
        while at < end:
            found = self._invoice(text, at)
            if found is None:
                if learn and at > tried and self._learned(text, at):
                    tried = at
                    continue
                return None
            head, own, lines, after = found
            tag = tag or head.tag
            if head.tag != tag:
                return None
            line += text.count("\n", counted, at)
            rows.append((line, own, lines))
            counted, at = at, after
        return rows

    def _invoice(self, text: str, at: int) -> tuple[Stencil, Part, list[Part], int] | None:
        """The invoice that begins here, and where it ends."""
        head = self._heads[0] if self._heads else None
        match = head.match(text, at) if head is not None else None
        if match is None:
            head, match = _first(self._heads, text, at)
        if head is None or match is None:
            return None
        lines: list[Part] = []
        used: tuple[Stencil, ...] = (head,)
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
            if line.of_invoice:
                own = (*own, *line.invoice(holes))
                used = (*used, line)
        ended = head.rest(text, at)
        return None if ended is None else (head, (self._shape(used), own), lines, ended.end())

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
        found = learned(text[at : stop + len(end)], self._by_name, self._meaning) if end and stop >= 0 else None
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
