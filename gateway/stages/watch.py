"""Watches the gateway itself: raises, adds to and resolves alerts, and wakes whoever tells them."""

from __future__ import annotations

import structlog

from gateway import watch
from gateway.alerts import reconcile
from gateway.processes import give_back_memory
from gateway.registry import Book
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.store import alerts, due
from gateway.watch import Look, flow, limits, machine, mailboxes, passwords, silence
from gateway.watch.history import History

OFTEN, SELDOM = 60.0, 3600.0  # seconds
log = structlog.get_logger()


class Watch:
    """Two endpoints: what costs a few counts, and what looks at open invoices, arrivals and the history."""

    name = "watch"

    def __init__(self) -> None:
        self._sources = {
            "often": (*flow.SOURCES, *mailboxes.SOURCES, *machine.SOURCES),
            "seldom": (*limits.SOURCES, *silence.SOURCES, *passwords.SOURCES, *History().sources),
        }

    def endpoints(self, _rooms: Rooms) -> list[Endpoint]:
        return [Endpoint("often", OFTEN), Endpoint("seldom", SELDOM)]

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        if endpoint == "seldom":
            give_back_memory()
        look = Look(rooms.config, rooms.store, rooms.catalog, rooms.clock)
        symptoms, known = watch.gather(look, self._sources[endpoint])
        with rooms.store.read() as tx:
            if not symptoms and not alerts.unresolved(tx):
                return Outcome()
        with rooms.store.write() as tx:
            names = {agency.id: agency.name for agency in Book.load(tx).all_agencies()}
            woken = reconcile(tx, symptoms, known, rooms.config.alerts, rooms.config.recipients, names)
            for recipient in sorted(woken):
                due.wake(tx, "tell", recipient)
        return Outcome()
