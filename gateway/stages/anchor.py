"""Keeps the head of the event chain outside the database, once a day."""

from __future__ import annotations

import structlog

from gateway import anchors, channels
from gateway.errors import GatewayError
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.store import chain, due, outbox

log = structlog.get_logger()

EVERY = 3600.0  # seconds; the day is what counts


class LostAnchor(GatewayError):
    """The chain no longer has what an anchor says of it."""


class Anchor:
    """One endpoint: the file of anchors, and whoever is sent them. The log says the same, so that whoever collects logs
    has a copy."""

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
            raise LostAnchor  # a new anchor would make what is there now look right
        sent_to = [name for name in channels.names(rooms.config) if name.startswith("anchor:")]
        if sent_to:
            with rooms.store.write() as tx:
                for name in sent_to:
                    outbox.write(tx, name, "anchor", {"at": now.isoformat(), "events": head.events, "hash": head.hash})
                    due.wake(tx, "tell", name)
        anchors.add(file, now, head.events, head.hash)
        log.info("audit_anchor", events=head.events, hash=head.hash)
        return Outcome()
