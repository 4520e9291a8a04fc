"""When each stage looks at each endpoint again: rows of `Due`, claimed by one worker at a time.

A claimed row's `next_run` is the end of its lease: who died is looked after then. A wake during the run brings it
forward, which is how `finish` knows of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlmodel import col

from gateway.models import Due
from gateway.store.engine import Tx, changed


def sync(tx: Tx, wanted: Iterable[tuple[str, str, float]]) -> None:
    """Make the rows those of `wanted` (stage, endpoint, seconds): new ones are due now, others go."""
    left = {(row.stage, row.endpoint): row for row in tx.session.scalars(select(Due))}
    for stage, endpoint, seconds in wanted:
        row = left.pop((stage, endpoint), None)
        if row is None:
            tx.session.add(Due(stage=stage, endpoint=endpoint, next_run=tx.now, interval_seconds=seconds))
        elif row.interval_seconds != seconds:
            row.interval_seconds = seconds
            row.next_run = min(row.next_run, tx.now + timedelta(seconds=seconds))
    for row in left.values():
        tx.session.delete(row)


def ready(tx: Tx, now: datetime) -> list[tuple[str, str]]:
    """(stage, endpoint) of every row that may be claimed at `now`, the longest due first."""
    rows = tx.session.execute(
        select(col(Due.stage), col(Due.endpoint))
        .where(_claimable(now))
        .order_by(col(Due.next_run), col(Due.stage), col(Due.endpoint))
    )
    return [(row.stage, row.endpoint) for row in rows]


def claim(tx: Tx, stage: str, endpoint: str, *, owner: str, lease_seconds: float = 600) -> bool:
    """Take a due row for `owner`; False when it is gone, not due, or someone else's."""
    until = tx.now + timedelta(seconds=lease_seconds)
    free = update(Due).where(_is(stage, endpoint), _claimable(tx.now))
    return changed(tx, free.values(owner=owner, lease_until=until, next_run=until, last_run=tx.now)) == 1


def finish(
    tx: Tx, stage: str, endpoint: str, *, again_in: float | None, error: str | None, owner: str | None = None
) -> None:
    """Give a claimed row back: due after its interval, or after `again_in` seconds when that is sooner, or at once when
    it was woken meanwhile. With `owner`, does nothing to a row that another worker claimed since."""
    row = tx.session.get(Due, (stage, endpoint), populate_existing=True)
    if row is None or (owner is not None and row.owner != owner):
        return
    seconds = row.interval_seconds if again_in is None else min(row.interval_seconds, again_in)
    next_run = tx.now + timedelta(seconds=seconds)
    if row.lease_until is not None and row.next_run < row.lease_until:
        next_run = min(next_run, row.next_run)
    row.next_run, row.last_error, row.owner, row.lease_until = next_run, error, None, None
    if error is None:
        row.last_success = tx.now


def abandon(tx: Tx) -> int:
    """Take every claimed row back, due now; give their number. Only for a process that holds the instance lock and has
    not begun: whoever claimed them is dead."""
    claimed = update(Due).where(col(Due.owner).is_not(None))
    return changed(tx, claimed.values(owner=None, lease_until=None, next_run=tx.now))


def wake(tx: Tx, stage: str, endpoint: str) -> None:
    """Make a row due now; a run under way is followed by another one. A row that is missing stays missing."""
    changed(tx, update(Due).where(_is(stage, endpoint), col(Due.next_run) > tx.now).values(next_run=tx.now))


def wake_payer(tx: Tx, payer: str, stages: Iterable[str]) -> None:
    """Make these stages' rows due now, for every transmission number at the payer."""
    rows = (col(Due.stage).in_(tuple(stages)), col(Due.endpoint).startswith(f"{payer}:", autoescape=True))
    changed(tx, update(Due).where(*rows, col(Due.next_run) > tx.now).values(next_run=tx.now))


def all_now(tx: Tx, now: datetime) -> None:
    """Make every row due at `now`."""
    changed(tx, update(Due).where(col(Due.next_run) > now).values(next_run=now))


def upcoming(tx: Tx, stage: str, endpoint: str) -> datetime | None:
    """When the stage looks at the endpoint next (aware UTC); for one under way, the start of that run."""
    row = tx.session.get(Due, (stage, endpoint))
    if row is None:
        return None
    return row.last_run if row.owner is not None else row.next_run


def next_look(tx: Tx, stage: str, endpoint: str) -> datetime | None:
    """When the stage looks at the endpoint next (aware UTC): now, while it does. None for one it does not know."""
    row = tx.session.get(Due, (stage, endpoint), populate_existing=True)
    if row is None:
        return None
    looks = row.owner is not None and row.lease_until is not None and row.lease_until > tx.now
    return tx.now if looks else row.next_run


def failing(tx: Tx) -> list[Due]:
    """The rows whose last run failed as a whole, by stage and endpoint."""
    query = select(Due).where(col(Due.last_error).is_not(None)).order_by(col(Due.stage), col(Due.endpoint))
    return list(tx.session.scalars(query))


def _is(stage: str, endpoint: str) -> ColumnElement[bool]:
    return and_(col(Due.stage) == stage, col(Due.endpoint) == endpoint)


def _claimable(now: datetime) -> ColumnElement[bool]:
    return and_(col(Due.next_run) <= now, or_(col(Due.owner).is_(None), col(Due.lease_until) <= now))
