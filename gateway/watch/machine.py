"""The installation itself: room on the disk, looks without a worker, alerts that do not arrive, anchor and backup."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

from gateway.store import backups, due, outbox, retention, watching
from gateway.store.alerts import Symptom
from gateway.watch import Look, Source

LATE = timedelta(minutes=10)  # a look that is due for so long waits for a worker that does not come
STUCK = timedelta(minutes=15)
MEGABYTE = 1_000_000


def disk(look: Look) -> Iterator[Symptom]:
    """Little room for the state folder."""
    free = shutil.disk_usage(look.config.paths.state).free
    if free < look.config.monitor.disk_low_bytes:
        facts = {"free_megabytes": free // MEGABYTE}
        yield Symptom("disk", "state", None, "critical", facts=facts)


def overdue(look: Look) -> Iterator[Symptom]:
    """All workers are taken, or stuck."""
    with look.store.read() as tx:
        since = watching.longest_due(tx)
    if since is not None and look.clock.now() - since >= LATE:
        yield Symptom("overdue", "stages", None, "warning", facts={"since": since.isoformat()})


def channels(look: Look) -> Iterator[Symptom]:
    """Messages that do not arrive: the other recipients learn of it."""
    with look.store.read() as tx:
        stuck = outbox.stuck(tx, tx.now - STUCK)
    for message in stuck:
        facts = {"code": message.last_error, "since": message.created_at.isoformat(), "example": message.id}
        yield Symptom("channel", message.recipient, None, "warning", facts=facts)


def anchor(look: Look) -> Iterator[Symptom]:
    """The head of the history could not be anchored, or an anchor that was made no longer fits."""
    with look.store.read() as tx:
        failing = [row for row in due.failing(tx) if row.stage == "anchor"]
    for row in failing:
        yield Symptom("anchor", row.endpoint, None, "critical", facts={"code": row.last_error})


def backup(look: Look) -> Iterator[Symptom]:
    """No backup for twice the time one should be made in, where a folder is configured."""
    said = look.config.backup
    if not said.folder:
        return
    with look.store.read() as tx:
        made = backups.last(tx, backups.MADE)
        began = made.at if made is not None else retention.first_event(tx)
    if began is not None and began + timedelta(seconds=2 * said.every) < look.clock.now():
        yield Symptom("backup", "folder", None, "warning", facts={"last": made.at.isoformat() if made else None})


SOURCES = (
    Source(frozenset({"disk"}), disk),
    Source(frozenset({"overdue"}), overdue),
    Source(frozenset({"channel"}), channels),
    Source(frozenset({"anchor"}), anchor),
    Source(frozenset({"backup"}), backup),
)
