"""The quick way: a block of bytes that holds nothing but whole invoices is parsed and judged at once.

The block stands below a copy of the document's own root, header and list. Only what is well-formed there, and holds
nothing else, counts; anything that is not so goes the way of every document, element by element (`split`, `frame`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from lxml import etree

from gateway import xmlsafe
from gateway.validation.broken import Broken
from gateway.validation.columns import Columns
from gateway.validation.cut import end_tag
from gateway.validation.encoding import Encoding
from gateway.validation.flat import Flat
from gateway.validation.frame import Frame
from gateway.validation.limits import Limits
from gateway.validation.pieces import LAST_KNOWN_LINE, Chunk
from gateway.validation.shapes import Row
from gateway.validation.split import deeper_than, wider_than
from gateway.validation.tree import is_named
from gateway.xmlsafe import Element

_XSI = b"http://www.w3.org/2001/XMLSchema-instance"
_BLANK = " \t\r\n"
_SHORTEST_ATTRIBUTE = len(b' a=""')
_FIRST = 3  # blocks in which nothing is learned yet: it only pays in a lot
_CAUTION = 2  # blocks after a wrong one that are not expected to be right
_PATIENCE = 50  # blocks not written as others were, more than such as are
_PATIENCE_ALIKE = 8  # blocks that no template matches, more than such as one does


class Quick:
    """Opens blocks of one document. `frame` has judged the first of its invoices."""

    def __init__(self, frame: Frame, flat: Flat, step: str, encoding: Encoding, limits: Limits) -> None:
        self._frame, self._flat, self._step, self._limits = frame, flat, step, limits
        self._before, self._after, self._trail = frame.written(encoding.name)
        self._types = _XSI in self._before  # a prefix for xsi:type may be declared
        self.lines_above = self._before.count(b"\n")  # line breaks in the copy, before the invoices
        self._parse, self._parse_lean = xmlsafe.parts(encoding.name), xmlsafe.parts(encoding.name, lean=True)
        self._names = set[str]()  # tags that are invoices
        self._encoding = encoding.name
        self._blocks = self._luck = self._misses = self._unlike = 0
        self._deep = deeper_than(limits.depth - len(self._trail))
        self._wide = wider_than(limits.attributes)

    def open(self, data: bytes) -> Chunk | None:
        """The invoices of a block; None when it holds anything else."""
        self._blocks += 1
        plain = self.is_plain(data)
        if plain and self._luck >= 0 and self._may_be_lean(data):
            chunk = self._open(data, self._parse_lean)
            self._luck = -_CAUTION if chunk is None else 0
            if chunk is not None:
                return chunk
            return self._open_odd(data, plain=plain)
        self._luck += 1
        return (self._open(data, self._parse) if plain else None) or self._open_odd(data, plain=plain)

    def goes_on(self, data: bytes, tag: str) -> bool:
        """Whether a block within the limits is right after those before, if its invoices, of this tag, are right."""
        if data.count(b"<") > self._limits.elements:
            return False
        most = self._limits.attributes_together
        if len(data) > most * _SHORTEST_ATTRIBUTE and data.count(b"=") > most:
            return False
        return self._frame.goes_on({tag})

    def parsed(self, data: bytes) -> Element:
        """The list of the invoices of a block that is known to be right."""
        holder = self._holder_of(data, self._parse)
        assert holder is not None
        return holder

    def is_plain(self, data: bytes) -> bool:
        """Whether no element says of what type it is (xsi:type): then it holds what the outline knows."""
        declares = b"x" in data and b"xmlns" in data  # no x at all: soon known
        return not declares and not (self._types and b":type" in data)

    def _may_be_lean(self, data: bytes) -> bool:
        """Whether blanks between tags can be left out of the tree: nothing but tags, and lines whose numbers are known
        without them."""
        many = len(data) + self.lines_above >= LAST_KNOWN_LINE  # bytes: as a rule no line needs to be counted
        if not self._flat.leaves or (many and data.count(b"\n") + self.lines_above >= LAST_KNOWN_LINE):
            return False
        return all(sign not in data or b"<" + sign not in data for sign in (b"!", b"?"))  # rare ones first: quicker

    def _open(self, data: bytes, parse: Callable[[bytes], Element]) -> Chunk | None:
        """A block of which the schema says all at once: what goes on with the invoices before, within the limits."""
        holder = self._holder_of(data, parse)
        if holder is None or not self.goes_on(data, holder[0].tag):
            return None
        broken = self._frame.wrong(holder)
        if broken is None:
            return None
        if broken:
            return self._open_broken(data, holder, broken)
        rows = self._written(data, holder)
        if rows is None:
            tags = self._tags(holder)
            rows = self._flat.take(holder, tags) if tags is not None and self._frame.goes_on(tags) else None
        return Chunk(holder, rows, self.lines_above, plain=True) if rows is not None else None

    def _open_broken(self, data: bytes, holder: Element, broken: Mapping[int, Sequence[Broken]]) -> Chunk | None:
        """A block of which it is known what is wrong with which of its invoices."""
        tags = self._tags(holder)
        if tags is None or not self._frame.goes_on(tags):
            return None
        built_otherwise = {place for place, found in broken.items() if not all(one.of_value for one in found)}
        if built_otherwise and not self._is_within_limits(holder, built_otherwise):
            return None
        alike = None if built_otherwise else self.alike(data.decode(self._encoding), len(holder))
        rows = alike if alike is not None else self._written_apart(data, holder, built_otherwise)
        return Chunk(holder, rows, self.lines_above, plain=True, broken=broken)

    def _is_within_limits(self, holder: Element, odd: Collection[int]) -> bool:
        """Whether the invoices are that are `odd`; the schema keeps all others so."""
        return not self._deep(holder) and not any(self._wide(holder[place]) for place in odd)

    def alike(self, text: str, invoices: int) -> Columns | None:
        """The fields by columns of so many invoices, where nothing but values is wrong."""
        found = self._alike(text, learn=self._blocks > _FIRST)
        return found if found is not None and len(found) == invoices else None

    def _written_apart(self, data: bytes, holder: Element, odd: Collection[int]) -> list[Row | None]:
        """The fields of each invoice that is written as others were. Nothing is learned from those that are `odd`."""
        unknown: list[Row | None] = [None] * len(holder)
        stencils, text, line = self._flat.stencils, data.decode(self._encoding), self.lines_above + 1
        if stencils is None or self._misses > _PATIENCE:
            return unknown
        learn = self._blocks > _FIRST
        rows = stencils.read(text, line, learn=learn and not odd)
        if rows is not None and len(rows) == len(holder):
            return list(rows)
        for place, part in enumerate(_apart(text, holder)):
            rows = stencils.read(part, line, learn=learn and place not in odd)
            unknown[place] = rows[0] if rows and len(rows) == 1 else None
            line += part.count("\n")
        return unknown

    def _open_odd(self, data: bytes, *, plain: bool) -> Chunk | None:
        """A block to be looked at invoice by invoice."""
        holder = self._holder_of(data, self._parse)
        if holder is None or self._tags(holder) is None:
            return None
        return Chunk(holder, None, self.lines_above, plain)

    def _written(self, data: bytes, holder: Element) -> Sequence[Row] | None:
        """The fields by the text, where it is written as others were."""
        stencils = self._flat.stencils
        if stencils is None or self._misses > _PATIENCE:
            return None
        text, learn = data.decode(self._encoding), self._blocks > _FIRST
        rows: Sequence[Row] | None = self._alike(text, learn=learn)
        if rows is None:
            rows = stencils.read(text, self.lines_above + 1, learn=learn)
        if rows is None or len(rows) != len(holder) or not self._are_invoices({holder[0].tag}):
            self._misses += 1
            return None
        self._misses -= 1
        return rows

    def _alike(self, text: str, *, learn: bool) -> Columns | None:
        """The fields by columns, where all are written alike."""
        templates = self._flat.templates
        if templates is None or self._unlike > _PATIENCE_ALIKE:
            return None
        found = templates.read(text, self.lines_above + 1, learn=learn)
        self._unlike += 1 if found is None else -1
        return found

    def _holder_of(self, data: bytes, parse: Callable[[bytes], Element]) -> Element | None:
        """The list of invoices, where the block is well-formed and nothing else is in it."""
        try:
            root = parse(self._before + data + self._after)
        except etree.XMLSyntaxError:
            return None
        holder = self._holder(root)
        return None if holder is None or (holder.text or "").strip(_BLANK) or not len(holder) else holder

    def _tags(self, holder: Element) -> set[str] | None:
        """The tags of the invoices; None where something else is among them."""
        tags = {child.tag for child in holder}
        return tags if tags <= self._names or self._are_invoices(tags) else None

    def _holder(self, root: Element) -> Element | None:
        """The list, where it stands in the copy; nothing may have come after it."""
        for number in self._trail:
            if len(root) != number + 1:
                return None
            root = root[number]
        return root

    def _are_invoices(self, tags: set[str]) -> bool:
        if not all(is_named(tag, self._step) for tag in tags):
            return False
        self._names |= tags
        return True


def _apart(text: str, holder: Element) -> Sequence[str]:
    """The text of each invoice of a list, where it is certain which is which: as many are written as the list holds, so
    none is in another. Nothing otherwise."""
    end = end_tag(holder[0])
    parts = [part + end for part in text.split(end)]
    begun = re.findall(rf"<{re.escape(end[2:-1])}[\s/>]", text)
    alike = all(one.prefix == holder[0].prefix for one in holder)
    sure = alike and len(begun) == len(parts) - 1 == len(holder) and "<!" not in text and "<?" not in text
    return parts[:-1] if sure else ()
