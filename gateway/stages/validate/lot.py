"""One lot: opened, judged document by document, then made to count in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import structlog

from gateway.errors import StaleState
from gateway.models import Batch
from gateway.platform import passing
from gateway.sealing.spool import spool
from gateway.stages.validate import answers, division, document
from gateway.stages.validate.context import finding
from gateway.stages.validate.desk import Desk, Judged
from gateway.states import BatchState, RequestState
from gateway.store import Store, Tx, moves, requests, staged
from gateway.store import salvage as lineage
from gateway.validation import is_archive, members, open_member

log = structlog.get_logger()

_CAN_GO = (RequestState.READY, RequestState.HELD)


def judge(desk: Desk) -> None:
    """Judge the lot on the desk. May be killed anywhere: what was staged is cleared and done anew."""
    staged.clear(desk.rooms.store, desk.batch.id)
    with desk.rooms.archive.open(desk.batch.archive_ref) as stream:
        zipped = is_archive(stream)
        documents = _members(desk, stream) if zipped else iter([document.whole(desk)])
        for kept in documents:
            desk.judged.extend(division.judge(desk, kept))
            if any(judged.report.verdict == "not_judged" for judged in desk.judged):
                break  # the lot waits for a person: what else is in it costs nobody anything
    if any(judged.report.verdict == "not_judged" for judged in desk.judged):
        _hold(desk)
        return
    if zipped and desk.source.strict:
        _all_or_nothing(desk)
    for judged in desk.judged:
        document.finish(desk, judged)
    passing("validate.archived")
    _count(desk)


def _members(desk: Desk, stream: BinaryIO) -> Iterator[document.Kept]:
    """The documents of a ZIP, one after the other; what is wrong with the ZIP itself is answered at the lot."""
    opened = members(stream, desk.batch.name, desk.rooms.lot_limits)
    desk.archive_findings = list(opened.findings)
    if any(found.refuses for found in opened.findings):
        return
    for ordinal, member in enumerate(opened.members, 1):
        with open_member(stream, member, spool()) as source:
            stored = desk.rooms.archive.put(desk.batch.id, source)
        passing("validate.kept")
        yield document.Kept(ordinal, member.name, stored.ref, stored.size, stored.sha256)


def _all_or_nothing(desk: Desk) -> None:
    """The source wants one bad document to refuse its whole ZIP."""
    bad = [j for j in desk.judged if j.report.verdict == "invalid" or _is_refused(j)]
    if not bad:
        return
    for judged in desk.judged:
        if judged.request.state in _CAN_GO:
            document.add_findings(judged.report, [finding(None, "STRICT_LOT")])
            document.refuse(judged.request, "STRICT_LOT")


def _is_refused(judged: Judged) -> bool:
    return judged.request.state == RequestState.REFUSED and judged.request.reason != "REQUEST_REPEATED"


def _count(desk: Desk) -> None:
    """Make the lot's requests exist, in one transaction."""
    with desk.rooms.store.write() as tx:
        for judged in desk.judged:
            if not staged.whole(tx, judged.request.id, judged.submissions):
                raise StaleState(f"{desk.batch.id} is being judged by another worker")
            judged.request.created_at = tx.now
            of = {"derived_from": judged.request.derived_from} if judged.request.derived_from else {}
            moves.born(tx, judged.request, judged.request.reason or "valid", {"lot": desk.batch.id} | of)
        for judged in desk.judged:
            if judged.divided is not None:
                lineage.add(tx, judged.divided.row)
        _close(tx, desk)
        answers.reports(tx, desk)
        for judged in desk.judged:
            if judged.request.state == RequestState.READY:
                requests.wake_lane(tx, judged.request)
    passing("validate.recorded")
    log.info("lot_judged", lot=desk.batch.id, state=desk.batch.state, requests=len(desk.judged))


def _close(tx: Tx, desk: Desk) -> None:
    batch: Batch = desk.batch
    states = [judged.request.state for judged in desk.judged]
    detail = {state: states.count(state) for state in sorted(set(states))}
    if any(state in _CAN_GO for state in states):
        moves.move(tx, batch, BatchState.VALIDATED, "judged", detail=detail)
        return
    reason = next((f.code for f in desk.archive_findings if f.refuses), None)
    reason = reason or next((j.request.reason for j in desk.judged if j.request.reason), None)
    moves.move(tx, batch, BatchState.REFUSED, reason or "NO_DOCUMENT", detail=detail)


def hold_altered(store: Store, batch: Batch) -> None:
    """The archived bytes of a lot are not those that came: nobody judges them, a person must look."""
    staged.clear(store, batch.id)
    with store.write() as tx:
        moves.move(tx, batch, BatchState.HELD, "lot_altered")
    passing("validate.recorded")
    log.error("lot_altered", lot=batch.id)


def _hold(desk: Desk) -> None:
    """A document that could not be judged holds its whole lot: a person must look."""
    staged.discard(desk.rooms.store, [judged.request.id for judged in desk.judged])
    with desk.rooms.store.write() as tx:
        moves.move(tx, desk.batch, BatchState.HELD, "NOT_JUDGED")
        answers.lot_report(
            tx, desk, [f for j in desk.judged if j.report.verdict == "not_judged" for f in j.report.findings]
        )
    passing("validate.recorded")
    log.warning("lot_held", lot=desk.batch.id)
