"""Which version of a document type judges a document, where a family has several: invoice by invoice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from lxml import etree

from gateway.catalog import Catalog, DocumentType
from gateway.validation.fields import Extractor
from gateway.validation.guard import Guarded
from gateway.validation.limits import Limits
from gateway.validation.split import Splitter
from gateway.validation.values import as_date

Days = list[date | None]  # of each invoice, its latest date of service


@dataclass(frozen=True, slots=True)
class Choice:
    """`document` judges the document and most of its invoices; `parts` those, by ordinal, that another version does."""

    document: DocumentType
    parts: tuple[tuple[DocumentType, frozenset[int]], ...] = ()


def version_for(source: BinaryIO, seen: Guarded, catalog: Catalog, on: date | None, limits: Limits) -> Choice | None:
    """The version valid on a request's latest date of service, else on `on`, else the newest; each invoice with a date
    of its own has the version of that. A pass of its own over the document, only where there is a choice. What a payer
    sends has no such date: `on` decides. None: no family knows the root."""
    root = seen.root or ""
    known = [document for document in catalog.candidates(root) if document.role == "request"]
    days = _services(source, seen, known, limits) if len(known) > 1 else []
    latest = max((day for day in days if day), default=None)
    document = catalog.recognise(root, latest, on)
    if document is None:
        return None
    by_day = {day: catalog.recognise(root, day, on) for day in set(days) if day}
    others: dict[int, tuple[DocumentType, set[int]]] = {}
    for ordinal, day in enumerate(days, 1):
        own = by_day[day] if day else None
        if own is not None and own is not document:
            others.setdefault(id(own), (own, set()))[1].add(ordinal)
    return Choice(document, tuple((own, frozenset(ordinals)) for own, ordinals in others.values()))


def _services(source: BinaryIO, seen: Guarded, versions: Sequence[DocumentType], limits: Limits) -> Days:
    """By the first version, the newest first, whose paths lead to dates."""
    tried = set()
    for document in sorted(versions, key=lambda d: d.valid_from or date.min, reverse=True):
        invoice = document.invoice
        service = invoice.fields.get("service") if invoice else None
        if invoice is None or service is None or (layout := (invoice.path, service, document.date_format)) in tried:
            continue
        tried.add(layout)
        splitter = Splitter(source, seen.root or "", invoice.path, seen.encoding, limits)
        days = _days(splitter, Extractor({"service": service}), document.date_format)
        if any(days):
            return days
    return []


def _days(splitter: Splitter, extractor: Extractor, form: str) -> Days:
    """What a broken document says before it breaks counts: its defect is told when it is judged."""
    days: Days = []
    try:
        for pieces in splitter.chunks():
            for piece in pieces:
                found, _ = extractor.take(piece.element)
                dated = (as_date(text, form) for text in found.get("service", ()))
                days.append(max((day for day in dated if day), default=None))
    except etree.LxmlError:
        pass
    return days
