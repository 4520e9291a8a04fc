"""One lane: each request asked about, intended, looked for, sent, recorded; and what each error means for it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile

import structlog

from gateway.clock import today
from gateway.config import PayerConfig
from gateway.errors import Conflict, Denied, InDoubt, StaleState, StoreError, TransportError, Unreachable
from gateway.identifiers import new_id
from gateway.models import Reply, Request
from gateway.platform import passing
from gateway.ports import Delivery, Receipt
from gateway.registry import sending
from gateway.registry.book import Book
from gateway.retry import wait_before
from gateway.stages import Rooms
from gateway.states import ReplyState, RequestState
from gateway.store import Tx, attempts, due, lanes, moves, requests

log = structlog.get_logger()


class Stop(Exception):
    """Nothing more can go on this lane for now."""


class _NotNow(Exception):
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
    attempt: str
    fence: int


class Lane:
    """One transmission number at one payer, for one run."""

    def __init__(self, rooms: Rooms, payer: PayerConfig, number: str) -> None:
        self.rooms, self.payer, self.number = rooms, payer, number

    def in_state(self, state: RequestState) -> list[Request]:
        """The lane's requests in that state, in their order."""
        with self.rooms.store.read() as tx:
            return lanes.in_state(tx, self.payer.name, self.number, state)

    def next_ones(self) -> list[Request]:
        """The READY requests that may be tried now, in order: nothing overtakes one that waits for its next try, nor
        one that a worker who may still live is sending."""
        now = self.rooms.clock.now()
        if any(r.lease_until is not None and r.lease_until > now for r in self.in_state(RequestState.TRANSMITTING)):
            return []
        return list(takewhile(lambda r: not r.next_try_at or r.next_try_at <= now, self.in_state(RequestState.READY)))

    def rests_for(self) -> float | None:
        """Seconds until a failed request is tried again, or a dead worker's lease ends."""
        now = self.rooms.clock.now()
        moments = [request.next_try_at for request in self.in_state(RequestState.READY)]
        moments += [request.lease_until for request in self.in_state(RequestState.TRANSMITTING)]
        return min(((m - now).total_seconds() for m in moments if m is not None and m > now), default=None)

    # -- one request --

    def send(self, delivery: Delivery, request: Request) -> int:
        """Bring one request to the payer; 1 when something was done. Raises Stop or Denied when the lane must rest."""
        try:
            intent = self._intend(request)
        except StaleState:  # a person held or cancelled it meanwhile
            return 0
        if intent is None:
            return 0
        passing("transmit.intended")
        try:
            receipt = self._deliver(delivery, intent)
        except _NotOurs:
            raise Stop from None
        except Exception as problem:
            self._failed(intent, problem)
            return 1
        passing("transmit.sent")
        self.delivered(request, intent.attempt, receipt)
        return 1

    def _intend(self, request: Request) -> Intent | None:
        """Ask once more whether it may go, then commit the intent: TRANSMITTING, and an Attempt row."""
        with self.rooms.store.write() as tx:
            if lanes.awaits_another(tx, request):
                return None
            if codes := self._objections(tx, request):
                requests.to_held(tx, request, codes)
                return None
            number = request.attempts + 1
            seconds = self.rooms.config.gateway.lease_seconds
            fence = moves.take(
                tx,
                request,
                RequestState.TRANSMITTING,
                "sending",
                owner=self.rooms.worker,
                seconds=seconds,
                attempts=number,
                next_try_at=None,
            )
            name, size, sha256 = _wire(request)
            attempt = attempts.begin(
                tx, request.id, number=number, name=name, size=size, sha256=sha256, owner=self.rooms.worker, fence=fence
            )
            return Intent(request, attempt.id, fence)

    def _objections(self, tx: Tx, request: Request) -> list[str]:
        """What the registry says against it, now."""
        rooms = self.rooms
        accounts = requests.accounts(tx, [request.id]).get(request.id, set())
        answer = sending.ask(Book.load(tx), rooms.config, rooms.catalog, request, accounts, today(rooms.clock))
        return answer.codes

    def _deliver(self, delivery: Delivery, intent: Intent) -> Receipt:
        name, size, sha256 = _wire(intent.request)
        try:
            opened = self.rooms.archive.open(intent.request.wire_ref or "")
        except StoreError as problem:
            raise _NotNow(["not_readable"]) from problem
        with opened as source:
            found = delivery.look(name, size, sha256)
            return found or delivery.send(name, source, size, sha256, lambda: self._last_question(intent))

    def _last_question(self, intent: Intent) -> None:
        """Between the last byte and the rename: is the lease still ours, and may it still go?"""
        with self.rooms.store.read() as tx:
            request = requests.get(tx, intent.request.id)
            if (
                request is None
                or (request.state, request.fence) != (RequestState.TRANSMITTING, intent.fence)
                or request.lease_until is None
                or request.lease_until <= tx.now
            ):
                raise _NotOurs
            codes = self._objections(tx, request)
        if codes:
            raise _NotNow(codes)

    # -- how it ended --

    def delivered(self, request: Request, attempt: str | None, receipt: Receipt) -> None:
        """It is there, whole: record the receipt, and the answer of a channel that answers at once."""
        reply = self._keep_answer(receipt)
        with self.rooms.store.write() as tx:
            if attempt is not None:
                attempts.end(tx, attempt, "already_there" if receipt.already else "delivered", receipt)
            moves.move(
                tx,
                request,
                RequestState.TRANSMITTED,
                "already_there" if receipt.already else "delivered",
                transmitted_at=tx.now,
                answer_by=tx.now + timedelta(seconds=self.payer.reply_within),
            )
            if reply is not None:
                reply.created_at = tx.now
                moves.born(tx, reply, "answered_at_once")
                due.wake(tx, "match", f"{self.payer.name}:{self.number}")
        passing("transmit.recorded")
        log.info("request_transmitted", request=request.id, already=receipt.already)

    def _keep_answer(self, receipt: Receipt) -> Reply | None:
        if receipt.reply is None:
            return None
        reply_id = new_id("RET")
        stored = self.rooms.archive.put(reply_id, io.BytesIO(receipt.reply))
        passing("transmit.answered")
        return Reply(
            id=reply_id,
            kind="unknown",
            state=ReplyState.RECEIVED,
            payer=self.payer.name,
            number=self.number,
            name=receipt.reply_name or f"{receipt.name.rpartition('.')[0]}.recev.xml",
            size=stored.size,
            sha256=stored.sha256,
            archive_ref=stored.ref,
            created_at=self.rooms.clock.now(),
        )

    def _failed(self, intent: Intent, problem: Exception) -> None:
        """What an error means for the request; then for the lane."""
        log.warning("request_not_sent", request=intent.request.id, error=type(problem).__name__)
        match problem:
            case _NotNow():
                self.hold(intent.request, problem.codes, intent.attempt)
            case Conflict():
                self.hold(intent.request, [problem.code], intent.attempt)
            case Denied():
                self.hold(intent.request, [problem.code], intent.attempt)
                raise problem
            case Unreachable() | StoreError():  # our database failed before the commit: nothing became visible
                self.retry(intent.request, getattr(problem, "code", "store_failed"), intent.attempt)
                raise Stop from problem
            case InDoubt():
                self.in_doubt(intent.request, problem.code, intent.attempt)
                raise Stop from problem
            case TransportError():  # refused before anything became visible
                self.hold(intent.request, [problem.code], intent.attempt)
            case _:  # a bug in an adapter: nobody can say how far it came
                self.in_doubt(intent.request, "failed", intent.attempt)
                raise Stop from problem

    def hold(self, request: Request, codes: list[str], attempt: str | None, outcome: str | None = None) -> None:
        """A person, the registry or a date must change first. `outcome` of the attempt: the first code otherwise."""
        with self.rooms.store.write() as tx:
            _end(tx, attempt, outcome or codes[0])
            requests.to_held(tx, request, codes)
        passing("transmit.failed")

    def retry(self, request: Request, code: str, attempt: str | None, *, wait: bool = True) -> None:
        """READY again, after a wait that grows with the tries."""
        spread = int(request.sha256[:2] or "0", 16) / 255  # the same for a request each time, different between them
        with self.rooms.store.write() as tx:
            _end(tx, attempt, code)
            until = tx.now + wait_before(request.attempts, spread) if wait else None
            moves.move(tx, request, RequestState.READY, code, next_try_at=until)
        passing("transmit.failed")

    def in_doubt(self, request: Request, code: str, attempt: str | None, *, wait: bool = True) -> None:
        """It may be there, it may not. Looking again, or sending again, only where the payer's facts allow it."""
        harmless = self.payer.repeat_fact(request.format or "") == "first_answer"
        if self.payer.deposits == "keeps" or harmless:
            self.retry(request, code, attempt, wait=wait)
        else:
            self.hold(request, ["in_doubt"], attempt, code)

    def hold_all(self, code: str) -> int:
        """Nobody is let in under this number: everything that is READY waits for a person or a new password."""
        ready = self.in_state(RequestState.READY)
        self._hold_each(ready, code)
        log.warning("lane_denied", payer=self.payer.name, number=self.number, code=code, requests=len(ready))
        return len(ready)

    def _hold_each(self, ready: Iterable[Request], code: str) -> None:
        for request in ready:
            try:
                self.hold(request, [code], None)
            except StaleState:
                continue


def _end(tx: Tx, attempt: str | None, outcome: str) -> None:
    if attempt is not None:
        attempts.end(tx, attempt, outcome)


def _wire(request: Request) -> tuple[str, int, str]:
    """Name, size and hash of what goes."""
    return request.wire_name or "", request.wire_size or 0, request.wire_sha256 or ""
