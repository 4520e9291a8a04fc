"""A payer's calendar: until when what it received counts for which statement. Data: config/calendar.toml.

The real dates are not public (DOMAIN section 10); an operator writes them in `<state_dir>/calendar.toml`. Until then a
cycle of two weeks is counted from an invented day, and every period says that it is reconstructed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.calendars.days import day_before, next_business, wall
from gateway.config.strict import Table, read
from gateway.resources import data_dir

CONFIRMED = ("official", "letter")
ANY = "*"
Authority = Literal["official", "letter", "reconstructed", "ours"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _no_zone(moment: datetime) -> datetime:
    if moment.tzinfo is not None:
        raise PydanticCustomError("config.wall_time", "a time with a zone")
    return moment


Wall = Annotated[datetime, AfterValidator(_no_zone)]  # as the clock in Toronto shows it


@dataclass(frozen=True, slots=True)
class Period:
    """What the payer received after the cut-off before and until this one (aware UTC, included) counts for this
    statement."""

    cut_off: datetime
    statement: date
    payment: date | None
    authority: str

    @property
    def confirmed(self) -> bool:
        """Whether somebody other than us said so."""
        return self.authority in CONFIRMED


class _PeriodRow(Table):
    cut_off: Wall
    statement: date
    payment: date | None = None
    authority: Authority = "official"
    letter: str | None = None

    def period(self) -> Period:
        return Period(wall(self.cut_off.date(), self.cut_off.time()), self.statement, self.payment, self.authority)


class Calendar(Table):
    """[[calendar]]: one payer's cycle, and the periods whose dates are known. `payer = "*"`: of any other payer."""

    payer: str
    authority: Authority = "reconstructed"  # of the cycle
    letter: str | None = None
    cut_off: Wall  # any one of the cycle's
    every_days: int = Field(14, ge=1, le=366)
    statement_after_days: int = Field(ge=0, le=366)
    payment_after_days: int | None = Field(None, ge=0, le=366)
    closed: frozenset[date] = frozenset()  # beside Quebec's holidays and the weekends
    statement_within_days: int = Field(1, ge=0, le=60)  # business days after its day that a statement may take
    periods: tuple[_PeriodRow, ...] = Field((), alias="period")

    def counts(self, received: datetime) -> Period:
        """The period for which what the payer receives at that moment (aware) counts."""
        return next(period for period in self._after(received) if period.cut_off >= received)

    def between(self, first: date, last: date) -> list[Period]:
        """The periods whose statement is dated between two days, both included."""
        start = wall(first - timedelta(days=self.statement_after_days + 2 * self.every_days + 31), time())
        found = []
        for period in self._after(start):
            if first <= period.statement <= last:
                found.append(period)
            if period.statement > last and period.cut_off > wall(last, time.max):
                return found
        raise AssertionError("a cycle never ends")

    def expected(self, today: date) -> Period | None:
        """The last period whose statement should be here by the end of the day before `today`."""
        past = self.between(today - timedelta(days=2 * self.every_days + 31), today)
        return next((period for period in reversed(past) if self.due(period) < today), None)

    def due(self, period: Period) -> date:
        """The last day on which its statement is not late."""
        day = next_business(period.statement, self.closed)
        for _ in range(self.statement_within_days):
            day = next_business(day + timedelta(days=1), self.closed)
        return day

    def _after(self, moment: datetime) -> Iterator[Period]:
        """Periods in the order of their cut-offs, without end, from one whose cut-off is before `moment` or the next.
        What is known is taken as it is; before and after it the cycle goes on from the nearest known cut-off."""
        known = sorted(((row.period(), row.cut_off.date()) for row in self.periods), key=lambda pair: pair[0].cut_off)
        first, last = (known[0][1], known[-1][1]) if known else (self.cut_off.date(), date.min)
        if known:
            yield from map(self._counted, takewhile(lambda day: day < first, self._days(first, moment)))
            yield from (period for period, _ in known)
        anchor = max(first, last)
        yield from map(self._counted, filter(lambda day: day > last, self._days(anchor, moment)))

    def _days(self, anchor: date, moment: datetime) -> Iterator[date]:
        """The cycle's days of a cut-off, from two before `moment` on, without end."""
        step = timedelta(days=self.every_days)
        day = anchor + step * ((moment.date() - anchor).days // self.every_days - 2)
        while True:
            yield day
            day += step

    def _counted(self, day: date) -> Period:
        """A cut-off on a closed day comes before it, a statement or a payment after it."""
        statement = next_business(day + timedelta(days=self.statement_after_days), self.closed)
        payment = None
        if self.payment_after_days is not None:
            payment = next_business(statement + timedelta(days=self.payment_after_days), self.closed)
        authority = "reconstructed" if self.periods else self.authority
        return Period(wall(day_before(day, self.closed), self.cut_off.time()), statement, payment, authority)


class Rhythm(Table):
    """[[rhythm]]: when an agency deposits, as its people say; else it is learned. `agency`: its registered name."""

    agency: str
    weekdays: tuple[Weekday, ...] = ()  # none: nothing is expected of it
    by: time = time(18, 0)


class _File(Table):
    calendar_version: Literal[1] = 1
    calendars: tuple[Calendar, ...] = Field((), alias="calendar")
    rhythms: tuple[Rhythm, ...] = Field((), alias="rhythm")


@dataclass(frozen=True)
class Book:
    """Every payer's calendar and every agency's rhythm of this installation."""

    calendars: Mapping[str, Calendar]
    rhythms: Mapping[str, Rhythm]

    def of(self, payer: str | None) -> Calendar:
        """The payer's calendar, else the one of any payer."""
        return self.calendars.get(payer or ANY) or self.calendars[ANY]


def load(state_dir: Path) -> Book:
    """The operator's `calendar.toml` in the state folder before the shipped one. Raises ConfigError."""
    shipped = read(data_dir("config") / "calendar.toml", _File)
    own_file = state_dir / "calendar.toml"
    own = read(own_file, _File) if own_file.exists() else _File()
    calendars = {calendar.payer: calendar for calendar in (*shipped.calendars, *own.calendars)}
    return Book(calendars, {rhythm.agency: rhythm for rhythm in own.rhythms})
