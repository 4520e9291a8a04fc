"""Judges collected lots: a request per document, READY, HELD or REFUSED, with a report for whatever does not go.

Also asks the registry again about what it held before: after a change of the registry, and whenever it looks, so that
a change of day is noticed.
"""

from __future__ import annotations

import structlog

from gateway.clock import today
from gateway.errors import AlteredError
from gateway.models import Batch
from gateway.registry import Book
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.stages.validate import again, lot
from gateway.stages.validate.desk import Desk
from gateway.store import deposits

log = structlog.get_logger()

POINTS = (
    "validate.kept",
    "validate.divided",
    "validate.staged",
    "validate.archived",
    "validate.recorded",
    "validate.asked",
)
EVERY = 600.0  # seconds: how late a change of day may be noticed


class Validate:
    """Endpoint: an agency."""

    name = "validate"

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        with rooms.store.read() as tx:
            return [Endpoint(agency.id, EVERY) for agency in Book.load(tx).agencies()]

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        with rooms.store.read() as tx:
            book = Book.load(tx)
            batches = deposits.collected(tx, endpoint)
        judged = sum(_guarded(rooms, book, batch) for batch in batches)
        return Outcome(judged + again.ask(rooms, book, endpoint))


def _guarded(rooms: Rooms, book: Book, batch: Batch) -> int:
    """Judge one lot; what breaks in it stops no other, and it stays COLLECTED. Held when its bytes are not those that
    came."""
    try:
        lot.judge(Desk(rooms, book, batch, book.source(batch.source_id), today(rooms.clock)))
    except AlteredError:
        lot.hold_altered(rooms.store, batch)
    except Exception as problem:
        log.error("lot_not_judged", lot=batch.id, error=type(problem).__name__)
        return 0
    return 1
