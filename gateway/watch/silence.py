"""Who has gone silent: agencies that deposit nothing when they usually do, payers that owe a statement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway import calendars
from gateway.calendars import Calendar, Habit, Period, Rhythm, Silence, day_of
from gateway.clock import local
from gateway.models import Agency
from gateway.registry import Book
from gateway.store import Tx, rhythm
from gateway.store.alerts import Symptom
from gateway.store.rhythm import Owed
from gateway.watch import Look, Source

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def agencies(tx: Tx, known: calendars.Book) -> Iterator[tuple[Agency, Silence]]:
    """Active agencies from which nothing came when it usually does. The number of queries does not depend on how many
    there are."""
    came = rhythm.deposits(tx, timedelta(weeks=calendars.WEEKS))
    for agency in Book.load(tx).agencies():
        arrivals = came.get(agency.id, [])
        habit = _habit(known.rhythms.get(agency.name), arrivals)
        found = calendars.quiet(arrivals, habit, tx.now) if habit else None
        if found and agency.active:
            yield agency, found


def _habit(said: Rhythm | None, arrivals: list[datetime]) -> Habit | None:
    """As its people say, else as its lots show. One that stopped keeps the habit it had at its last lot."""
    if said:
        days = frozenset(_WEEKDAYS.index(day) for day in said.weekdays)
        return Habit(days, said.by, learned=False) if days else None
    return calendars.learned(arrivals, max(arrivals) + timedelta(days=1)) if arrivals else None


def payers(tx: Tx, known: calendars.Book) -> Iterator[tuple[str, Period, Owed]]:
    """Payers whose statement should be here, and what they owe."""
    spoken = rhythm.spoken(tx)
    for payer, owes in sorted(rhythm.owed(tx).items()):
        period = missing(known.of(payer), owes, spoken.get(payer), tx.now)
        if period:
            yield payer, period, owes


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


def silence(look: Look) -> Iterator[Symptom]:
    """A payer's silence is the installation's business: what it owes is of several agencies."""
    known = calendars.load(look.config.paths.state)
    with look.store.read() as tx:
        quiet, owing = list(agencies(tx, known)), list(payers(tx, known))
    for agency, found in quiet:
        last = found.last.isoformat() if found.last else None
        facts = {"last": last, "since": found.first_missed.isoformat(), "by": f"{found.habit.by:%H:%M}"}
        yield Symptom("silent_agency", agency.id, agency.id, "notice", 1, found.days, facts)
    for payer, period, owes in owing:
        facts = {"statement": period.statement.isoformat(), "cut_off": f"{local(period.cut_off):%Y-%m-%d %H:%M}"}
        yield Symptom("silent_payer", payer, None, "warning", 1, owes.invoices, facts)


SOURCES = (Source(frozenset({"silent_agency", "silent_payer"}), silence),)
