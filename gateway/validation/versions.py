"""Which version of a document type judges a document, where a family has several."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import BinaryIO

from lxml import etree

from gateway.catalog import Catalog, DocumentType
from gateway.validation.fields import Extractor
from gateway.validation.guard import Guarded
from gateway.validation.limits import Limits
from gateway.validation.split import Splitter
from gateway.validation.values import as_date


def version_for(
    source: BinaryIO, seen: Guarded, catalog: Catalog, on: date | None, limits: Limits
) -> DocumentType | None:
    """The version valid on a request's latest date of service, else on `on`, else the newest: a pass of its own over
    the document, only where there is a choice. What a payer sends has no such date: `on` decides. None: no family knows
    the root."""
    root = seen.root or ""
    known = [document for document in catalog.candidates(root) if document.role == "request"]
    latest = _latest_service(source, seen, known, limits) if len(known) > 1 else None
    return catalog.recognise(root, latest, on)


def _latest_service(source: BinaryIO, seen: Guarded, versions: Iterable[DocumentType], limits: Limits) -> date | None:
    """By the first version, the newest first, whose paths lead to dates."""
    tried = set()
    for document in sorted(versions, key=lambda d: d.valid_from or date.min, reverse=True):
        invoice = document.invoice
        service = invoice.fields.get("service") if invoice else None
        if invoice is None or service is None or (layout := (invoice.path, service, document.date_format)) in tried:
            continue
        tried.add(layout)
        splitter = Splitter(source, seen.root or "", invoice.path, seen.encoding, limits)
        if days := _days(splitter, Extractor({"service": service}), document.date_format):
            return max(days)
    return None


def _days(splitter: Splitter, extractor: Extractor, form: str) -> set[date]:
    """What a broken document says before it breaks counts: its defect is told when it is judged."""
    days: set[date] = set()
    try:
        for pieces in splitter.chunks():
            for piece in pieces:
                found, _ = extractor.take(piece.element)
                days.update(day for text in found.get("service", ()) if (day := as_date(text, form)))
    except etree.LxmlError:
        pass
    return days
