"""One document of a lot: judged alone, then in its context; its rows staged, its wire form and report archived."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import AlteredError
from gateway.identifiers import new_id
from gateway.messages import both, side_by_side
from gateway.models import FindingRow, Invoice, Request, Submission
from gateway.platform import passing
from gateway.registry import sending
from gateway.report import LISTED, UNREADABLE, Finding, InvoiceIndex, Report
from gateway.stages.validate import context, rows, wire
from gateway.stages.validate.desk import Desk, Judged
from gateway.stages.validate.parts import facts
from gateway.states import RequestState
from gateway.store import staged


@dataclass(frozen=True, slots=True)
class Kept:
    """A document whose bytes are in the archive."""

    ordinal: int  # place in the lot, from 1
    member: str | None  # name inside the ZIP
    ref: str
    size: int  # bytes
    sha256: str


def whole(desk: Desk) -> Kept:
    """The lot that is one document."""
    return Kept(1, None, desk.batch.archive_ref, desk.batch.size, desk.batch.sha256)


def read(desk: Desk, kept: Kept) -> tuple[Judged, list[InvoiceIndex]]:
    """What a document says of itself, and what is wrong with it; nothing is decided yet. Raises AlteredError when its
    archived bytes are not those that came."""
    invoices: list[InvoiceIndex] = []
    judged = judged_alone(desk, kept, invoices.append)
    if UNREADABLE & {f.code for f in judged.report.findings if f.refuses}:
        invoices.clear()
        judged.request.invoices = judged.request.invalid_invoices = 0
    return judged, invoices


def judged_alone(desk: Desk, kept: Kept, sink: Callable[[InvoiceIndex], None]) -> Judged:
    """A document's report, and the request it would become."""
    name = f"{desk.batch.name}!/{kept.member}" if kept.member else desk.batch.name
    with desk.rooms.archive.open(kept.ref) as source:
        report = desk.rooms.judge(
            desk.batch.agency_id,
            source,
            name,
            on=desk.today,
            tolerances=desk.source.tolerances,
            sink=sink,
            limits=desk.limits,
            severities=desk.severities,
        )
    if report.verdict != "not_judged" and report.sha256 != kept.sha256:
        raise AlteredError(side_by_side("archive.altered", ref=kept.ref))
    return Judged(_request(desk, kept, report), report)


def _request(desk: Desk, kept: Kept, report: Report) -> Request:
    index = report.index
    return Request(
        id=new_id("DEM"),
        batch_id=desk.batch.id,
        agency_id=desk.batch.agency_id,
        source_id=desk.batch.source_id,
        ordinal=kept.ordinal,
        member=kept.member,
        replaces=desk.batch.replaces,
        format=report.format,
        document=report.document,
        format_version=report.version,
        action=index.action,
        no_dem_ext=index.request_number,
        requester=index.requester,
        account=index.account,
        software=" ".join(part for part in (index.developer, index.software, index.version) if part) or None,
        sha256=kept.sha256,
        size=kept.size,
        archive_ref=kept.ref,
        state=RequestState.READY,
        invoices=report.invoices,
        invalid_invoices=report.invalid_invoices,
        created_at=desk.batch.received_at,
    )


def decide(desk: Desk, judged: Judged, invoices: list[InvoiceIndex]) -> None:
    """READY, HELD or REFUSED: what the document alone says first, then what it is beside others."""
    request, report = judged.request, judged.report
    if not report.refused:
        add_findings(report, *context.judge(desk, request, report, invoices))
        report.not_checked = []
    refusing = next((f.code for f in report.findings if f.refuses), None)
    if request.duplicate_of:
        refuse(request, "REQUEST_REPEATED")
        request.invoices = request.invalid_invoices = 0
    elif refusing:
        refuse(request, refusing)
    else:
        request.holds = list(dict.fromkeys(f.code for f in report.findings if f.severity == "error"))
        if report.verdict == "invalid" and not request.holds:
            request.holds = ["INVALID"]
        if request.holds:
            request.state, request.reason = RequestState.HELD, request.holds[0]


def refuse(request: Request, reason: str) -> None:
    """This request never goes."""
    request.state, request.reason, request.holds = RequestState.REFUSED, reason, []


def add_findings(report: Report, findings: Sequence[Finding], total: int | None = None) -> None:
    """Context first: it is short, and says what a list of 200 defects would hide. What holds or refuses stays before
    what only warns."""
    every = [*findings, *report.findings]
    kept = sorted(range(len(every)), key=lambda place: (every[place].severity != "error", place))[:LISTED]
    report.findings = [every[place] for place in sorted(kept)]
    report.findings_total += len(findings) if total is None else total


def stage(desk: Desk, judged: Judged, invoices: list[InvoiceIndex]) -> None:
    """Write the document's invoices and submissions; they count once the request's row exists. A request that was
    deposited before has none of its own."""
    request, store = judged.request, desk.rooms.store
    if request.reason == "REQUEST_REPEATED":
        return
    known = context.known_invoices(desk, request, invoices)
    new = request.action == "new"
    ids = [new_id("FAC") if new else _invoice_id(known, index) for index in invoices]
    judged.submissions = staged.add(store, Submission, rows.submissions(request, invoices, ids, known))
    if new:
        staged.add(store, Invoice, rows.invoices(request, invoices, ids))
        if request.state != RequestState.REFUSED:
            desk.invoice_numbers |= {index.number for index in invoices if index.number}
    passing("validate.staged")


def _invoice_id(known: dict[str, Invoice], index: InvoiceIndex) -> str | None:
    invoice = known.get(index.payer_number or "")
    return invoice.id if invoice else None


def finish(desk: Desk, judged: Judged) -> None:
    """Archive what goes on the wire and the report; write the findings' rows."""
    request, report = judged.request, judged.report
    request.findings = report.findings_total
    if request.state != RequestState.REFUSED:
        wire.prepare(desk.rooms.archive, request, sending.document_of(desk.rooms.catalog, request))
    text = json.dumps(report.public() | answer(judged), ensure_ascii=False, default=str)
    request.report_ref = desk.rooms.archive.put(desk.batch.id, io.BytesIO(text.encode())).ref
    staged.add(desk.rooms.store, FindingRow, [rows.findings(request, report)])


def answer(judged: Judged) -> dict[str, Any]:
    """What we say about the request beside the findings."""
    request = judged.request
    more: dict[str, Any] = {"derived_from": request.derived_from} if request.derived_from else {}
    if judged.divided is not None:
        more |= {"salvage": facts(judged.divided, request, judged.report.findings)}
    if judged.not_salvaged is not None:
        more |= {"not_salvaged": both(f"validate.salvage_{judged.not_salvaged}")}
    return more | {
        "lot": request.batch_id,
        "request": request.id,
        "number": request.no_dem_ext,
        "member": request.member,
        "state": request.state,
        "reason": request.reason,
        "holds": request.holds,
        "duplicate_of": request.duplicate_of,
    }
