"""Takes finished files out of an agency's mailbox: archived, recorded, acknowledged, and only then removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from gateway.arrivals import Looks, is_clutter, is_unfinished
from gateway.errors import Gone
from gateway.models import Source
from gateway.ports import WaitingFile
from gateway.registry import Book
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.stages.collect.taker import Taker

log = structlog.get_logger()

POINTS = ("collect.archived", "collect.recorded", "collect.removed")
_FOLDER_EVERY, _SERVER_EVERY = 10.0, 60.0  # seconds between looks where the source does not say
_SETTLE_SECONDS = 5.0  # likewise


class Collect:
    """Endpoint: a source."""

    name = "collect"

    def __init__(self) -> None:
        self._looks: dict[str, Looks] = {}

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        with rooms.store.read() as tx:
            book = Book.load(tx)
        sources = [source for agency in book.agencies() for source in book.sources(agency.id)]
        return [Endpoint(source.id, _every(source)) for source in sources]

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        with rooms.store.read() as tx:
            book = Book.load(tx)
        source = book.source(endpoint)
        with rooms.mailboxes.pickup(source) as pickup:
            waiting = [f for f in pickup.waiting() if not (is_unfinished(f.name) or is_clutter(f.name))]
            taker = Taker(rooms, book, source, pickup)
            return self._look(taker, waiting, rooms.clock.monotonic())

    def _look(self, taker: Taker, waiting: Sequence[WaitingFile], now: float) -> Outcome:
        source, looks = taker.source, self._looks.setdefault(taker.source.id, Looks())
        rule = source.pickup.get("finished") or "settle"
        seconds = float(source.pickup.get("settle_seconds", _SETTLE_SECONDS))
        finished, again_in = looks.finished(waiting, rule, seconds, now)
        refused, sure_in = looks.refused(taker.untold(waiting), seconds, now)
        worked = sum(_guarded(taker.take, source, file) for file in finished)
        worked += sum(_guarded(taker.leave, source, file) for file in refused)
        return Outcome(worked, min((s for s in (again_in, sure_in) if s is not None), default=None))


def _every(source: Source) -> float:
    default = _FOLDER_EVERY if source.pickup.get("kind") == "folder" else _SERVER_EVERY
    return float(source.pickup.get("poll") or default)


def _guarded(act: Callable[[WaitingFile], int], source: Source, file: WaitingFile) -> int:
    """Take one file, or say why not; what is wrong with it stops no other."""
    try:
        return act(file)
    except Gone:
        log.info("file_left", source=source.id)
    except Exception as problem:  # isolation: the next look tries again, the file is still there
        log.error("take_failed", source=source.id, size=file.size, error=type(problem).__name__)
    return 0
