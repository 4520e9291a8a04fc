"""Keeps the head of the event chain outside the database, once a day."""

from __future__ import annotations

import structlog

from gateway import anchors
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.store import chain

log = structlog.get_logger()

EVERY = 3600.0  # seconds; the day is what counts


class Anchor:
    """One endpoint: the file of anchors. The log says the same, so that whoever collects logs has a copy."""

    name = "anchor"

    def endpoints(self, _rooms: Rooms) -> list[Endpoint]:
        return [Endpoint("all", EVERY)]

    def run(self, rooms: Rooms, _endpoint: str) -> Outcome:
        file, now = rooms.config.anchors, rooms.clock.now()
        last = anchors.last(file)
        if anchors.of_day(last, now):
            return Outcome()
        with rooms.store.read() as tx:
            head = chain.head(tx)
            kept = last is None or chain.holds(tx, chain.Head(last.events, last.hash))
        if not kept:
            log.error("audit_chain_lost_its_anchor", events=head.events)
            return Outcome()  # a new anchor would make what is there now look right
        anchors.add(file, now, head.events, head.hash)
        log.info("audit_anchor", events=head.events, hash=head.hash)
        return Outcome()
