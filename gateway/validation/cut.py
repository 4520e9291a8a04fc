"""Where a large document may be cut: after invoices, by their end tags as written, once its beginning has been parsed.

Whether a cut was right is never taken for granted: a block counts as invoices only when it is well-formed by itself
under the document's own root (`quick`), and content that is well-formed part by part is well-formed as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from lxml import etree

from gateway import xmlsafe
from gateway.validation.encoding import Encoding
from gateway.validation.tree import follow, local
from gateway.xmlsafe import Element

BLOCK = 1 << 15  # also the size of a chunk: larger trees leave the processor's cache
_BEGINNING = 4  # blocks in which the first invoice must end
_LONGEST = 16  # blocks without an end tag before the search is given up
ASCII_BASED = ("utf-8", "iso-8859-1", "windows-1252")  # in these, the bytes of a tag are nothing else


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes in a row. `cut`: they end where the end tag of an invoice ends, or so it seems."""

    data: bytes
    cut: bool = False


def blocks(source: BinaryIO, root: str, steps: Sequence[str], encoding: Encoding) -> Iterator[Block]:
    """The whole document, in order. Where it cannot be cut, no block is."""
    source.seek(0)
    beginning = source.read(BLOCK)
    if len(beginning) == BLOCK and encoding.name in ASCII_BASED and steps:
        beginning += source.read((_BEGINNING - 1) * BLOCK)
        open_tags = _written_above_an_invoice(beginning, root, steps, encoding)
        end = open_tags[0] if open_tags else b""
        at = beginning.find(end) + len(end)
        if open_tags and at >= len(end) and _ends_an_invoice(beginning[:at], open_tags[1:], steps, encoding):
            yield Block(beginning[:at], cut=True)
            yield from _cut(source, beginning[at:], end)
            return
    yield from _uncut(source, beginning)


def _uncut(source: BinaryIO, data: bytes) -> Iterator[Block]:
    for start in range(0, len(data), BLOCK):
        yield Block(data[start : start + BLOCK])
    while data := source.read(BLOCK):
        yield Block(data)


def _cut(source: BinaryIO, rest: bytes, end: bytes) -> Iterator[Block]:
    """Blocks that end with an end tag; the last ones, after which there is none, are not cut."""
    while True:
        read = source.read(BLOCK)
        rest += read
        at = rest.rfind(end) + len(end)
        if at >= len(end):
            for start, stop in _smaller(rest[:at], end):
                yield Block(rest[start:stop], cut=True)
            rest = rest[at:]
        if not read or len(rest) > _LONGEST * BLOCK:
            break
    yield from _uncut(source, rest)


def _smaller(data: bytes, end: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    while len(data) - start > 2 * BLOCK:
        stop = data.find(end, start + BLOCK) + len(end)
        yield start, stop
        start = stop
    if start < len(data):
        yield start, len(data)


def _written_above_an_invoice(beginning: bytes, root: str, steps: Sequence[str], encoding: Encoding) -> Sequence[bytes]:
    """The end tags of the first invoice and of everything above it, as the document writes them; none if none begins
    here."""
    parser = xmlsafe.puller(root, encoding=encoding.override)
    try:
        parser.feed(beginning)
    except etree.XMLSyntaxError:
        return ()
    top = next((element for _, element in parser.read_events() if not isinstance(element, tuple)), None)
    first = next(follow(top, steps), None) if top is not None else None
    if first is None:
        return ()
    return [end_tag(element).encode(encoding.name, "replace") for element in (first, *first.iterancestors())]


def end_tag(element: Element) -> str:
    """The end tag of an element, as it is written."""
    return f"</{element.prefix}:{local(element.tag)}>" if element.prefix else f"</{local(element.tag)}>"


def _ends_an_invoice(beginning: bytes, above: Sequence[bytes], steps: Sequence[str], encoding: Encoding) -> bool:
    """Whether these bytes end right after an invoice. If these end tags make them whole, then as many elements are
    open as there are above an invoice; and the open ones are always the last of the last."""
    try:
        top = xmlsafe.parts(encoding.override)(beginning + b"".join(above))
    except etree.XMLSyntaxError:
        return False
    last = next(iter(list(follow(top, steps))[-1:]), None)
    trail = [last, *last.iterancestors()] if last is not None else []
    return bool(trail) and all(element.getnext() is None for element in trail)
