"""Watches the limits: raises an alert when one comes near, each threshold once; closes what no limit can take any
more."""

from __future__ import annotations

import structlog

from gateway import deadlines
from gateway.clock import today
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.store import closing
from gateway.store import deadlines as rows

log = structlog.get_logger()

EVERY = 3600.0  # seconds; days are what counts
AT_ONCE = 500  # requests closed in one transaction


class Deadlines:
    """One endpoint: all that is open."""

    name = "deadlines"

    def endpoints(self, _rooms: Rooms) -> list[Endpoint]:
        return [Endpoint("all", EVERY)]

    def run(self, rooms: Rooms, _endpoint: str) -> Outcome:
        raised = _told(rooms)
        _close(rooms)
        return Outcome(worked=raised)


def _told(rooms: Rooms) -> int:
    """Raise the alerts that are due; give their number."""
    with rooms.store.read() as tx:
        groups = rows.open_invoices(tx)
    risks = deadlines.ranked(groups, rooms.catalog, today(rooms.clock))
    thresholds = rooms.config.gateway.deadline_days
    with rooms.store.read() as tx:
        wanted = deadlines.to_tell(risks, thresholds, rows.tightest(tx))
    if not wanted:
        return 0
    with rooms.store.write() as tx:  # asked again: another process may have told them
        raised = rows.add_alerts(tx, deadlines.to_tell(risks, thresholds, rows.tightest(tx)))
    log.warning("deadlines_near", alerts=raised)
    return raised


def _close(rooms: Rooms) -> None:
    """What has nothing open any more is not looked at again."""
    while True:
        with rooms.store.read() as tx:
            done = closing.closable(tx, AT_ONCE)
        if done:
            with rooms.store.write() as tx:
                closing.close(tx, done)
        if len(done) < AT_ONCE:
            return
