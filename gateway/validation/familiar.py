"""Small documents written like one before them: what guard, limits and version say of them is known from the text.

What stands around the invoices is known from a document that was right (`around`), how invoices are written from those
of others (`stencils`). A text that is matched to its last character has the same declaration, the same tags as deep in
one another and no DOCTYPE, and its holes are its fields. It is right where that is certain (`certain`), or libxml2 says
so; rules are asked. No value is remembered; whatever is not matched goes the way of all documents.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Sequence
from datetime import date
from typing import BinaryIO, NamedTuple

from lxml import etree

from gateway import xmlsafe
from gateway.catalog import Catalog, DocumentType
from gateway.errors import CatalogError
from gateway.validation.around import learned
from gateway.validation.certain import Fitting
from gateway.validation.cut import BLOCK
from gateway.validation.fields import Values
from gateway.validation.flat import Flat
from gateway.validation.guard import Guarded
from gateway.validation.limits import Limits
from gateway.validation.pieces import Chunk
from gateway.validation.plan import Plan, plan_for
from gateway.validation.runs import written_tag
from gateway.validation.shapes import Row
from gateway.validation.short import Short, right
from gateway.validation.tree import descend, follow
from gateway.validation.ways import CREDIT, Way, ways
from gateway.xmlsafe import Element

_MANY = 3_000  # characters of invoices
_MOST_TRUSTED = 1_000
_SHORTEST_ATTRIBUTE = len(' a=""')


class Familiar(NamedTuple):
    """A document that is right by its schema, and what is known of it."""

    seen: Guarded
    plan: Plan
    head: Values
    short: Short


class _Root:
    """The root of a document that is parsed only if somebody asks."""

    __slots__ = ("_data", "_root")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._root: Element | None = None

    def __call__(self) -> Element:
        if self._root is None:
            self._root = xmlsafe.parse(self._data)
        return self._root


def familiar(source: BinaryIO, catalog: Catalog, on: date | None, limits: Limits) -> Familiar | None:
    """The document, where it is small, right, and written like one before it; else None."""
    known = ways.known
    if not known:
        return None
    source.seek(0)
    data = source.read(BLOCK + 1)
    if len(data) > BLOCK or source.read(1):
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    for place, way in enumerate(known):
        fits = way.around.narrow.match(text) if way.around.narrow is not None else None
        begins = fits or way.around.begins.match(text)
        if begins is not None and text.endswith(way.around.ends) and way.is_of(catalog, on, limits):
            if place:
                known.insert(0, known.pop(place))
            return _opened(way, data, text, begins, fits=fits is not None)
    return None


def _opened(way: Way, data: bytes, text: str, begins: re.Match[str], *, fits: bool) -> Familiar | None:
    """`fits`: whether all that stands around the invoices certainly fits."""
    ends = len(text) - len(way.around.ends)
    many = len(data) > way.elements * len("<a/>") and _elements(text, way.elements) > way.elements
    if len(data) > way.size or begins.end() > ends or many:
        return None
    try:
        plan = plan_for(way.document)
    except CatalogError:
        return None  # to be said by who asks for it next
    flat = plan.flat()
    if plan.schema is None or flat is None:
        return None
    inside = text[begins.end() : ends]
    short = _certain(way, data, inside, flat) if fits else None
    short = short or _judged(way, data, inside, flat, plan.schema)
    if short is None:
        return None
    if ways.credit < CREDIT:
        ways.credit += 1
    seen = Guarded(hashlib.sha256(data).hexdigest(), len(data), way.encoding, way.root)
    return Familiar(seen, plan, way.around.head(begins.groups()), short)


def _certain(way: Way, data: bytes, inside: str, flat: Flat) -> Short | None:
    """The document, where it is right for certain (`certain`). `inside`: its invoices; their tag is part of how they
    are built."""
    trusted = way.trusted.get(flat)
    if not trusted or flat.certain is None:
        return None
    fitting = flat.certain.read(inside, way.around.lines + 1, few=len(inside) <= _MANY)
    if fitting is None or _counted(way, fitting) not in trusted or not fitting.built <= trusted:
        return None
    root = _Root(data)
    return Short(root, _chunk(way, lambda: descend(root(), way.trail), fitting.rows), data)


def _judged(way: Way, data: bytes, inside: str, flat: Flat, schema: etree.XMLSchema) -> Short | None:
    """The document, where libxml2 finds it right."""
    rows = _rows(flat, inside, way.around.lines + 1)
    root = right(data, schema, lean=flat.leaves) if rows else None
    if root is None or rows is None:
        return None
    holder = descend(root, way.trail)
    if holder[0].tag != way.tag or len(holder) != len(rows):
        return None
    _trust(way, inside, flat, len(holder), learn=False)
    return Short(lambda: root, _chunk(way, holder, rows), data)


def _trust(way: Way, inside: str, flat: Flat, invoices: int, *, learn: bool) -> None:
    """Remember how the invoices are built, and how many there are, of a document that is right. `learn`: a way of
    building that is not known yet too, which takes longer than judging."""
    if flat.certain is None or way.around.narrow is None or written_tag(inside) != way.written:
        return
    if flat not in way.trusted:
        way.trusted.clear()  # its schema was another one
    trusted = way.trusted.setdefault(flat, set())
    fitting = flat.certain.read(inside, 1, learn=learn, few=len(inside) <= _MANY)
    if fitting is not None and len(fitting.rows) == invoices and len(trusted) < _MOST_TRUSTED:
        trusted |= fitting.built | {_counted(way, fitting)}


def _counted(way: Way, fitting: Fitting) -> Hashable:
    """The schema may bound how many invoices of a name there are."""
    return way.tag, len(fitting.rows)


def _rows(flat: Flat, text: str, line: int, *, learn: bool = False) -> Sequence[Row] | None:
    """The fields of the invoices: by columns, where there are so many that it pays."""
    if len(text) > _MANY and flat.templates is not None:
        columns = flat.templates.read(text, line, learn=learn)
        if columns is not None:
            return columns
    return flat.stencils.read(text, line, learn=learn) if flat.stencils is not None else None


def _elements(text: str, most: int) -> int:
    """At least as many as there are; exactly, where that is more than `most`."""
    tags = text.count("<")
    return tags if tags <= most else text.count("</") + text.count("/>")


def _chunk(way: Way, holder: Element | Callable[[], Element], rows: Sequence[Row]) -> Chunk:
    return Chunk(holder, rows, 0, plain=True, ordinal=1, nth=1, place=way.place, known_tag=way.tag)


def learn(found: Short, plan: Plan, seen: Guarded, limits: Limits) -> None:
    """Learn from a small document that was right by its schema."""
    flat, document, place = plan.flat(), plan.document, found.chunk.place
    if ways.credit <= 0 or flat is None or flat.stencils is None or document.invoice is None or place is None:
        return
    ways.credit -= 1
    steps = len(document.invoice.path.split("/"))
    if flat.outline.depth + steps > limits.depth or flat.outline.attributes > limits.attributes:
        return  # the schema alone does not keep its invoices within the limits
    if seen.warning is not None or seen.encoding.problem is not None or _looks_inside(document, found, steps):
        return
    text = found.data.decode()
    around = learned(text, place.address, lambda root: plan.head.take(root)[0], flat.outline.around)
    begins = around.begins.match(text) if around is not None else None
    if around is None or begins is None:
        return
    invoices = text[begins.end() : len(text) - len(around.ends)]
    _rows(flat, invoices, 1, learn=True)
    size = min(limits.document_bytes, limits.prolog_bytes, limits.part_bytes, limits.head_bytes)
    size = min(size, limits.attributes_together * _SHORTEST_ATTRIBUTE)
    elements = min(limits.elements, limits.beside, limits.invoices)
    tag, written = found.chunk.tag, written_tag(invoices)
    way = Way(
        around, document, seen.root or "", seen.encoding, limits, size, elements, place.address, place, tag, written
    )
    _trust(way, invoices, flat, len(found.chunk), learn=True)
    ways.keep(way)


def _looks_inside(document: DocumentType, found: Short, steps: int) -> bool:
    """Whether a field of the document may stand inside an invoice."""
    paths = [path.split("/") for locator in document.fields.values() for path in locator]
    inside = [path for path in paths if len([step for step in path if not step.startswith("@")]) >= steps]
    return any(found.chunk.holder in follow(found.root(), path[: steps - 1]) for path in inside)
