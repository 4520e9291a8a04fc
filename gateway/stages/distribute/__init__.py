"""Delivers what is owed to an agency into the returns of one source: rendered first, never over another file."""

from __future__ import annotations

from contextlib import ExitStack

from gateway.registry import Book
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.stages.distribute.courier import Courier, end_open
from gateway.states import ReplyState
from gateway.store import moves, replies

POINTS = (
    "distribute.rendered",
    "distribute.recorded",
    "distribute.intended",
    "distribute.sent",
    "distribute.delivered",
    "distribute.distributed",
)
_EVERY = 60.0  # seconds between looks nobody asked for


class Distribute:
    """Endpoint: the id of a source."""

    name = "distribute"

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        with rooms.store.read() as tx:
            book, owed = Book.load(tx), replies.sources_owed(tx)
        live = {source.id for agency in book.agencies() for source in book.sources(agency.id)}
        return [Endpoint(source_id, _EVERY) for source_id in sorted(live | owed)]

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        freed, again_in = _free_expired(rooms, endpoint)
        with rooms.store.read() as tx:
            waiting, book = replies.to_distribute(tx, endpoint), Book.load(tx)
        done = 0
        with ExitStack() as boxes:
            courier = Courier(rooms, book, book.source(endpoint), boxes)
            for reply in waiting:
                done += courier.guarded(reply)
                if courier.barred:
                    break
        with rooms.store.read() as tx:
            later = replies.next_try(tx, endpoint)
        retry_in = None if later is None else max((later - rooms.clock.now()).total_seconds(), 0.0)
        return Outcome(freed + done, again_in, retry_in)


def _free_expired(rooms: Rooms, source_id: str) -> tuple[int, float | None]:
    """Take back what a dead worker was delivering; seconds until the next lease ends, if one is alive."""
    freed, waits = 0, []
    with rooms.store.write() as tx:
        for reply in replies.distributing(tx, source_id):
            left = (reply.lease_until - tx.now).total_seconds() if reply.lease_until else 0.0
            if left > 0:
                waits.append(left)
                continue
            end_open(tx, reply, "abandoned")
            moves.move(tx, reply, ReplyState.MATCHED, "lease_expired")
            freed += 1
    return freed, min(waits, default=None)
