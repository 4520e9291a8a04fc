"""Blocks read at once: where all invoices are written alike but for attributes that some have and others have not, one
regular expression takes the columns of a whole block (`columns`).

A template is made of what was learned from several invoices (`learning`): the same elements, line breaks included, and
every attribute that any of them has. As a stencil it says nothing of a text that it does not match to the last
character.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain, compress, count
from operator import sub
from typing import NamedTuple

from gateway.validation.columns import Column, Columns
from gateway.validation.declared import Declared
from gateway.validation.learning import learned
from gateway.validation.meanings import Meaning
from gateway.validation.runs import Run, blanks, one_invoice
from gateway.validation.shapes import Shapes
from gateway.validation.template import Reading, Spot, Template, template
from gateway.validation.writing import Learned

_BLANK = " \t\r\n"
_BEGINS = re.compile(r"[ \t\r\n]*<([^\s<>/]+)")
_END = "\0"  # between texts put together: no document holds it
_MOST_TEMPLATES = 4
_CREDIT = 30  # invoices to learn from without a block that is read: it takes longer than reading many
_MOST_RESTS = 100  # ways of ending an invoice remembered


class Misfit(NamedTuple):
    """A value that does not certainly fit, of an invoice or of one of its lines."""

    invoice: int  # its place in the block
    line: int | None  # from 0
    spot: Spot
    value: str


class _Cut(NamedTuple):
    """A text cut where a pattern matched: what stands between the matches, and what the holes took."""

    by: Reading
    between: Sequence[str]
    holes: Sequence[Column]


class _Read(NamedTuple):
    heads: _Cut
    lines: _Cut
    columns: Columns

    def misfits(self) -> Iterator[Misfit]:
        for place, spot, value in self.heads.by.misfits(self.heads.holes):
            yield Misfit(place, None, spot, value)
        starts = self.columns.starts
        for number, spot, value in self.lines.by.misfits(self.lines.holes):
            owner = bisect_right(starts, number) - 1
            yield Misfit(owner, number - starts[owner], spot, value)


class Templates:
    """The templates of one document type. With what is `declared` they match only values that certainly fit."""

    def __init__(
        self, by_name: Mapping[str, Meaning], invoice: Meaning, shapes: Shapes, declared: Declared | None = None
    ) -> None:
        self._by_name, self._meaning, self._shapes, self._declared = by_name, invoice, shapes, declared
        self.built: set[Hashable] = set()  # how the invoices of the block read last are built (as of `Stencils`)
        self._credit = _CREDIT
        self.hopeless = False  # lines say something of their invoice: no template can
        self._heads: list[Template] = []
        self._lines: list[Template] = []
        self._rests: dict[str, dict[str, int]] = {}  # pattern → what it matched, and the line breaks in that

    def read(self, text: str, line: int, *, learn: bool) -> Columns | None:
        """The invoices of a block; None where it holds anything that no template matches. `line` is that of the block's
        first character."""
        found = self._found(text, line, (), learn=learn)
        return found.columns if found is not None else None

    def read_widely(
        self, text: str, line: int, spots: Collection[Spot] | None, *, learn: bool
    ) -> tuple[Columns, Sequence[Misfit]] | None:
        """The same where some values do not certainly fit, and these: at some spots; None: at any."""
        found = self._found(text, line, spots, learn=learn)
        return (found.columns, list(found.misfits())) if found is not None else None

    def _found(self, text: str, line: int, spots: Collection[Spot] | None, *, learn: bool) -> _Read | None:
        if self.hopeless:
            return None
        found = self._read(text, line, spots)
        if found is None and learn and self._credit > 0:
            self._learn_from(text, spots)
            found = self._read(text, line, spots)
        if found is not None:
            self._credit = min(_CREDIT, self._credit + 1)
        return found

    def _learn_from(self, text: str, spots: Collection[Spot] | None) -> None:
        """Learn from the invoices of a block that are written in no way known."""
        begins = _BEGINS.match(text)
        end = f"</{begins[1]}>" if begins is not None else ""
        for part in text.split(end)[:-1] if end else ():
            one = part.lstrip(_BLANK) + end
            if self._credit > 0 and self._read(one, 1, spots) is None:
                self._credit -= 1
                self._learn(one)

    def _learn(self, one: str) -> None:
        found = learned(one, self._by_name, self._meaning, self._declared)
        if found is not None:
            head, lines = found
            self.hopeless |= any(line.invoice for line in lines)
            for known, how in ((self._heads, head), *((self._lines, line) for line in lines)):
                _learn(known, how)

    def _read(self, text: str, line: int, spots: Collection[Spot] | None) -> _Read | None:
        own = text.lstrip(_BLANK)
        heads = _cut(self._heads, own, spots)
        if heads is None or heads.between[0]:
            return None
        lines = _cut(self._lines, _END.join(heads.between[1:]) + _END, spots)
        if lines is None or lines.by.template.place != heads.by.template.place:
            return None
        head, each = heads.by.template, lines.by.template
        ends = list(compress(count(), lines.between))
        breaks = self._breaks(head.rest, [lines.between[end] for end in ends])
        if breaks is None or len(ends) != len(heads.between) - 1 or ends[-1] != len(lines.between) - 1 or not ends[0]:
            return None
        counts = list(map(sub, ends, chain((0,), ends)))
        self.built = {each.structure, *[(head.structure, number) for number in set(counts)]}
        line += text.count("\n", 0, len(text) - len(own))
        begins = _begins(line, head.lines, each.lines, counts, breaks)
        columns = heads.by.columns(heads.holes), lines.by.columns(lines.holes)
        return _Read(heads, lines, Columns(begins, *columns, counts, self._shapes))

    def runs(self, text: str, tag: str, trusted: Collection[Hashable]) -> list[Run] | None:
        """The runs of a block of invoices of one tag (as it is written), certain where they are built in ways that are
        trusted, without their fields; None where it is not known which part of the text is an invoice."""
        several = self._trusted_ones(tag, trusted)
        if several is None:
            return None
        found: list[Run] = []
        at, end = blanks(text, 0), len(text)
        while at < end:
            right = several.match(text, at)
            if right is not None and right.end() > at:
                found.append(Run(at, right.end(), text.count(f"</{tag}>", at, right.end()), certain=True))
            else:
                doubtful = one_invoice(text, at, tag)
                if doubtful is None:
                    return None
                found.append(doubtful)
            at = found[-1].end
        return found

    def _trusted_ones(self, tag: str, trusted: Collection[Hashable]) -> re.Pattern[str] | None:
        """The pattern of any number of invoices, of the ways used last: of one line or so many more as are trusted."""
        if not self._heads or not self._lines:
            return None
        head, each = self._heads[0], self._lines[0]
        most = next(number for number in count() if (head.structure, number + 1) not in trusted)
        if head.tag != tag or not most or each.structure not in trusted or each.place != head.place:
            return None
        return _repeated(head.pattern.pattern, each.pattern.pattern, most, head.rest)

    def _breaks(self, rest: str, ends: Sequence[str]) -> list[int] | None:
        """The line breaks in what comes after each invoice's last line, where it is what it should be."""
        known = self._rests.setdefault(rest, {})
        for end in set(ends).difference(known):
            if len(known) >= _MOST_RESTS or not re.fullmatch(rest + _END, end):
                return None
            known[end] = end.count("\n")
        return list(map(known.__getitem__, ends))


def _cut(templates: Sequence[Template], text: str, spots: Collection[Spot] | None) -> _Cut | None:
    """By the first template that matches where the text begins."""
    for one in templates:
        by = one.narrow if spots == () else one.wide(spots)
        if by.pattern.match(text):
            parts, width = by.pattern.split(text), by.pattern.groups + 1
            return _Cut(by, parts[::width], [parts[hole::width] for hole in range(1, width)])
    return None


@lru_cache(maxsize=256)
def _repeated(head: str, each: str, most: int, rest: str) -> re.Pattern[str]:
    """Of invoices one after the other: once one is right nothing is taken back."""
    return re.compile(f"(?>{head}(?:{each}){{1,{most}}}{rest})*+")


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
