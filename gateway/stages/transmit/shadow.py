"""What is never sent: requests of an agency in shadow, brought as far as the payer's door and set aside there.

Everything is done but sending: the registry is asked, the order is kept, the bytes are read back from the archive and
hashed. No mailbox is opened and no password is used, so that the gateway that does send is not disturbed.
"""

from __future__ import annotations

from gateway.clock import today
from gateway.errors import StaleState
from gateway.models import Request
from gateway.registry import Book
from gateway.stages.transmit import unclear
from gateway.stages.transmit.lane import Lane
from gateway.stages.transmit.send import NotNow, objections, whole, wire
from gateway.states import RequestState
from gateway.store import lanes, moves, requests, shadow


def barred(lane: Lane) -> bool:
    """Whether nobody may log in under this lane's number: the agency that holds it is in shadow."""
    with lane.rooms.store.read() as tx:
        return Book.load(tx).in_shadow(lane.payer.name, lane.number, today(lane.rooms.clock))


def set_aside(lane: Lane) -> int:
    """SHADOWED: every READY request that is never sent. Give how many were decided about."""
    with lane.rooms.store.read() as tx:
        never = shadow.ready(tx, lane.payer.name, lane.number)
    return sum(_one(lane, request) for request in never)


def _one(lane: Lane, request: Request) -> int:
    try:
        with whole(lane, request):
            pass
        codes: list[str] = []
    except NotNow as problem:
        codes = problem.codes
    try:
        with lane.rooms.store.write() as tx:
            if lanes.awaits_another(tx, request):
                return 0
            if found := codes or objections(lane, tx, request):
                requests.to_held(tx, request, found)
            else:
                name, size, sha256 = wire(request)
                would = {"name": name, "size": size, "sha256": sha256}
                moves.move(tx, request, RequestState.SHADOWED, "shadow", detail=would, next_try_at=None)
    except StaleState:  # a person held or cancelled it meanwhile
        return 0
    return 1


def give_up(lane: Lane) -> int:
    """What a dead worker was sending when the agency went into shadow: nobody may look for it now."""
    left = unclear.left_behind(lane)
    for request in left:
        lane.hold(request, ["in_doubt"], unclear.tried(lane, request), "abandoned")
    return len(left)
