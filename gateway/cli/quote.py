"""The finding that a refused or held record rests for, in its own sentence and at its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.archive import Archive
from gateway.cli.common import Call
from gateway.errors import StoreError
from gateway.models import Batch, Request
from gateway.states import RequestState
from gateway.store import Tx, replies, requests

Quote = Mapping[str, Any]  # a finding as a report has it
_STOPPED = (RequestState.REFUSED, RequestState.HELD)


def quoted(tx: Tx, archive: Archive, row: object) -> Quote | None:
    """Of a request, the finding whose code is its reason, else its first error. Of a lot, what its own report says
    first, else the first of its requests that was stopped. None where no finding says why."""
    if isinstance(row, Request):
        return _of_request(archive, row) if row.state in _STOPPED else None
    if isinstance(row, Batch):
        report = replies.lot_report(tx, row.id)
        if report is not None and (own := _the_one(report.facts.get("findings", ()), row.reason)):
            return own
        stopped = (one for one in requests.of_batch(tx, row.id) if one.state in _STOPPED)
        return next((found for one in stopped if (found := _of_request(archive, one))), None)
    return None


def of_history(events: Sequence[Mapping[str, Any]]) -> Quote | None:
    """Of a reply that rests where its last event left it: what was found in it then."""
    return events[-1]["detail"].get("finding") if events else None


def sentences(call: Call, found: Quote) -> Iterator[str]:
    """The code and the place, the sentence, what to do."""
    of, line = found["invoice"], found["line"]
    places = [call.say("rendering.line_column", line=line, column=found["column"] or 1)] if line else []
    if of:
        places.append(call.say("rendering.text_invoice", **{**of, "number": of["number"] or "–"}))
    yield " · ".join([found["code"], *(places or [call.say("rendering.whole_document")])])
    yield f"  {found['message'][call.lang]}"
    if found["path"]:
        yield f"  {found['path']}"
    yield f"  → {found['next'][call.lang]}"


def _of_request(archive: Archive, request: Request) -> Quote | None:
    if request.report_ref is None:
        return None
    try:
        with archive.open(request.report_ref) as stream:
            report = json.load(stream)
    except (StoreError, OSError, ValueError):  # erased, or not to be read: the record itself is still shown
        return None
    return _the_one(report["findings"], request.reason)


def _the_one(findings: Sequence[Quote], code: str | None) -> Quote | None:
    stopping = [found for found in findings if found["severity"] == "error"]
    return next((found for found in stopping if found["code"] == code), next(iter(stopping), None))
