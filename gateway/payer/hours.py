"""When a service answers: its week as data, whether it is open at a moment, and when it opens next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from babel.dates import format_date

from gateway.clock import TORONTO, local

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as `datetime.weekday` counts them
_LOOKED_AHEAD = 28  # days; a service closed longer than that does not open
_LOCALES = {"fr": "fr_CA", "en": "en_CA"}


def never(_day: date) -> bool:
    """No day is a holiday."""
    return False


@dataclass(frozen=True, slots=True)
class Opening:
    """Open until `until`, or closed; `opens` is when it opens next (America/Toronto), None: not within four weeks."""

    until: datetime | None
    opens: datetime | None

    @property
    def is_open(self) -> bool:
        return self.until is not None


@dataclass(frozen=True, slots=True)
class Hours:
    """A week: day of the week (0 Monday) → from, to. A day that is not there is closed."""

    week: Mapping[int, tuple[time, time]]

    @classmethod
    def parse(cls, written: Mapping[str, str]) -> Hours:
        """`{"wed": "10:30-16:30"}`. Raises ValueError for another day, another shape, or an end before its start."""
        week = {}
        for day, span in written.items():
            start, end = (time.fromisoformat(part) for part in span.split("-"))
            if end <= start:
                raise ValueError(span)
            week[DAYS.index(day)] = (start, end)
        return cls(week)

    def at(self, moment: datetime, closed: Callable[[date], bool] = never) -> Opening:
        """How it stands at an aware moment; `closed` says which days are holidays."""
        here = local(moment)
        for ahead in range(_LOOKED_AHEAD + 1):
            day = here.date() + timedelta(days=ahead)
            if day.weekday() not in self.week or closed(day):
                continue
            start, end = (datetime.combine(day, clock, TORONTO) for clock in self.week[day.weekday()])
            if start <= here < end:
                return Opening(end, None)
            if here < start:
                return Opening(None, start)
        return Opening(None, None)


def weekday(day: date, lang: str) -> str:
    """« mercredi », "Wednesday"."""
    return format_date(day, "EEEE", locale=_LOCALES[lang])


def clock_time(at: time, lang: str) -> str:
    """« 10 h 30 », « 9 h »; "10:30"."""
    if lang == "en":
        return f"{at.hour}:{at.minute:02d}"
    return f"{at.hour} h {at.minute:02d}" if at.minute else f"{at.hour} h"
