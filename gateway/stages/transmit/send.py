"""One request on its way: asked about, intended, looked for, sent; and what each error means for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

import structlog

from gateway.clock import today
from gateway.errors import AlteredError, Conflict, Denied, InDoubt, StaleState, StoreError, TransportError, Unreachable
from gateway.models import Request
from gateway.platform import passing
from gateway.ports import Delivery, Receipt
from gateway.registry import Book, sending
from gateway.stages.transmit.lane import Lane, Stop
from gateway.states import RequestState
from gateway.store import Tx, attempts, lanes, moves, requests, shadow
from gateway.store.attempts import Tried, look

log = structlog.get_logger()


class NotNow(Exception):
    """Just before the commit, the request may no longer go."""

    def __init__(self, codes: list[str]) -> None:
        super().__init__(", ".join(codes))
        self.codes = codes


class _NotOurs(Exception):
    """Just before the commit, the lease was no longer ours."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A try that is committed: which attempt, under which fencing number."""

    request: Request
    tried: Tried
    fence: int


def send(lane: Lane, delivery: Delivery, request: Request) -> int:
    """Bring one request to the payer; 1 when something was done. Raises Stop or Denied when the lane must rest."""
    try:
        intent = _intend(lane, request)
    except StaleState:  # a person held or cancelled it meanwhile
        return 0
    if intent is None:
        return 0
    passing("transmit.intended")
    try:
        receipt = _deliver(lane, delivery, intent)
    except _NotOurs:
        raise Stop from None
    except Exception as problem:
        try:
            _failed(lane, intent, problem)
        except StaleState:  # someone else took it on: it is theirs
            raise Stop from problem
        return 1
    passing("transmit.sent")
    lane.delivered(request, intent.tried, receipt)
    return 1


def _intend(lane: Lane, request: Request) -> Intent | None:
    """Ask once more whether it may go, then commit the intent: TRANSMITTING, and an Attempt row."""
    with lane.rooms.store.write() as tx:
        if lanes.awaits_another(tx, request) or shadow.of(tx, request):
            return None
        if codes := objections(lane, tx, request):
            requests.to_held(tx, request, codes)
            return None
        number = request.attempts + 1
        seconds = lane.rooms.config.gateway.lease_seconds
        fence = moves.take(
            tx,
            request,
            RequestState.TRANSMITTING,
            "sending",
            owner=lane.rooms.worker,
            seconds=seconds,
            attempts=number,
            next_try_at=None,
        )
        name, size, sha256 = wire(request)
        attempt = attempts.begin(
            tx, request.id, number=number, name=name, size=size, sha256=sha256, owner=lane.rooms.worker, fence=fence
        )
        return Intent(request, Tried(attempt.id, 0), fence)


def objections(lane: Lane, tx: Tx, request: Request) -> list[str]:
    """What the registry says against it, now."""
    rooms = lane.rooms
    claims = [sending.Claim(*claim) for claim in requests.claims(tx, request.id)]
    answer = sending.ask(Book.load(tx), rooms.config, rooms.catalog, request, claims, today(rooms.clock))
    return answer.codes


def _deliver(lane: Lane, delivery: Delivery, intent: Intent) -> Receipt:
    name, size, sha256 = wire(intent.request)
    with whole(lane, intent.request) as source:  # looked at before the payer is
        counted = cast(BinaryIO, _Counted(source, intent.tried))
        found = looked(lane, delivery, intent.request, intent.tried)
        return found or delivery.send(name, counted, size, sha256, lambda: _last_question(lane, intent))


@contextmanager
def whole(lane: Lane, request: Request) -> Iterator[BinaryIO]:
    """The archived bytes that go, at their beginning, hashed as they lie there. Raises NotNow."""
    try:
        opened = lane.rooms.archive.open(request.wire_ref or "")
    except AlteredError as problem:
        raise NotNow(["bytes_changed"]) from problem
    except StoreError as problem:
        raise NotNow(["not_readable"]) from problem
    with opened as source:
        if not _is_whole(source, wire(request)[2]):
            raise NotNow(["bytes_changed"])
        source.seek(0)
        yield source


def looked(lane: Lane, delivery: Delivery, request: Request, tried: Tried | None) -> Receipt | None:
    """Is it there already? What was seen is kept with the attempt. Raises like `Delivery.look`."""
    looks = tried.looks if tried is not None else []
    now = lane.rooms.clock.now()
    try:
        found = delivery.look(*wire(request))
    except Conflict:
        looks.append(look(now, "other_bytes"))
        lane.visit.reached = True
        raise
    lane.visit.reached = True
    looks.append(look(now, "there" if found else "absent", found))
    return found


class _Counted:
    """Bytes for a channel, counted as it takes them: they are what may have left."""

    def __init__(self, source: BinaryIO, tried: Tried) -> None:
        self._source, self._tried = source, tried

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._tried.sent = (self._tried.sent or 0) + len(data)
        return data


def _is_whole(source: BinaryIO, sha256: str) -> bool:
    try:
        return _sha256(source) == sha256
    except AlteredError:  # a sealed frame that does not open
        return False


def _sha256(source: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := source.read(1 << 18):
        digest.update(block)
    return digest.hexdigest()


def _last_question(lane: Lane, intent: Intent) -> None:
    """Between the last byte and the rename: is the lease still ours, and may it still go?"""
    with lane.rooms.store.read() as tx:
        request = requests.get(tx, intent.request.id)
        if (
            request is None
            or (request.state, request.fence) != (RequestState.TRANSMITTING, intent.fence)
            or request.lease_until is None
            or request.lease_until <= tx.now
        ):
            raise _NotOurs
        codes = [shadow.SHADOW] if shadow.of(tx, request) else objections(lane, tx, request)
    if codes:
        raise NotNow(codes)


def _failed(lane: Lane, intent: Intent, problem: Exception) -> None:
    """What an error means for the request; then for the lane."""
    log.warning("request_not_sent", request=intent.request.id, error=type(problem).__name__)
    match problem:
        case NotNow():
            lane.hold(intent.request, problem.codes, intent.tried)
        case AlteredError():  # found out while it was read: nothing became visible
            lane.hold(intent.request, ["bytes_changed"], intent.tried)
        case Conflict():
            lane.hold(intent.request, [problem.code], intent.tried)
        case Denied() if passes(problem):
            lane.retry(intent.request, problem.code, intent.tried)
            raise Stop from problem
        case Denied():
            lane.hold(intent.request, [problem.code], intent.tried)
            raise problem
        case Unreachable() | StoreError():  # our database failed before the commit: nothing became visible
            lane.retry(intent.request, getattr(problem, "code", "store_failed"), intent.tried)
            raise Stop from problem
        case InDoubt():
            lane.in_doubt(intent.request, problem.code, intent.tried)
            raise Stop from problem
        case TransportError():  # refused before anything became visible
            lane.hold(intent.request, [problem.code], intent.tried)
        case _:  # a bug in an adapter: nobody can say how far it came
            lane.in_doubt(intent.request, "failed", intent.tried)
            raise Stop from problem


def passes(problem: Denied) -> bool:
    """Whether we keep ourselves out for a while: for an hour at most, so that no account is ever locked by our tries,
    or until a password past its term is changed."""
    return problem.code in ("attempts_spent", "change_first", "answer_unread")


def wire(request: Request) -> tuple[str, int, str]:
    """Name, size and hash of what goes."""
    return request.wire_name or "", request.wire_size or 0, request.wire_sha256 or ""
