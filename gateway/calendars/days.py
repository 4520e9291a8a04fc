"""Business days and holidays in Quebec, and moments of the wall clock in Toronto.

The holidays are those of the law; a payer's own closed days stand in its calendar (`closed`, docs/calendar.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from holidays import country_holidays

from gateway.clock import TORONTO, local
from gateway.messages import Both

_NAMES = {"fr": "fr", "en": "en_CA"}
_DAY = timedelta(days=1)
_WEEKEND = 5  # Monday is 0


@cache
def holidays(year: int) -> Mapping[date, Both]:
    """Quebec's public holidays of a year, with their names in both languages."""
    named = {
        lang: country_holidays("CA", subdiv="QC", years=year, language=language) for lang, language in _NAMES.items()
    }
    return {day: {lang: named[lang][day] for lang in _NAMES} for day in sorted(named["fr"])}


def is_business(day: date, closed: Collection[date] = ()) -> bool:
    """Whether people work that day: no weekend, no holiday, none of `closed`."""
    return day.weekday() < _WEEKEND and day not in closed and day not in holidays(day.year)


def next_business(day: date, closed: Collection[date] = ()) -> date:
    """The day itself where it is a business day, else the next one that is."""
    while not is_business(day, closed):
        day += _DAY
    return day


def day_before(day: date, closed: Collection[date] = ()) -> date:
    """The day itself where it is a business day, else the last one before it."""
    while not is_business(day, closed):
        day -= _DAY
    return day


def day_of(moment: datetime) -> date:
    """The date in Toronto at that moment (aware): what a limit or a cut-off is counted by."""
    return local(moment).date()


def wall(day: date, at: time) -> datetime:
    """The moment (aware UTC) the wall clock in Toronto shows that time: the first of the two in the hour that comes
    twice in autumn, an hour later in the one that spring leaves out."""
    return datetime.combine(day, at.replace(tzinfo=None), TORONTO).astimezone(UTC)
