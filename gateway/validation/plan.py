"""Everything needed to judge one document type, made once in each thread."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, partial
from importlib import import_module
from pathlib import Path

from lxml import etree

from gateway.catalog import DocumentType, Part
from gateway.clock import Clock, SystemClock
from gateway.errors import CatalogError
from gateway.validation.certain import compared
from gateway.validation.fields import Extractor
from gateway.validation.flat import Flat
from gateway.validation.meanings import AmbiguousError
from gateway.validation.outline import outline
from gateway.validation.rules import RuleBook
from gateway.validation.schema import compiled
from gateway.validation.shapes import Shapes

_clock: Clock = SystemClock()
_SECONDS = 1.0  # after which the files of a schema are looked at again
_Files = tuple[tuple[Path, int], ...]  # each with the nanosecond in which it was written
_MOST_DAYS = 8  # days and severities remembered of one plan
_BOUND = re.compile(rb"""maxOccurs\s*=\s*["'](\d+)["']""")


@dataclass(frozen=True, slots=True)
class Plan:
    """A document type with its schema and rules compiled."""

    document: DocumentType
    schema: etree.XMLSchema | None
    rules: RuleBook
    head: Extractor
    invoice: Extractor | None
    bounds: frozenset[int]  # every count that the schema bounds somewhere
    flat: Callable[[], Flat | None]  # how many invoices are read in one walk; worked out when first asked for
    shapes: Shapes  # of all its documents: what rules remember of a shape holds for each part that has it
    _on: dict[object, Plan] = field(default_factory=dict, compare=False, repr=False)  # itself on other days

    def on(self, today: date | None, severities: Mapping[str, str]) -> Plan:
        """The same, with the rules as they are asked on a day, with other severities by code (`RuleBook.on`)."""
        key = (today, *sorted(severities.items())) if severities else today
        known = self._on.get(key)
        if known is None:
            if len(self._on) >= _MOST_DAYS:
                self._on.clear()
            known = self._on[key] = replace(self, rules=self.rules.on(today, severities))
        return known


@dataclass(slots=True)
class _Made:
    plan: Plan
    files: _Files
    until: float = 0.0  # monotonic seconds: so long nobody looks whether they changed


class _Plans(threading.local):
    """Those of one thread."""

    def __init__(self) -> None:
        self.made: dict[int, _Made] = {}  # by the document type, as an object


_plans = _Plans()


def plan_for(document: DocumentType) -> Plan:
    """The plan of a document type. Whether a schema of its family was written anew is looked for once a second. Raises
    CatalogError when its folder cannot be used."""
    plans = _plans.made
    known, now = plans.get(id(document)), _clock.monotonic()
    if known is not None and known.plan.document is document and now < known.until:
        return known.plan
    try:
        files = _files(document.schema)
        if known is None or known.plan.document is not document or known.files != files:
            known = plans[id(document)] = _Made(_plan(document, _judge(document, files), files), files)
    except (OSError, ValueError, etree.LxmlError) as error:
        raise CatalogError(f"{document.schema}: {error}") from error
    known.until = now + _SECONDS
    return known.plan


def _files(schema: Path | None) -> _Files:
    """A schema and whatever it may include: all of its family, and when each was written."""
    if schema is None:
        return ()
    family = next((folder for folder in schema.parents if (folder / "catalog.toml").exists()), schema.parent)
    others = [file for file in sorted(family.rglob("*.xsd")) if file != schema]
    return ((schema, schema.stat().st_mtime_ns), *_there(others))


def _there(files: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """Those that can be read: an editor may have left something else, or take it away right now."""
    for file in files:
        with suppress(OSError):
            if file.is_file():
                yield file, file.stat().st_mtime_ns


def _judge(document: DocumentType, files: _Files) -> etree.XMLSchema | None:
    """The schema, compiled by libxml2 or, in XSD 1.1, by the second judge, which answers to the same two names
    (`validate`, `error_log`) and is loaded only for this: loading it takes longer than judging a document."""
    if document.schema is None or document.xsd == "1.0":
        return compiled(document.schema, files) if document.schema is not None else None
    judge: etree.XMLSchema = import_module("gateway.validation.schema11").compiled(document.schema, files)
    return judge


def _plan(document: DocumentType, schema: etree.XMLSchema | None, files: _Files) -> Plan:
    rules = RuleBook(document)
    invoice, lines = document.invoice, _lines(document, rules)
    extractor = Extractor(invoice.fields, lines) if invoice is not None else None
    shapes = Shapes()
    flat = cache(partial(_flat, document, lines, shapes))
    return Plan(document, schema, rules, Extractor(document.fields), extractor, _bounds(files), flat, shapes)


def _flat(document: DocumentType, lines: Part | None, shapes: Shapes) -> Flat | None:
    if document.schema is None or document.invoice is None or document.xsd != "1.0":
        return None
    shape = outline(document.schema, document.name, document.invoice.path.split("/"))
    if shape is not None and lines is not None and document.line is not None:
        lines = Part(lines.path, compared(shape.declared, document.line) | dict(lines.fields))
    try:
        return Flat(shape, document.invoice.fields, lines, shapes) if shape is not None else None
    except AmbiguousError:
        return None


def _lines(document: DocumentType, rules: RuleBook) -> Part | None:
    """Lines are counted; their fields are taken only when a rule looks at them."""
    line = document.line
    return line if line is None or rules.for_lines else Part(line.path, {})


def _bounds(files: _Files) -> frozenset[int]:
    found: list[bytes] = []
    for file, _ in files:
        with suppress(FileNotFoundError):  # gone since
            found += _BOUND.findall(file.read_bytes())
    return frozenset(int(number) for number in found if len(number) < 6)
