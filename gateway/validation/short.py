"""A small document that is right by its schema: parsed and judged whole, at once.

Only the verdict "right" is given here, and only where nothing could pass a limit; every other document goes the way of
all (`split`, `frame`), which says what is wrong and where.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple

from lxml import etree

from gateway import xmlsafe
from gateway.validation.cut import BLOCK
from gateway.validation.findings import Place
from gateway.validation.flat import Flat
from gateway.validation.guard import Guarded
from gateway.validation.limits import Limits
from gateway.validation.pieces import Chunk
from gateway.validation.plan import Plan
from gateway.validation.shapes import Row
from gateway.validation.split import deeper_than
from gateway.validation.tree import follow, is_named, local, place
from gateway.xmlsafe import Element

_threads = threading.local()


class Short(NamedTuple):
    """The document, and its invoices."""

    root: Callable[[], Element]
    chunk: Chunk
    data: bytes


def short(source: BinaryIO, plan: Plan, seen: Guarded, limits: Limits) -> Short | None:
    """The document, where it is small, right, and has nothing but invoices of one name in its one list, which ends
    it; else None."""
    document = plan.document
    if seen.size > BLOCK or seen.encoding.name != "utf-8" or seen.encoding.override or document.invoice is None:
        return None
    if plan.schema is None or (flat := plan.flat()) is None:
        return None
    source.seek(0)
    data = source.read()
    declared = data.count(b"xmlns")
    if not _within(data, declared, limits):
        return None
    root = right(data, plan.schema)
    if root is None or declared > len(root.nsmap) or b":type" in data or deeper_than(limits.depth)(root):
        return None
    return _of(data, root, flat, document.invoice.path.split("/"))


def _within(data: bytes, declared: int, limits: Limits) -> bool:
    """Whether it is too small to pass any limit, whatever it holds. `declared`: namespaces, at most."""
    elements = min(limits.elements, limits.beside, limits.invoices)
    small = len(data) <= min(limits.part_bytes, limits.head_bytes, limits.document_bytes)
    attributes = min(limits.attributes, limits.attributes_together)
    few = data.count(b"</") <= elements and data.count(b"/>") <= elements and data.count(b"=") <= attributes
    return small and few and declared <= limits.namespaces


def right(data: bytes, schema: etree.XMLSchema, *, lean: bool = False) -> Element | None:
    """The document, where it is well-formed and right by its schema. `lean`: without the blanks between tags."""
    if not hasattr(_threads, "parse"):
        _threads.parse = xmlsafe.parts(), xmlsafe.parts(lean=True)
    try:
        root: Element = _threads.parse[lean](data)
    except etree.XMLSyntaxError:
        return None
    return root if schema.validate(root) else None


def _of(data: bytes, root: Element, flat: Flat, steps: Sequence[str]) -> Short | None:
    lists = list(follow(root, steps[:-1]))
    if len(lists) != 1 or not len(lists[0]) or any(e.getnext() is not None for e in _trail(lists[0])):
        return None
    holder = lists[0]
    tags = {child.tag for child in holder}
    rows: list[Row] | None = None
    if len(tags) == 1 and all(is_named(tag, steps[-1]) for tag in tags):
        rows = flat.take(holder, tags)
    if not rows:
        return None
    at = place(holder, root, Place((), f"/{local(root.tag)}"))
    return Short(lambda: root, Chunk(holder, rows, 0, plain=True, ordinal=1, nth=1, place=at), data)


def _trail(element: Element) -> list[Element]:
    return [element, *element.iterancestors()]
