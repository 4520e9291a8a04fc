"""Who has gone silent: agencies that deposit nothing when they usually do, payers that owe a statement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from gateway import calendars
from gateway.calendars import Calendar, Habit, Period, Rhythm, Silence, day_of
from gateway.clock import local
from gateway.registry import Book
from gateway.store import Tx, rhythm

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def silent(tx: Tx, known: calendars.Book) -> list[dict[str, Any]]:
    """One entry for each silence, agencies first. The number of queries does not depend on how much there is."""
    return [*_agencies(tx, known), *_payers(tx, known)]


def _agencies(tx: Tx, known: calendars.Book) -> Iterator[dict[str, Any]]:
    came = rhythm.deposits(tx, timedelta(weeks=calendars.WEEKS))
    for agency in Book.load(tx).agencies():
        arrivals = came.get(agency.id, [])
        habit = _habit(known.rhythms.get(agency.name), arrivals)
        found = calendars.quiet(arrivals, habit, tx.now) if habit else None
        if found and agency.active:
            yield {"who": "agency", "name": agency.name, **_told(found)}


def _habit(said: Rhythm | None, arrivals: list[datetime]) -> Habit | None:
    """As its people say, else as its lots show. One that stopped keeps the habit it had at its last lot."""
    if said:
        days = frozenset(_WEEKDAYS.index(day) for day in said.weekdays)
        return Habit(days, said.by, learned=False) if days else None
    return calendars.learned(arrivals, max(arrivals) + timedelta(days=1)) if arrivals else None


def _told(found: Silence) -> dict[str, Any]:
    return {
        "last": f"{local(found.last):%Y-%m-%d %H:%M}" if found.last else None,
        "since": found.first_missed.isoformat(),
        "days": found.days,
        "by": f"{found.habit.by:%H:%M}",
        "learned": found.habit.learned,
    }


def _payers(tx: Tx, known: calendars.Book) -> Iterator[dict[str, Any]]:
    spoken = rhythm.spoken(tx)
    for payer, owes in sorted(rhythm.owed(tx).items()):
        period = missing(known.of(payer), owes, spoken.get(payer), tx.now)
        if period:
            yield {
                "who": "payer",
                "name": payer,
                "statement": period.statement.isoformat(),
                "cut_off": f"{local(period.cut_off):%Y-%m-%d %H:%M}",
                "authority": period.authority,
                "invoices": owes.invoices,
            }


def missing(calendar: Calendar, owes: rhythm.Owed, spoken: rhythm.Spoken | None, now: datetime) -> Period | None:
    """The statement that should be here by now for what was handed over before its cut-off. By a calendar that nobody
    confirmed only a whole cycle later: its dates are not the payer's."""
    today = day_of(now)
    period = calendar.expected(today)
    if period and not period.confirmed:
        period = calendar.expected(today - timedelta(days=calendar.every_days))
    if period is None or owes.since > period.cut_off:
        return None
    dated = spoken.dated if spoken else None
    came = day_of(spoken.came) if spoken and spoken.came else None
    return None if any(day and day >= period.statement for day in (dated, came)) else period
