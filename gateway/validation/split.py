"""A document too large to hold, invoice by invoice: whole invoices are handed out, the document around them stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from lxml import etree

from gateway import xmlsafe
from gateway.validation.encoding import Encoding
from gateway.validation.findings import Place
from gateway.validation.limits import Limits
from gateway.validation.tree import follow, is_step, local, place, shelf
from gateway.xmlsafe import Element

_LAST_KNOWN_LINE = 65_535
BLOCK = 1 << 15  # also the size of a chunk: larger trees leave the processor's cache


@dataclass(frozen=True, slots=True)
class Piece:
    """One invoice, out of its document."""

    element: Element
    ordinal: int  # from 1, in the document
    place: Place
    line: int


@dataclass(slots=True)
class InvoiceList:
    """One element that holds invoices, while they pass."""

    element: Element
    place: Place
    slot: int | None = None  # where among the children that stayed the invoices stood
    taken: int = 0
    seen: int = 0  # children that stayed and were looked at
    last: Element | None = None  # of those
    names: Counter[str] = field(default_factory=Counter)


class Splitter:
    """Feeds a parser and empties its tree. After `chunks` is exhausted, `root` is the document without its invoices."""

    def __init__(self, source: BinaryIO, root: str, path: str | None, encoding: Encoding, limits: Limits) -> None:
        self._source, self._encoding, self._limits = source, encoding, limits
        self._tag = root
        self._steps = path.split("/") if path else []
        self._deep = _deeper_than(limits.depth)
        self._deep_in_list = _deeper_than(limits.depth - len(self._steps))
        self._many = etree.XPath(f"count(descendant::*) > {limits.elements}")
        self._wide = etree.XPath(f"boolean(descendant-or-self::*[@*[{limits.attributes + 1}]])")
        self._idle = 0  # bytes read since an invoice was whole
        self._stayed = 0  # bytes that other children of the lists hold
        self.root: Element | None = None
        self.lists: list[InvoiceList] = []
        self.numbers: dict[Element, int] = {}  # true child numbers of what stayed beside invoices
        self.count = 0
        self.error: etree.XMLSyntaxError | None = None
        self.excess: str | None = None  # which limit was passed (a key of locales/validation.toml)

    def chunks(self) -> Iterator[list[Piece]]:
        """The invoices of one block at a time, in document order; then `error` or `excess` may be set."""
        self._source.seek(0)
        parser = xmlsafe.puller(self._tag, encoding=self._encoding.override)
        whole = False
        while not whole and self.error is None:
            whole = self._feed(parser)
            if self.root is None:
                continue
            pieces = self._take(self.root, whole)
            if pieces:
                yield pieces
            self.excess = self.excess or self._excess(self.root, whole)
            if self.excess is not None:
                return

    def _feed(self, parser: etree.XMLPullParser) -> bool:
        """Feed one block; whether the document is whole."""
        block = self._source.read(BLOCK)
        self._idle += len(block)
        try:
            if block:
                parser.feed(block)
            for _, element in parser.read_events():
                if self.root is None and not isinstance(element, tuple):
                    self.root = element
            if not block:
                parser.close()
        except etree.XMLSyntaxError as error:
            self.error = error
        return not block and self.error is None

    def _excess(self, root: Element, whole: bool) -> str | None:
        """Which limit was passed by what stands around the invoices. What is still growing is bounded by its bytes and
        looked into when it is whole."""
        if self._idle > self._limits.part_bytes or self._stayed > self._limits.part_bytes:
            return "part_too_large"
        if self.count > self._limits.invoices:
            return "too_many_invoices"
        if len(self.lists) > self._limits.lists:
            return "too_many_lists"
        if self._steps and max(len(root), *(found.seen for found in self.lists), 0) > self._limits.beside:
            return "too_many_beside"
        if self._steps and (whole or (self.count and not self._idle)) and self._many(root):
            return "too_many_elements"
        return self._shape(root, self._deep) if whole else None

    def _shape(self, element: Element, deep: etree.XPath) -> str | None:
        if deep(element):
            return "too_deep"
        return "too_many_attributes" if self._wide(element) else None

    def _take(self, root: Element, whole: bool) -> list[Piece]:
        if not self._steps:
            return []
        self._find_lists(root)
        pieces = [piece for found in self.lists for piece in self._take_from(found, whole)]
        if pieces:
            self._idle = 0
        return pieces

    def _find_lists(self, root: Element) -> None:
        known = {found.element for found in self.lists}
        base = Place((), f"/{local(self._tag)}")
        for element in follow(root, self._steps[:-1]):
            if element not in known:
                self.lists.append(InvoiceList(element, place(element, root, base)))

    def _take_from(self, found: InvoiceList, whole: bool) -> Iterator[Piece]:
        """Every whole child; the last one may still be growing."""
        grown = list(found.element if found.last is None else found.last.itersiblings())
        away = shelf(found.element)
        for child in grown if whole else grown[:-1]:
            number = found.taken + found.seen
            if is_step(child, self._steps[-1]):
                found.slot = found.seen if found.slot is None else found.slot
                found.taken += 1
                self.excess = "too_many_elements" if self._many(child) else self._shape(child, self._deep_in_list)
                if self.excess is not None:
                    return
                away.append(child)
                yield self._piece(child, found, number)
            else:
                self.numbers[child] = number
                found.last = child
                found.seen += 1
                self._stayed += len(etree.tostring(child))

    def _piece(self, child: Element, found: InvoiceList, number: int) -> Piece:
        name = local(child.tag)
        found.names[name] += 1
        self.count += 1
        at = Place((*found.place.address, number), f"{found.place.path}/{name}[{found.names[name]}]")
        return Piece(child, self.count, at, _line(child))


def _deeper_than(levels: int) -> etree.XPath:
    """Whether an element has descendants this many levels below it."""
    return etree.XPath(f"boolean({'/'.join(['*'] * max(levels, 1))})")


def _line(element: Element) -> int:
    """The line of the start tag. Beyond line 65,535 libxml2 only knows where the text in the element ends."""
    line = element.sourceline
    if not isinstance(line, int):
        return 0
    return line - (element.text or "").count("\n") if line > _LAST_KNOWN_LINE else line
