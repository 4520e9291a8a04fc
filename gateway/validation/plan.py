"""Everything needed to judge one document type, made once in each thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from lxml import etree

from gateway.catalog import DocumentType, Part
from gateway.errors import CatalogError
from gateway.validation.fields import Extractor
from gateway.validation.rules import RuleBook
from gateway.validation.schema import compiled

_threads = threading.local()


@dataclass(frozen=True, slots=True)
class Plan:
    """A document type with its schema and rules compiled."""

    document: DocumentType
    schema: etree.XMLSchema | None
    rules: RuleBook
    head: Extractor
    invoice: Extractor | None


def plan_for(document: DocumentType) -> Plan:
    """The plan of a document type. Raises CatalogError when its folder cannot be used."""
    try:
        schema = compiled(document.schema) if document.schema is not None else None
    except (OSError, etree.LxmlError) as error:
        raise CatalogError(f"{document.schema}: {error}") from error
    plans: dict[int, Plan] = _threads.__dict__.setdefault("plans", {})
    known = plans.get(id(document))
    if known is None or known.document is not document or known.schema is not schema:
        known = plans[id(document)] = _plan(document, schema)
    return known


def _plan(document: DocumentType, schema: etree.XMLSchema | None) -> Plan:
    rules = RuleBook(document)
    invoice = document.invoice
    extractor = Extractor(invoice.fields, _lines(document, rules)) if invoice is not None else None
    return Plan(document, schema, rules, Extractor(document.fields), extractor)


def _lines(document: DocumentType, rules: RuleBook) -> Part | None:
    """Lines are counted; their fields are taken only when a rule looks at them."""
    line = document.line
    return line if line is None or rules.for_lines else Part(line.path, {})
