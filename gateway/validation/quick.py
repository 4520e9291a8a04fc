"""The quick way: a block of bytes that holds nothing but whole invoices is parsed and judged at once.

The block stands below a copy of the document's own root, header and list. Only what is well-formed there, and holds
nothing else, counts; anything that is not so goes the way of every document, element by element (`split`, `frame`).
"""

from __future__ import annotations

from lxml import etree

from gateway import xmlsafe
from gateway.validation.encoding import Encoding
from gateway.validation.flat import Flat, Taken
from gateway.validation.frame import Frame
from gateway.validation.limits import Limits
from gateway.validation.pieces import Chunk
from gateway.validation.plan import Plan
from gateway.validation.split import Splitter
from gateway.validation.tree import is_named
from gateway.xmlsafe import Element

_XSI = b"http://www.w3.org/2001/XMLSchema-instance"
_BLANK = " \t\r\n"


class Quick:
    """Opens blocks of one document. `frame` has judged the first of its invoices."""

    def __init__(self, frame: Frame, flat: Flat, step: str, encoding: Encoding, limits: Limits) -> None:
        self._frame, self._flat, self._step, self._limits = frame, flat, step, limits
        self._before, self._after, self._trail = frame.written(encoding.name)
        self._types = _XSI in self._before  # a prefix for xsi:type may be declared
        self._lines_above = self._before.count(b"\n")
        self._parse = xmlsafe.parts(encoding.name)
        self._names = set[str]()  # tags that are invoices

    def open(self, data: bytes) -> Chunk | None:
        """The invoices of a block; None when it holds anything else."""
        try:
            root = self._parse(self._before + data + self._after)
        except etree.XMLSyntaxError:
            return None
        holder = self._holder(root)
        if holder is None or (holder.text or "").strip(_BLANK):
            return None
        invoices = list(holder)
        tags = {child.tag for child in invoices}
        if not tags <= self._names and not self._are_invoices(tags):
            return None
        plain = not self._chooses_types(data)
        taken = self._taken(data, root, holder, tags) if plain else None
        return Chunk(invoices, taken, self._lines_above, plain)

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

    def _taken(self, data: bytes, root: Element, holder: Element, tags: set[str]) -> list[Taken] | None:
        """The fields, where all is right: by the schema, beside the invoices before, and within the limits."""
        if not self._frame.goes_on(tags) or data.count(b"<") > self._limits.elements:
            return None
        return self._flat.take(holder, tags) if self._frame.schema.validate(root) else None

    def _chooses_types(self, data: bytes) -> bool:
        """Whether an element might say what type it is of (xsi:type): then it may hold what the outline does not
        know."""
        return b"xmlns" in data or (self._types and b":type" in data)


def opener(plan: Plan, frame: Frame, split: Splitter, encoding: Encoding, limits: Limits) -> Quick | None:
    """The quick way through one document, where it is sound: nothing but invoices in one list, judged by libxml2, by a
    schema that says what they hold and keeps them within the limits."""
    document = plan.document
    if not split.may_open or len(split.lists) != 1 or document.invoice is None or document.xsd != "1.0":
        return None
    if not frame.stands_alone or (flat := plan.flat()) is None:
        return None
    steps = document.invoice.path.split("/")
    if flat.outline.depth + len(steps) > limits.depth or flat.outline.attributes > limits.attributes:
        return None
    return Quick(frame, flat, steps[-1], encoding, limits)
