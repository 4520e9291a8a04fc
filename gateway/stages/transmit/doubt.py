"""Resolves what is in doubt: a request that may be at the payer is looked for a few times while it is held.

Three answers. *Delivered*: it lies there whole. *Not delivered*: it does not, and the payer leaves deposits where they
are. *A person*: it does not, and the payer may have taken it away. An answer that comes in the meantime settles it as
well (stages/match). Nothing is ever sent from here.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from gateway.errors import Conflict, Denied, StaleState, TransportError
from gateway.models import Request
from gateway.ports import Delivery
from gateway.retry import WAITS, wait_before
from gateway.stages.transmit.lane import Lane, Stop, spread
from gateway.stages.transmit.send import looked
from gateway.states import RequestState
from gateway.store import attempts, moves, requests
from gateway.store.attempts import Tried

IN_DOUBT = "in_doubt"
MOST = len(WAITS)  # looks after the attempt; then a person decides, and may ask for another look


def doubtful(lane: Lane) -> list[Request]:
    """HELD for nothing but doubt, and due to be looked for."""
    now = lane.rooms.clock.now()
    held = (r for r in lane.in_state(RequestState.HELD) if r.holds == [IN_DOUBT])
    return [r for r in held if r.next_try_at is not None and r.next_try_at <= now]


def resolve(lane: Lane, delivery: Delivery, request: Request) -> int:
    """Look once, and decide. 1 when it was decided. Raises Stop when looking is impossible, and Denied."""
    seen = Tried("")
    try:
        receipt = looked(lane, delivery, request, seen)
        if receipt is None:
            return _absent(lane, request, seen)
        with lane.rooms.store.write() as tx:
            attempts.looked(tx, request.id, seen.looks[-1])
        lane.delivered(request, None, receipt, "proved_delivered")
    except StaleState:  # its answer came, or a person decided
        return 0
    except Conflict as problem:
        return _decided(lane, request, seen, problem.code)
    except TransportError as problem:
        _later(lane, request)
        if isinstance(problem, Denied):
            raise
        raise Stop from problem
    return 1


def _later(lane: Lane, request: Request) -> None:
    """Nobody could look: not again at every poll, which may cost a login each."""
    with suppress(StaleState), lane.rooms.store.write() as tx:
        requests.look_again(tx, request, tx.now + timedelta(seconds=WAITS[-1]))


def _decided(lane: Lane, request: Request, seen: Tried, code: str) -> int:
    try:
        with lane.rooms.store.write() as tx:
            attempts.looked(tx, request.id, seen.looks[-1])
            requests.reheld(tx, request, [code], code, next_try_at=None)
    except StaleState:
        return 0
    return 1


def _absent(lane: Lane, request: Request, seen: Tried) -> int:
    """Nothing lies there: it proves something only where the payer's facts say so, and they may have been learned since
    the request was held."""
    with lane.rooms.store.write() as tx:
        looks = attempts.looked(tx, request.id, seen.looks[-1])
        if lane.repeats_harmlessly(request):
            moves.move(tx, request, RequestState.READY, "proved_absent", holds=[], next_try_at=None)
            return 1
        requests.look_again(tx, request, _next(tx.now, request, looks))
    return 0


def _next(now: datetime, request: Request, looks: int) -> datetime | None:
    return now + wait_before(looks, spread(request)) if looks <= MOST else None
