"""Nothing came: whether somebody who usually deposits has not, judged from past arrivals alone.

Pure functions: arrivals are aware moments; days and hours are those of Toronto.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway.calendars.days import day_of, is_business, wall
from gateway.clock import local

WEEKS = 8  # looked back at
_SEEN = 4  # business days of one weekday that must have passed before it can be usual
_SHARE = 0.75  # of them with an arrival make the weekday usual
_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Habit:
    """On which weekdays (Monday is 0) something comes, and by when on the wall clock in Toronto."""

    weekdays: frozenset[int]
    by: time
    learned: bool


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing came when it should have: since the last arrival, or ever; on how many usual days, the first of them."""

    last: datetime | None
    first_missed: date
    days: int
    habit: Habit


def learned(arrivals: Iterable[datetime], now: datetime) -> Habit | None:
    """The habit that the arrivals of the last eight whole weeks show; None when they show none. A holiday without an
    arrival says nothing; a day is counted from the first arrival on, so that a newcomer is not called irregular."""
    today = day_of(now)
    since = today - timedelta(weeks=WEEKS)
    firsts = _firsts(moment for moment in arrivals if since <= day_of(moment) < today)
    if not firsts:
        return None
    days = [min(firsts) + timedelta(days=n) for n in range((today - min(firsts)).days)]
    seen, came = defaultdict[int, int](int), defaultdict[int, int](int)
    for day in days:
        came[day.weekday()] += day in firsts
        seen[day.weekday()] += day in firsts or is_business(day) or day.weekday() > 4
    usual = frozenset(w for w in seen if seen[w] >= _SEEN and came[w] >= _SHARE * seen[w])
    if not usual:
        return None
    latest = max(local(moment).time() for day, moment in firsts.items() if day.weekday() in usual)
    return Habit(usual, _later(latest), learned=True)


def quiet(arrivals: Sequence[datetime], habit: Habit, now: datetime) -> Silence | None:
    """The usual days that have passed without an arrival since the last one; None when there are none. A holiday never
    counts as missed. Where nothing ever came, today alone is looked at."""
    last = max((moment for moment in arrivals if moment <= now), default=None)
    today = day_of(now)
    start = day_of(last) + timedelta(days=1) if last else today
    days = [start + timedelta(days=n) for n in range((today - start).days + 1)]
    missed = [d for d in days if d.weekday() in habit.weekdays and _worked(d) and wall(d, habit.by) < now]
    return Silence(last, missed[0], len(missed), habit) if missed else None


def _worked(day: date) -> bool:
    """Whether an agency may be expected to work: no holiday. Its own weekdays may be at the weekend."""
    return is_business(day) or (day.weekday() > 4 and is_business(day - timedelta(days=day.weekday() - 4)))


def _firsts(arrivals: Iterable[datetime]) -> dict[date, datetime]:
    """The first arrival of each day."""
    firsts: dict[date, datetime] = {}
    for moment in sorted(arrivals):
        firsts.setdefault(day_of(moment), moment)
    return firsts


def _later(at: time) -> time:
    """An hour later, on the same day."""
    later = datetime.combine(date.min, at) + _GRACE
    return later.time() if later.date() == date.min else time(23, 59, 59)
