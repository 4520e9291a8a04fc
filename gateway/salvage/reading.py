"""Where the invoices of a document stand in its bytes, and where what its head says of itself is written."""

from __future__ import annotations

import codecs
import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import BinaryIO
from xml.parsers import expat

from gateway import xmlsafe
from gateway.catalog import DocumentType, Locator
from gateway.salvage.cutting import NUMBER, Anatomy, Written

_BLOCK = 1 << 18  # bytes read at once
_LONGEST = 1 << 16  # bytes of a start tag, or of the text of a field
_ATTRIBUTE = re.compile(r"""([^\s=<>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def dissect(source: BinaryIO, document: DocumentType) -> Anatomy | None:
    """Where the invoices of a well-formed document stand, and what of its head must follow them. None: it cannot be
    taken apart (it has no invoices, or its number or a total is not written plainly where the catalog says)."""
    source.seek(0)
    head = source.read(_LONGEST)
    reader = _Reader(xmlsafe.positions(_override(head)), document)
    try:
        reader.read(source)
    except expat.ExpatError:
        return None
    encoding = _plain(head)
    try:
        found = {name: _value(source, tag, encoding) for name, tag in reader.found.items()}
    except _UnclearError:
        return None
    known = {name: written for name, written in found.items() if written is not None}
    if not reader.begins or (NUMBER in reader.wanted and NUMBER not in known) or reader.joined:
        return None
    return Anatomy(reader.begins, reader.ends, known, document.money, encoding)


def _override(head: bytes) -> str | None:
    """What to tell the parser where the document says utf-16 and is not: the guard has let it pass as UTF-8."""
    lies = b"utf-16" in head.partition(b"?>")[0].lower() and not head.startswith(_UTF16)
    return "utf-8" if lies else None


def _plain(head: bytes) -> str:
    """An encoding in which the document's plain characters are its bytes; every other one counts as many as it has."""
    if head.startswith(_UTF16):
        return "utf-16-le" if head.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    return "latin-1"


@dataclass(slots=True)
class _Tag:
    """The start tag of an element that holds a value: of one attribute, or its text."""

    attribute: str | None
    start: int
    end: int = -1
    text_end: int = -1


class _UnclearError(Exception):
    """A value is written in a way that is not written over: markup or a reference in it, or nothing at all."""


def _value(source: BinaryIO, tag: _Tag, encoding: str) -> Written | None:
    """What a field says; None where its element does not have it. Raises _UnclearError."""
    if tag.attribute is None:
        text = _read(source, tag.end, tag.text_end, encoding)
        if not text.strip() or set(text) & set("<&"):
            raise _UnclearError
        return Written(text, tag.end, tag.text_end)
    text = _read(source, tag.start, tag.end, encoding)
    for found in _ATTRIBUTE.finditer(text):
        group = 2 if found[2] is not None else 3
        if found[1] == tag.attribute:
            if not found[group].strip() or "&" in found[group]:
                raise _UnclearError
            start = tag.start + len(text[: found.start(group)].encode(encoding))
            return Written(found[group], start, start + len(found[group].encode(encoding)))
    return None


def _read(source: BinaryIO, start: int, end: int, encoding: str) -> str:
    if not 0 <= start < end <= start + _LONGEST:
        return ""
    source.seek(start)
    return source.read(end - start).decode(encoding, "surrogatepass" if encoding != "latin-1" else "strict")


@dataclass(slots=True)
class _Reader:
    """One pass over a document: outside invoices it hears of everything, inside them it only counts."""

    parser: expat.XMLParserType
    document: DocumentType
    begins: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    found: dict[str, _Tag] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)  # of the open elements
    _within: int = 0  # open elements of an invoice
    _begun: int = -1  # where the last start tag outside invoices begins
    _blank: int | None = None  # where the blanks begin that come last
    _ended: bool = False  # an invoice did, with the next token
    _tags: list[_Tag] = field(default_factory=list)  # whose end the next token tells
    _texts: list[tuple[int, _Tag]] = field(default_factory=list)  # (depth, tag) of elements whose text is wanted

    @property
    def wanted(self) -> Mapping[str, Locator]:
        """What the head must hold."""
        own = {NUMBER: self.document.fields[NUMBER]} if NUMBER in self.document.fields else {}
        return own | dict(self.document.totals)

    @property
    def joined(self) -> bool:
        """Whether a wanted value is made of several: then none of them can be written over."""
        return any(len(locator) != 1 for locator in self.wanted.values())

    def read(self, source: BinaryIO) -> None:
        """Raises ExpatError."""
        steps = self.document.invoice.path.split("/") if self.document.invoice else []
        paths = [(name, *_split(locator)) for name, locator in self.wanted.items() if len(locator) == 1]
        parser = self.parser

        def start(name: str, _attributes: object) -> None:
            if self._within:
                self._within += 1
                return
            at = parser.CurrentByteIndex
            self._told(at)
            self._names.append(_local(name))
            if _leads(steps, self._names[1:]):
                self.begins.append(at if self._blank is None else self._blank)
                self._within = 1
                parser.DefaultHandler = None
            else:
                self._head(at, paths)
            self._blank, self._begun = None, at

        def end(_name: str) -> None:
            if self._within:
                self._within -= 1
                if not self._within:
                    self._names.pop()
                    self._ended, parser.DefaultHandler = True, self._other
                return
            at = parser.CurrentByteIndex
            if at != self._begun:  # else the tag is both: <x/>
                self._told(at)
            self._blank = None
            self._close(at)

        parser.StartElementHandler, parser.EndElementHandler, parser.DefaultHandler = start, end, self._other
        source.seek(0)
        while block := source.read(_BLOCK):
            parser.Parse(block, False)
        parser.Parse(b"", True)

    def _other(self, data: str) -> None:
        """Text, a comment, an instruction, outside invoices."""
        at = self.parser.CurrentByteIndex
        self._told(at)
        if data.strip():
            self._blank = None
        elif self._blank is None:
            self._blank = at

    def _told(self, at: int) -> None:
        """The token before ended here."""
        if self._ended:
            self.ends.append(at)
            self._ended = False
        for tag in self._tags:
            tag.end = at
        self._tags.clear()

    def _head(self, at: int, paths: list[tuple[str, list[str], str | None]]) -> None:
        """What is wanted of an element outside invoices: of each field the first one counts, as in judging."""
        for name, steps, attribute in paths:
            if name not in self.found and _leads(steps, self._names[1:]):
                tag = self.found[name] = _Tag(attribute, at)
                self._tags.append(tag)
                if attribute is None:
                    self._texts.append((len(self._names), tag))

    def _close(self, at: int) -> None:
        depth = len(self._names)
        for text_depth, tag in self._texts:
            if text_depth == depth and tag.text_end < 0:
                tag.text_end = at
        self._names.pop()


def _split(locator: Locator) -> tuple[list[str], str | None]:
    steps = locator[0].split("/")
    return (steps[:-1], steps[-1][1:]) if steps[-1].startswith("@") else (steps, None)


@lru_cache(maxsize=4096)
def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _leads(steps: list[str], names: list[str]) -> bool:
    """Whether a path leads to the element of these names below the root."""
    return len(steps) == len(names) and all(map(fnmatchcase, names, steps))
