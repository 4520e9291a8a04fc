"""What an agency is told: a report for each document that does not go, and for a lot that cannot be opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gateway.messages import both
from gateway.models import Request
from gateway.report import LISTED, Finding
from gateway.stages.validate.desk import Desk, Judged
from gateway.stages.validate.document import answer
from gateway.states import RequestState
from gateway.store import Tx, replies, requests

_DIVIDED = ("SALVAGED", "NOTHING_LEFT")


def reports(tx: Tx, desk: Desk) -> None:
    """A report for each refused or held document; for the lot where something about the ZIP itself is to be said."""
    if desk.archive_findings or not desk.judged:
        lot_report(tx, desk, desk.archive_findings)
    for judged in desk.judged:
        request = judged.request
        if request.state != RequestState.READY:
            facts = judged.report.public() | answer(judged) | _sentences(tx, request)
            _owe(tx, desk, facts, judged)


def lot_report(tx: Tx, desk: Desk, findings: Sequence[Finding]) -> None:
    """A report whose subject is the lot as it was deposited."""
    batch = desk.batch
    facts: dict[str, Any] = {
        "lot": batch.id,
        "file": batch.name,
        "sha256": batch.sha256,
        "state": batch.state,
        "reason": batch.reason,
        "findings": [asdict(found) for found in findings[:LISTED]],
        "findings_total": len(findings),
        "says": both(f"validate.lot_{batch.state.lower()}"),
        "next": both(f"validate.lot_{batch.state.lower()}_next"),
    }
    _owe(tx, desk, facts)


def _sentences(tx: Tx, request: Request) -> dict[str, Any]:
    if request.duplicate_of is None:
        key = request.state.lower() if request.reason not in _DIVIDED else request.reason.lower()
        return {"says": both(f"validate.{key}"), "next": both(f"validate.{key}_next")}
    first = requests.get(tx, request.duplicate_of)
    says = both("validate.repeated", first=request.duplicate_of, state=first.state if first else "")
    return {"says": says, "next": both("validate.request_repeated_next")}


def _owe(tx: Tx, desk: Desk, facts: dict[str, Any], judged: Judged | None = None) -> None:
    """The report, and with it the document of the invoices set aside, where there is one."""
    batch, request = desk.batch, judged.request if judged else None
    number = desk.book.first_number(batch.agency_id, desk.today)
    name = (request.member if request else None) or batch.name
    aside = judged.divided.aside if judged and judged.divided else None
    replies.owe(
        tx,
        "report",
        batch,
        facts,
        source_id=batch.source_id,
        number=number,
        name=name,
        request=request,
        document=aside.columns() if aside else None,
    )
