"""The rules that need the registry or the past: set-wise over the index fields, with texts from the family's data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import islice

from gateway.catalog import DocumentType
from gateway.messages import Both, both
from gateway.models import Invoice, Request
from gateway.registry import sending
from gateway.registry.severities import FIXED
from gateway.report import LISTED, Finding, InvoiceIndex, InvoiceRef, Report
from gateway.stages.validate import past
from gateway.stages.validate.desk import Desk
from gateway.stages.validate.past import Said
from gateway.states import RequestState
from gateway.store import requests
from gateway.store import salvage as lineage

_Findings = tuple[list[Finding], int]


def finding(
    document: DocumentType | None,
    code: str,
    index: InvoiceIndex | None = None,
    more: Both | None = None,
    **values: object,
) -> Finding:
    """A finding in the words of the family's rules, else in ours (locales/validate.toml); `more` is said after them."""
    rule = next((rule for rule in document.rules if rule.code == code), None) if document else None
    key = code.lower()
    return Finding(
        code=code,
        severity=rule.severity if rule else _SEVERITY.get(code, "error"),
        authority=rule.authority if rule else "ours",
        line=index.line if index else None,
        column=None,
        path=None,
        invoice=InvoiceRef(index.number or index.payer_number, index.ordinal, index.line) if index else None,
        message=_and(dict(rule.message) if rule else both(f"validate.{key}", **values), more),
        next=dict(rule.next) if rule else both(f"validate.{key}_next", **values),
        letter=rule.letter if rule else None,
    )


def _as_wanted(found: Finding, severities: Mapping[str, str]) -> Finding:
    """With the severity the agency wants, unless no payer could take it or the payer says so itself. What the registry
    does not know, and numbers used before, hold whatever anybody wants: it could go to the wrong place, or twice."""
    wanted = severities.get(found.code)
    if wanted is None or found.refuses or found.code in FIXED:
        return found
    return replace(found, severity=wanted)


def _and(message: Both, more: Both | None) -> Both:
    return {lang: f"{text} {more[lang]}" for lang, text in message.items()} if more else message


_SEVERITY = {"REQUEST_REPEATED": "info", "SOFTWARE_DRIFT": "warning"}


def judge(desk: Desk, request: Request, report: Report, invoices: list[InvoiceIndex]) -> _Findings:
    """Everything the context says of a document: at most LISTED findings, and how many there are. Also gives the
    request its payer, its number, and the request it repeats."""
    document = sending.document_of(desk.rooms.catalog, request)
    if document is None or document.role != "request":
        return [finding(None, "UNKNOWN_DOCUMENT")], 1
    if repeated := repeats(desk, request):
        request.duplicate_of = repeated.id
        return [finding(document, "REQUEST_REPEATED")], 1
    cleared = clearance(desk, request, report, invoices, document)
    request.payer, request.number = cleared.payer, cleared.number
    codes = [*cleared.codes, *(["REQUEST_NUMBER_REUSED"] if _earlier(desk, request) else [])]
    codes += ["SOFTWARE_DRIFT"] if _drifts(desk, report) else []
    every = list(of_invoices(desk, request, invoices, document))
    found = [_as_wanted(finding(document, code), desk.severities) for code in codes]
    found += [told(desk, document, said) for said in islice(every, LISTED)]
    return found, len(codes) + len(every)


def told(desk: Desk, document: DocumentType, said: Said) -> Finding:
    """The finding of a rule that an invoice breaks."""
    return _as_wanted(finding(document, said.code, said.index, said.more), desk.severities)


def clearance(
    desk: Desk, request: Request, report: Report, invoices: list[InvoiceIndex], document: DocumentType
) -> sending.Clearance:
    """What the registry says today of a document that has no row yet."""
    return sending.clearance(desk.book, _sending(desk, request, report, invoices, document), desk.today)


def _sending(
    desk: Desk, request: Request, report: Report, invoices: list[InvoiceIndex], document: DocumentType
) -> sending.Sending:
    return sending.Sending(
        agency_id=request.agency_id,
        payer=sending.payer_for(desk.book, desk.rooms.config, request.agency_id, request.format),
        sender=report.index.sender,
        requester=request.requester,
        claims=_claims(desk, request, invoices),
        migrated_only=sending.asks_for_migration(document),
    )


def _drifts(desk: Desk, report: Report) -> bool:
    """Whether the document names another software, or another version of it, than its source declared to the payer
    (letter 003: whoever changes software has to say so)."""
    declared, says = desk.declared, report.index
    if declared is None:
        return False
    pairs = ((declared.developer, says.developer), (declared.name, says.software), (declared.version, says.version))
    return any(known and said and known.strip().casefold() != said.strip().casefold() for known, said in pairs)


def _claims(desk: Desk, request: Request, invoices: list[InvoiceIndex]) -> frozenset[sending.Claim]:
    """What the document asks for; a modification or cancellation through the account of the invoice it speaks of."""
    known = known_invoices(desk, request, invoices)
    new = request.action == "new"
    asked: dict[tuple[str, str | None], list[date]] = {}
    for index in invoices:
        invoice = known.get(index.payer_number or "")
        account = index.account if new else (invoice.account if invoice else None)
        if account is not None:
            days = asked.setdefault((account, index.practice), [])
            days += [day for day in (index.first_service, index.last_service) if day is not None]
    if new and not asked:
        return frozenset({sending.Claim(request.account or "")})
    span = {who: (min(days, default=None), max(days, default=None)) for who, days in asked.items()}
    return frozenset(sending.Claim(*who, *days) for who, days in span.items())


def _earlier(desk: Desk, request: Request) -> list[Request]:
    """Requests that this one's number belongs to already, in this lot and before."""
    if not request.no_dem_ext:
        return []
    with desk.rooms.store.read() as tx:
        before = requests.live_with_number(tx, request.agency_id, request.no_dem_ext)
    here = [other for other in desk.earlier(request.no_dem_ext) if other.state != RequestState.REFUSED]
    return [*before, *here]


def repeats(desk: Desk, request: Request) -> Request | None:
    """The request with the same number and the same bytes, or the one that goes for them; in one lot even a refused one
    stands for its twin."""
    if request.no_dem_ext and request.derived_from is None:
        with desk.rooms.store.read() as tx:
            goes = lineage.same_original(tx, request.agency_id, request.no_dem_ext, request.sha256)
        if goes is not None:
            return goes
    twins = desk.earlier(request.no_dem_ext) if request.no_dem_ext else []
    candidates = [*_earlier(desk, request), *(other for other in twins if not other.duplicate_of)]
    return next((other for other in candidates if other.sha256 == request.sha256), None)


def known_invoices(desk: Desk, request: Request, invoices: Iterable[InvoiceIndex]) -> dict[str, Invoice]:
    """By the payer's number, the agency's invoices that a modification or cancellation speaks of."""
    numbers = {index.payer_number for index in invoices if index.payer_number}
    if request.action == "new" or not numbers:
        return {}
    payer = sending.payer_for(desk.book, desk.rooms.config, request.agency_id, request.format)
    with desk.rooms.store.read() as tx:
        return requests.known_invoices(tx, request.agency_id, payer.name if payer else None, numbers)


def of_invoices(desk: Desk, request: Request, invoices: list[InvoiceIndex], document: DocumentType) -> Iterator[Said]:
    """The rules of the past that invoices break, in the order of the document."""
    if request.action == "new":
        return past.of_new(desk, request, invoices)
    return past.of_changes(desk, document, known_invoices(desk, request, invoices), invoices)
