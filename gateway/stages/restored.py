"""After a restoration: every request that would go is asked about at its payer first, and none goes a second time.

Between the backup and the loss the house may have sent what the restored database calls READY. What the payer shows is
recorded as delivered. What it does not show goes again only where that is harmless by a declared fact of the payer: it
keeps deposits where they can be seen (`deposits = "keeps"`), or answers a repeat with its first answer. Everything else
is held until a person decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

import structlog

from gateway.config import PayerConfig
from gateway.errors import Conflict, GatewayError, StaleState, TransportError
from gateway.identifiers import lane, of_lane
from gateway.models import Batch, Request
from gateway.platform import passing
from gateway.ports import Delivery, Receipt
from gateway.stages import Rooms
from gateway.states import BatchState, RequestState
from gateway.store import attempts, moves, requests, shadow
from gateway.store import backups as rows

log = structlog.get_logger()
POINTS = ("restored.asked", "restored.decided")
HOLD = "restored"  # the hold's code: whoever releases in spite of it has asked the payer another way


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one request. `verdict`: there (it went; recorded as delivered), goes (again: harmless), held (it
    may have gone; a person decides). `asked`: whether the payer could be asked."""

    request: Request
    verdict: str
    asked: bool
    receipt: Receipt | None = None


def ask(rooms: Rooms) -> Iterator[Asked]:
    """Look at each payer for what might be there already, lane by lane. Changes nothing."""
    with rooms.store.read() as tx:
        # What is never sent cannot go twice, and nobody may log in for an agency in shadow.
        doubtful = [request for request in rows.doubtful(tx) if not shadow.of(tx, request)]
    for where, group in groupby(doubtful, key=lambda request: lane(str(request.payer), str(request.number))):
        payer, number = of_lane(where)
        if payer in rooms.config.payer_names:
            yield from _lane(rooms, rooms.config.payer(payer), number, list(group))
        else:
            yield from (Asked(request, "held", False) for request in group)


def decide(rooms: Rooms, asked: Asked) -> None:
    """Record what was found out about one request. One that moved meanwhile is left alone."""
    passing("restored.asked")
    with suppress(StaleState), rooms.store.write() as tx:
        request = asked.request
        if asked.verdict == "there" and asked.receipt is not None:
            made = attempts.begin(
                tx,
                request.id,
                number=request.attempts + 1,
                name=request.wire_name or "",
                size=request.wire_size or 0,
                sha256=request.wire_sha256 or "",
                owner=rooms.worker,
                fence=request.fence,
            )
            attempts.end(tx, made.id, "already_there", asked.receipt)
            within = timedelta(seconds=rooms.config.payer(str(request.payer)).reply_within)
            changes: dict[str, Any] = {"attempts": request.attempts + 1, "holds": [], "answer_by": tx.now + within}
            moves.move(tx, request, RequestState.TRANSMITTED, "already_there", transmitted_at=tx.now, **changes)
        elif asked.verdict == "held" and request.state == RequestState.HELD:
            if HOLD not in request.holds:
                requests.reheld(tx, request, [*request.holds, HOLD], HOLD)
        elif asked.verdict == "held":
            requests.to_held(tx, request, [HOLD])
    passing("restored.decided")


def hold_unjudged(rooms: Rooms) -> list[Batch]:
    """Lots that were not judged yet when the backup was made may have gone since: where a payer of this house cannot be
    asked about it, a person lets them be judged again. Gives those that are held now."""
    if all(_harmless(payer, format_) for payer in rooms.config.payers for format_ in payer.formats):
        return []
    with rooms.store.write() as tx:
        waiting = rows.unjudged(tx)
        for batch in waiting:
            moves.move(tx, batch, BatchState.HELD, HOLD)
    return waiting


def _lane(rooms: Rooms, payer: PayerConfig, number: str, group: list[Request]) -> Iterator[Asked]:
    done: set[str] = set()
    try:
        with rooms.mailboxes.payer_deposit(payer.name, number) as delivery:
            for request in group:
                found = _look(delivery, payer, request)
                done.add(request.id)
                yield found
    except (GatewayError, OSError) as problem:
        log.warning("payer_not_asked", payer=payer.name, number=number, error=type(problem).__name__)
    yield from (_unasked(payer, request) for request in group if request.id not in done)


def _look(delivery: Delivery, payer: PayerConfig, request: Request) -> Asked:
    try:
        receipt = delivery.look(request.wire_name or "", request.wire_size or 0, request.wire_sha256 or "")
    except Conflict:
        return Asked(request, "held", True)
    except TransportError:
        return _unasked(payer, request)
    if receipt is not None:
        return Asked(request, "there", True, receipt)
    return Asked(request, "goes" if _harmless(payer, request.format or "") else "held", True)


def _unasked(payer: PayerConfig, request: Request) -> Asked:
    """Where a repeat is harmless, `transmit` will look again before it sends."""
    return Asked(request, "goes" if _harmless(payer, request.format or "") else "held", False)


def _harmless(payer: PayerConfig, format_: str) -> bool:
    return payer.deposits == "keeps" or payer.repeat_fact(format_) == "first_answer"
