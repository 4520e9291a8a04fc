"""What nobody knows the end of: tries whose worker died, requests the payer never answered, doors that were shut."""

from __future__ import annotations

from gateway.errors import Conflict, Denied, StaleState, TransportError
from gateway.models import Attempt, Request
from gateway.platform import passing
from gateway.ports import Delivery
from gateway.stages.transmit.lane import Lane, Stop
from gateway.stages.transmit.send import looked
from gateway.states import RequestState
from gateway.store import attempts, lanes, moves, requests
from gateway.store.attempts import Tried

# Holds that end when the credential was given or changed since; a login proves nothing about a folder's permissions.
_BY_PASSWORD = frozenset(
    {
        "password_missing",
        "password_locked",
        "password_expired",
        "password_revoked",
        "password_must_change",
        "change_unresolved",
        "answer_unreadable",
    }
)
SHUT_OUT = _BY_PASSWORD | {Denied.code}


def overdue(lane: Lane) -> int:
    """TRANSMITTED, and the answer has not come in time: one repeat where the payer gives its first answer again."""
    with lane.rooms.store.read() as tx:
        late = lanes.overdue(tx, lane.payer.name, lane.number, tx.now)
    for request in late:
        repeat = request.repeats == 0 and lane.payer.repeat_fact(request.format or "") == "first_answer"
        try:
            with lane.rooms.store.write() as tx:
                if repeat:
                    moves.move(tx, request, RequestState.READY, "repeat", repeats=1, answer_by=None)
                else:
                    requests.to_held(tx, request, ["no_reply"])
        except StaleState:  # the answer came
            continue
    return len(late)


def let_in_again(lane: Lane) -> int:
    """HELD because nobody was let in: READY again once the credential was given or changed."""
    shut_out = [r for r in lane.in_state(RequestState.HELD) if r.holds and set(r.holds) <= SHUT_OUT]
    freed = 0
    for request in shut_out:
        with lane.rooms.store.write() as tx:
            proof = set(request.holds) <= _BY_PASSWORD
            if lanes.opened_again(tx, lane.payer.name, lane.number, lanes.since(tx, request), proof=proof):
                moves.move(tx, request, RequestState.READY, "let_in_again", holds=[], next_try_at=None)
                freed += 1
    return freed


def left_behind(lane: Lane) -> list[Request]:
    """TRANSMITTING under a lease that ended: its worker died, or is no longer believed to live."""
    now = lane.rooms.clock.now()
    sent = lane.in_state(RequestState.TRANSMITTING)
    return [request for request in sent if request.lease_until is None or request.lease_until <= now]


def tried(lane: Lane, request: Request) -> Tried | None:
    """The attempt whose end nobody wrote down."""
    with lane.rooms.store.read() as tx:
        attempt: Attempt | None = attempts.unfinished(tx, request.id)
    return Tried(attempt.id) if attempt else None


def settle(lane: Lane, delivery: Delivery, request: Request) -> int:
    """Look whether it came through; if not, what the payer's facts allow. Raises Stop when looking is impossible."""
    seen = tried(lane, request)
    try:
        receipt = looked(lane, delivery, request, seen)
    except Conflict as problem:
        lane.hold(request, [problem.code], seen)
        return 1
    except Denied:
        raise
    except TransportError as problem:
        raise Stop from problem
    passing("transmit.sent")
    try:
        if receipt is not None:
            lane.delivered(request, seen, receipt)
        else:
            # The payer can be reached, and looking told what there is to know: no reason to wait.
            lane.in_doubt(request, "abandoned", seen, wait=False)
    except StaleState:  # its answer came meanwhile, or its worker lives after all
        return 0
    return 1
