"""One lane: what goes next on it, and how a try at one of its requests ended."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cache, partial
from itertools import takewhile

import structlog

from gateway.breakers import Visit
from gateway.config import PayerConfig
from gateway.deadlines import last_day
from gateway.errors import StaleState
from gateway.identifiers import lane, new_id
from gateway.models import Reply, Request
from gateway.platform import passing
from gateway.ports import Receipt
from gateway.retry import wait_before
from gateway.stages import Rooms
from gateway.states import ReplyState, RequestState
from gateway.store import Tx, attempts, due, lanes, moves, requests
from gateway.store.attempts import Tried

log = structlog.get_logger()

TURN_REQUESTS, TURN_BYTES = 20, 32 << 20  # what a lane sends before it looks whether others wait


class Stop(Exception):
    """Nothing more can go on this lane for now."""


class Lane:
    """One transmission number at one payer, for one run."""

    def __init__(self, rooms: Rooms, payer: PayerConfig, number: str) -> None:
        self.rooms, self.payer, self.number = rooms, payer, number
        self.visit = Visit()  # of the payer's mailbox
        self.gave_way = False
        self._sent = self._bytes = 0

    def sent(self, request: Request) -> None:
        """One more of this run."""
        self._sent, self._bytes = self._sent + 1, self._bytes + (request.wire_size or 0)

    def gives_way(self) -> bool:
        """Whether its turn is over and others wait: a lane with much to send delays nobody with little."""
        if self._sent >= TURN_REQUESTS or self._bytes >= TURN_BYTES:
            with self.rooms.store.read() as tx:
                self.gave_way = bool(due.ready(tx, self.rooms.clock.now()))
        return self.gave_way

    def in_state(self, state: RequestState) -> list[Request]:
        """The lane's requests in that state, in their order."""
        with self.rooms.store.read() as tx:
            return lanes.in_state(tx, self.payer.name, self.number, state)

    def next_ones(self) -> list[Request]:
        """The READY requests that may be tried now, the earliest limit first: nothing overtakes one that waits for its
        next try, nor one that a worker who may still live is sending."""
        now = self.rooms.clock.now()
        if any(r.lease_until is not None and r.lease_until > now for r in self.in_state(RequestState.TRANSMITTING)):
            return []
        ready = self._by_limit(self.in_state(RequestState.READY))
        return list(takewhile(lambda r: not r.next_try_at or r.next_try_at <= now, ready))

    def _by_limit(self, ready: list[Request]) -> list[Request]:
        """The earliest last day of any invoice goes first; what has none keeps its order behind."""
        if len(ready) < 2:
            return ready
        with self.rooms.store.read() as tx:
            services = lanes.oldest_services(tx, self.payer.name, self.number)
        last: dict[str, date] = {}
        of = cache(partial(last_day, self.rooms.catalog))
        for id_, format_, practice, service in services:
            day = of(format_, practice, service)
            if day is not None:
                last[id_] = min(day, last.get(id_, day))
        return sorted(ready, key=lambda request: last.get(request.id, date.max))

    def rests_for(self) -> float | None:
        """Seconds until a failed request is tried again, one in doubt is looked for, or a dead worker's lease ends."""
        now = self.rooms.clock.now()
        moments = [request.next_try_at for request in self.in_state(RequestState.READY)]
        moments += [request.next_try_at for request in self.in_state(RequestState.HELD)]  # looks at what is in doubt
        moments += [request.lease_until for request in self.in_state(RequestState.TRANSMITTING)]
        return min(((m - now).total_seconds() for m in moments if m is not None and m > now), default=None)

    def delivered(self, request: Request, tried: Tried | None, receipt: Receipt, why: str = "") -> None:
        """It is there, whole: record the receipt, and the answer of a channel that answers at once. `why`: the event's
        reason, where it is not how it got there."""
        reply = self._keep_answer(receipt)
        how = "already_there" if receipt.already else "delivered"
        with self.rooms.store.write() as tx:
            if tried is not None:
                attempts.end(tx, tried, how, receipt)
            due_at = tx.now + timedelta(seconds=self.payer.reply_within)
            with suppress(StaleState):  # its answer came before we could say so; the receipt is kept all the same
                moves.move(
                    tx,
                    request,
                    RequestState.TRANSMITTED,
                    why or how,
                    transmitted_at=tx.now,
                    answer_by=due_at,
                    holds=[],
                    next_try_at=None,
                )
            if reply is not None:
                reply.created_at = tx.now
                moves.born(tx, reply, "answered_at_once")
                due.wake(tx, "match", lane(self.payer.name, self.number))
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

    def hold(
        self,
        request: Request,
        codes: list[str],
        tried: Tried | None,
        outcome: str | None = None,
        look_at: datetime | None = None,
    ) -> None:
        """A person, the registry or a date must change first. `outcome` of the attempt: the first code otherwise.
        `look_at`: when to look for it at the payer again, while it is held."""
        with self.rooms.store.write() as tx:
            _end(tx, tried, outcome or codes[0])
            requests.to_held(tx, request, codes, next_try_at=look_at)
        passing("transmit.failed")

    def retry(self, request: Request, code: str, tried: Tried | None, *, wait: bool = True) -> None:
        """READY again, after a wait that grows with the tries."""
        with self.rooms.store.write() as tx:
            _end(tx, tried, code)
            until = tx.now + wait_before(request.attempts, spread(request)) if wait else None
            moves.move(tx, request, RequestState.READY, code, next_try_at=until)
        passing("transmit.failed")

    def in_doubt(self, request: Request, code: str, tried: Tried | None, *, wait: bool = True) -> None:
        """It may be there, it may not. Sending again only where the payer's facts allow it; else held, and looked for
        again a few times (see `doubt`)."""
        if self.repeats_harmlessly(request):
            self.retry(request, code, tried, wait=wait)
        else:
            first = self.rooms.clock.now() + wait_before(1, spread(request))
            self.hold(request, ["in_doubt"], tried, code, first)

    def repeats_harmlessly(self, request: Request) -> bool:
        """Whether a try that left no trace may be followed by another one: the payer leaves deposits where they are, so
        that absence proves that nothing came; or it answers the same document with its first answer."""
        return self.payer.deposits == "keeps" or self.payer.repeat_fact(request.format or "") == "first_answer"

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


def spread(request: Request) -> float:
    """0..1: the same for a request each time, different between them."""
    return int(request.sha256[:2] or "0", 16) / 255


def _end(tx: Tx, tried: Tried | None, outcome: str) -> None:
    if tried is not None:
        attempts.end(tx, tried, outcome)
