"""One document judged from its first byte to its last: guard, invoice by invoice, the document around them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from types import MappingProxyType
from typing import BinaryIO

from lxml import etree

from gateway.catalog import Catalog, DocumentType
from gateway.errors import CatalogError
from gateway.report import DocumentIndex, InvoiceIndex, Report
from gateway.validation.engine import Engine
from gateway.validation.familiar import Familiar, familiar
from gateway.validation.findings import Draft, Findings, Place, built_in
from gateway.validation.guard import Guarded, inspect
from gateway.validation.limits import Limits
from gateway.validation.plan import Plan, plan_for
from gateway.validation.positions import Located, locate
from gateway.validation.shares import run
from gateway.validation.syntax import not_well_formed
from gateway.validation.tree import local
from gateway.validation.versions import version_for

Sink = Callable[[InvoiceIndex], None]
_USUAL = Limits()
# libxml2's own limits: on names and texts, on depth and resources
_LIMITS_OF_THE_PARSER = {etree.ErrorTypes.ERR_NAME_TOO_LONG, etree.ErrorTypes.ERR_RESOURCE_LIMIT}


def judge(
    source: BinaryIO,
    name: str,
    catalog: Catalog,
    *,
    on: date | None = None,
    tolerances: Collection[str] = (),
    sink: Sink | None = None,
    limits: Limits | None = None,
    severities: Mapping[str, str] = MappingProxyType({}),
) -> Report:
    """Judge one XML document from a seekable binary stream, in bounded memory.

    `on` is today, where it matters: it chooses among versions of a document type where no date of service does
    (versions.py), and the rules that count from it are asked only when it is given. `sink` hears of each invoice as it
    passes. `severities` gives rules another severity by code; what the payer refuses stays as it is. A bad document is
    a report, never an exception; the verdict is `not_judged` only when our own schemas or rules cannot be used. Raises
    OSError when the stream itself cannot be read.
    """
    limits = limits or _USUAL
    known = familiar(source, catalog, on, limits)
    if known is not None:
        return _of_familiar(known, name, source, sink or _nobody, limits, known.plan.on(on, severities))
    seen = inspect(source, limits, tolerances)
    report = Report(name, seen.sha256, None, None, None, "not_judged")
    if seen.defect is not None or seen.root is None:
        return _refused(report, seen)
    choice = version_for(source, seen, catalog, on, limits)
    if choice is None:
        return _unknown(report, source, seen, catalog)
    document = choice.document
    _say_what(report, document)
    findings = _findings(seen.warning)
    try:
        plan = plan_for(document).on(on, severities)
        parts = [(plan_for(own).on(on, severities), ordinals) for own, ordinals in choice.parts]
        engine = run(source, seen, plan, parts, findings, sink or _nobody, limits)
    except (CatalogError, etree.LxmlError) as error:
        return _not_judged(report, findings, document, error)
    return _finished(report, source, seen, engine, plan)


def _of_familiar(known: Familiar, name: str, source: BinaryIO, sink: Sink, limits: Limits, plan: Plan) -> Report:
    engine = Engine(plan, known.seen, Findings(), sink, limits)
    engine.short(known.short, known.head)
    report = Report(name, known.seen.sha256, None, None, None, "not_judged")
    _say_what(report, plan.document)
    return _finished(report, source, known.seen, engine, plan)


def _findings(warning: Draft | None) -> Findings:
    findings = Findings()
    if warning is not None:
        findings.add(warning)
    return findings


def _say_what(report: Report, document: DocumentType) -> None:
    report.format, report.document, report.authority = document.family, document.name, document.authority
    report.version = document.version


def _nobody(_invoice: InvoiceIndex) -> None:
    """Nobody listens."""


def _refused(report: Report, seen: Guarded) -> Report:
    assert seen.defect is not None
    report.verdict, report.findings, report.findings_total = "invalid", [seen.defect.finish({})], 1
    return report


def _unknown(report: Report, source: BinaryIO, seen: Guarded, catalog: Catalog) -> Report:
    root = seen.root or ""
    key, namespaces = "unknown_document", _namespaces_of(local(root), catalog)
    if namespaces:
        key = "unknown_namespace"
    draft = built_in("UNKNOWN_DOCUMENT", key, root=local(root)[:80], expected=", ".join(namespaces))
    draft.place = Place((), f"/{local(root)[:80]}")
    at = locate(source, {()}, seen.encoding).positions
    report.verdict, report.findings, report.findings_total = "invalid", [draft.finish(at)], 1
    return report


def _namespaces_of(name: str, catalog: Catalog) -> list[str]:
    """The namespaces in which a root of this local name would be known."""
    known = (d.root for family in catalog.families.values() for d in family.documents if d.name == name)
    return sorted({root.rpartition("}")[0].lstrip("{") or "-" for root in known})


def _not_judged(report: Report, findings: Findings, document: DocumentType, error: Exception) -> Report:
    """Our schemas or rules are broken: that is nobody's document's fault."""
    detail = str(error) if isinstance(error, CatalogError) else type(error).__name__
    findings.add(built_in("NOT_JUDGED", "not_judged", family=document.family, detail=detail))
    report.findings, report.findings_total = [d.finish({}) for d in findings.listed()], findings.total
    return report


def _finished(report: Report, source: BinaryIO, seen: Guarded, engine: Engine, plan: Plan) -> Report:
    findings = engine.findings
    located = _located(source, seen, engine) if findings.total or engine.error is not None else Located()
    if engine.error is not None:
        findings.put_first(_broken(engine, located))
    if findings.total:
        report.findings = [draft.finish(located.positions) for draft in findings.listed()]
        report.findings_total = findings.total
    report.verdict = "invalid" if findings.invalid else "valid"
    report.invoices, report.invalid_invoices = engine.invoices, engine.invalid_invoices
    report.index = engine.index or DocumentIndex(action=plan.document.action)
    report.not_checked = list(plan.rules.not_checked)
    return report


def _located(source: BinaryIO, seen: Guarded, engine: Engine) -> Located:
    """A second pass, only when there is something to show the place of."""
    listed: list[Draft] = engine.findings.listed()
    wanted = {draft.place.address for draft in listed if draft.place is not None}
    wanted |= {draft.invoice.address for draft in listed if draft.invoice is not None}
    if not wanted and engine.error is None:
        return Located()
    if engine.error is not None or seen.encoding.name != "utf-8":
        return locate(source, wanted, seen.encoding, to_the_end=engine.error is not None)
    in_blocks = engine.marks.locate(source, wanted)
    others = locate(source, wanted - in_blocks.keys(), seen.encoding) if len(in_blocks) < len(wanted) else Located()
    return Located({**others.positions, **in_blocks})


def _broken(engine: Engine, located: Located) -> Draft:
    error = engine.error
    assert error is not None
    at, code = located.broken or (None, None)
    libxml2_code: int = getattr(error, "code", 0)  # libxml2's; the stubs do not know it
    if at is None:
        at = ((error.lineno or 1) + engine.lines_opened, max(1, error.offset or 1))
        if libxml2_code in _LIMITS_OF_THE_PARSER:
            draft = built_in("HOSTILE_SIZE", "parser_limit")
            draft.at = at
            return draft
    return not_well_formed(at, code, libxml2_code, invoices=engine.invoices)
