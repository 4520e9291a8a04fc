"""A document too large to hold, invoice by invoice: whole invoices are handed out, the document around them stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache
from typing import BinaryIO, Protocol

from lxml import etree

from gateway import xmlsafe
from gateway.validation import above
from gateway.validation.cut import Block, blocks
from gateway.validation.encoding import Encoding
from gateway.validation.findings import Place
from gateway.validation.limits import Limits
from gateway.validation.marks import Marks
from gateway.validation.pieces import Chunk, InvoiceList, Piece, line_of
from gateway.validation.syntax import unless_out_of_memory
from gateway.validation.tree import Stayed, follow, is_step, local, place, shelf
from gateway.xmlsafe import Element

_threads = threading.local()


class Opener(Protocol):
    """Makes chunks of blocks (`opening`)."""

    def open(self, data: bytes) -> Chunk | None:
        """The invoices of a block; None when it holds anything else."""


class Splitter:
    """Feeds a parser and empties its tree. After `chunks` is exhausted, `root` is the document without its invoices."""

    def __init__(self, source: BinaryIO, root: str, path: str | None, encoding: Encoding, limits: Limits) -> None:
        self._source, self._encoding, self._limits = source, encoding, limits
        self._tag = root
        self._steps = path.split("/") if path else []
        self._deep = deeper_than(limits.depth)
        self._deep_in_list = deeper_than(limits.depth - len(self._steps))
        self._many = _xpath(f"count(descendant::*) > {limits.elements}")
        self._loaded = _xpath(_more_attributes(limits.attributes, limits.attributes_together))
        self._wide = wider_than(limits.attributes)
        self._idle = 0  # bytes read since an invoice was whole
        self._stayed = 0  # bytes that other children of the lists hold
        self.root: Element | None = None
        self.lists: list[InvoiceList] = []
        self.stayed: dict[Element, Stayed] = {}  # where what stayed in the lists truly stands
        self.count = 0
        self.error: etree.XMLSyntaxError | None = None
        self.excess: str | None = None  # which limit was passed (a key of locales/validation.toml)
        self.may_open = False  # whether blocks may be opened from now on: they begin and end between invoices
        self.opener: Opener | None = None
        self.lines_opened = 0  # line breaks the parser never saw
        self.marks = Marks()

    def chunks(self) -> Iterator[list[Piece]]:
        """The invoices of one block at a time, in document order; then `error` or `excess` may be set."""
        for part in self.parts():
            if isinstance(part, list):
                yield part

    def parts(self) -> Iterator[list[Piece] | Chunk]:
        """The same, with whole chunks once there is an `opener`."""
        parser = xmlsafe.puller(self._tag, encoding=self._encoding.override)
        lines, first = 0, True
        for block in self._blocks():
            opened = self.opener.open(block.data) if block.cut and self.opener and self.may_open else None
            if opened is not None:
                self._mark(block.data, opened)
                yield from self._opened(opened, lines)
                self.lines_opened += opened.lines
            else:
                self.marks.pass_over(block.data, (), 0, 0)
                whole = self._feed(parser, block.data)
                # What follows one that could not be opened cannot be either.
                self.may_open = first and block.cut and self.error is None
                yield from self._taken(whole, between=self.may_open)
            lines += opened.lines if opened is not None else block.data.count(b"\n")
            first = False
            if self.error is not None or self.excess is not None:
                return

    def _mark(self, data: bytes, chunk: Chunk) -> None:
        """Note where its invoices stand: those that were judged apart each for itself."""
        (found,) = self.lists
        begin, number = 0, found.taken + found.seen
        for size, invoices in chunk.runs or [(len(data), len(chunk))]:
            part = data[begin : begin + size]
            chunk.lines += self.marks.pass_over(part, found.place.address, number, invoices)
            begin, number = begin + size, number + invoices

    def _blocks(self) -> Iterator[Block]:
        yield from blocks(self._source, self._tag, self._steps, self._encoding)
        yield Block(b"")

    def _taken(self, whole: bool, between: bool) -> Iterator[list[Piece]]:
        if self.root is None:
            return
        if pieces := self._take(self.root, whole or between):
            yield pieces
        if self.error is not None:
            self._note_unfinished()
        self.excess = self.excess or self._excess(self.root, whole)

    def _note_unfinished(self) -> None:
        """Where the child of each list stands in which the document stops: an invoice, nearly always."""
        for found in self.lists:
            last = found.element[-1] if len(found.element) else None
            if last is not None and last not in self.stayed:
                nth = found.names[local(last.tag)] + 1 if is_step(last, self._steps[-1]) else None
                self.stayed[last] = Stayed(found.taken + found.seen, nth)

    def _opened(self, chunk: Chunk, lines: int) -> Iterator[list[Piece] | Chunk]:
        """Give the invoices of a chunk their numbers."""
        (found,) = self.lists
        chunk.ordinal, chunk.number = self.count + 1, found.taken + found.seen
        chunk.place, chunk.lines_before = found.place, lines
        self._idle = 0
        if chunk.taken is None:
            if pieces := list(self._pieces_of(chunk, found)):
                yield pieces
            return
        name, number = local(chunk.tag), len(chunk.taken)
        chunk.nth = found.names[name] + 1
        found.names[name] += number
        found.taken += number
        self.count += number
        yield chunk

    def _pieces_of(self, chunk: Chunk, found: InvoiceList) -> Iterator[Piece]:
        """Each of them, up to one that passes a limit."""
        for child in list(chunk.holder):
            number = found.taken + found.seen
            found.taken += 1
            if self._too_much(child):
                return
            yield self._piece(child, found, number, chunk.line(line_of(child)), plain=chunk.plain)

    def _feed(self, parser: etree.XMLPullParser, block: bytes) -> bool:
        """Feed one block; whether the document is whole."""
        self._idle += len(block)
        try:
            if block:
                parser.feed(block)
            else:
                parser.close()
        except etree.XMLSyntaxError as error:
            unless_out_of_memory(libxml2_error=getattr(error, "code", None))
            self.error = error
        for _, element in parser.read_events():
            if self.root is None and not isinstance(element, tuple):
                self.root = element
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
        crowded = self._crowded(root) if self._steps and (whole or (self.count and not self._idle)) else None
        return crowded or (self._shape(root, self._deep) if whole else None)

    def _crowded(self, element: Element) -> str | None:
        if self._many(element):
            return "too_many_elements"
        return "too_many_attributes_together" if self._loaded(element) else None

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
        away = None  # made only for a list that is not refused: it knows all its namespaces
        for child in grown if whole or _is_closed(found.element) else grown[:-1]:
            number = found.taken + found.seen
            if is_step(child, self._steps[-1]):
                found.slot = found.seen if found.slot is None else found.slot
                found.taken += 1
                if self._too_much(child, first=found.taken == 1):
                    return
                away = shelf(found.element) if away is None else away
                away.append(child)
                yield self._piece(child, found, number, line_of(child) + self.lines_opened)
            else:
                self.stayed[child] = Stayed(number)
                found.last = child
                found.seen += 1
                self._stayed += len(etree.tostring(child))

    def _too_much(self, invoice: Element, *, first: bool = False) -> bool:
        self.excess = above.excess(invoice, self._limits) if first else None
        self.excess = self.excess or self._crowded(invoice) or self._shape(invoice, self._deep_in_list)
        return self.excess is not None

    def _piece(self, child: Element, found: InvoiceList, number: int, line: int, *, plain: bool = False) -> Piece:
        name = local(child.tag)
        found.names[name] += 1
        self.count += 1
        at = Place((*found.place.address, number), f"{found.place.path}/{name}[{found.names[name]}]")
        return Piece(child, self.count, at, line, plain)


def _is_closed(element: Element) -> bool:
    """Whether something stands after it already."""
    return element.getnext() is not None or any(above.getnext() is not None for above in element.iterancestors())


def deeper_than(levels: int) -> etree.XPath:
    """Whether an element has descendants this many levels below it."""
    return _xpath(_levels(levels))


@cache
def _levels(levels: int) -> str:
    return f"boolean({'/'.join(['*'] * max(levels, 1))})"


def wider_than(attributes: int) -> etree.XPath:
    """Whether an element, or one below it, has more attributes."""
    return _xpath(f"boolean(descendant-or-self::*[@*[{attributes + 1}]])")


def _more_attributes(each: int, together: int) -> str:
    """Whether an element and those below it carry more. They are counted only where there are elements enough."""
    return f"count(descendant-or-self::*) * {each} > {together} and count(descendant-or-self::*/@*) > {together}"


def _xpath(expression: str) -> etree.XPath:
    """Compiled once in each thread: a compiled expression is in use by one thread at a time."""
    cache: dict[str, etree.XPath] = _threads.__dict__.setdefault("compiled", {})
    if expression not in cache:
        cache[expression] = etree.XPath(expression)
    return cache[expression]
