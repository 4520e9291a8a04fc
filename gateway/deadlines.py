"""The deadline guardian: the last day of every invoice that has something to lose, ranked; and what is to be told.

Pure functions over what the store counted and the limits of the families (gateway/limits.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from gateway import limits
from gateway.calendars import day_of
from gateway.catalog import Catalog
from gateway.limits import Counted, Who
from gateway.models import DeadlineAlert
from gateway.store.deadlines import Due, Open

LATE = -1  # the threshold of what is past its last day


@dataclass(frozen=True, slots=True)
class Risk:
    """A group of invoices, their last day (None: no service, or no limit known), and from when they may be sent
    again."""

    of: Open
    counted: Counted | None
    left: int | None
    again_from: date | None  # receivable and on no statement: the day the payer's wait is over
    waited: bool  # that day has come

    @property
    def cents(self) -> int:
        """The amount at risk as far as it is known."""
        return self.of.cents or 0


def ranked(groups: Iterable[Open], catalog: Catalog, today: date) -> list[Risk]:
    """The fewest days left first, then the most money; what has no last day comes last."""
    made = [_risk(group, catalog, today) for group in groups]
    return sorted(made, key=lambda risk: (risk.left is None, risk.left or 0, -risk.cents, risk.of.request_id))


def _risk(group: Open, catalog: Catalog, today: date) -> Risk:
    family = catalog.families.get(group.format or "")
    settings = family.settings if family else {}
    counted = limits.of(settings).submission(group.service, who(settings, group.practice)) if group.service else None
    wait = settings.get("statement_wait_days")
    again = None
    if group.standing == "receivable" and group.transmitted_at and wait is not None:
        again = day_of(group.transmitted_at) + timedelta(days=int(wait))
    left = counted.left(today) if counted else None
    return Risk(group, counted, left, again, again is not None and again < today)


def who(settings: Mapping[str, object], practice: str | None) -> Who:
    """Whose invoice it may be, by the first digit of the practice number: of several professions the earliest limit
    counts. A digit that no profession claims is one of those whose digits are not public."""
    professions, classes = settings.get("professions"), settings.get("practice_class")
    if not isinstance(professions, Mapping) or not isinstance(classes, Mapping):
        return Who(frozenset(), practice=practice)
    digit = (practice or "")[:1]
    claimed = {kind for kind in professions if digit in classes.get(kind, ())}
    known = claimed or {kind for kind in professions if kind not in classes}
    return Who(frozenset(professions[kind] for kind in known) or None, practice=practice)


def last_day(catalog: Catalog, format_: str | None, practice: str | None, service: date) -> date | None:
    """The last day on which an invoice with this oldest service may be sent; None where no limit is known."""
    family = catalog.families.get(format_ or "")
    settings = family.settings if family else {}
    counted = limits.of(settings).submission(service, who(settings, practice))
    return counted.last if counted else None


def to_tell(risks: Iterable[Risk], thresholds: Collection[int], told: Mapping[tuple[str, date], int]) -> list[Due]:
    """The alerts to raise: of each request and service the tightest threshold it is within, unless that one or a
    tighter one was told before. Groups of one request and service are told together."""
    together: dict[tuple[str, date], list[Risk]] = {}
    for risk in risks:
        if risk.of.service and risk.left is not None:
            together.setdefault((risk.of.request_id, risk.of.service), []).append(risk)
    found = []
    for key, group in together.items():
        first = min(group, key=lambda risk: risk.left or 0)
        threshold = within(first.left or 0, thresholds)
        if threshold is None or told.get(key, threshold + 1) <= threshold or first.counted is None:
            continue
        cents = [risk.of.cents for risk in group if risk.of.cents is not None]
        invoices, amount = sum(risk.of.invoices for risk in group), sum(cents) if cents else None
        found.append(Due(first.of.agency_id, *key, threshold, first.counted.last, invoices, amount))
    return found


def live(
    alerts: Iterable[DeadlineAlert], risks: Iterable[Risk], today: date
) -> Iterator[tuple[DeadlineAlert, Risk, date]]:
    """The alerts that still hold, what they are about and its last day: invoices that are still open, and not
    dismissed, or past their last day."""
    still = {(risk.of.request_id, risk.of.service): risk for risk in risks}
    for alert in alerts:
        risk = still.get((alert.request_id, alert.service))
        last = risk.counted.last if risk and risk.counted else None
        if risk is not None and last is not None and (alert.dismissed_at is None or last < today):
            yield alert, risk, last


def within(left: int, thresholds: Collection[int]) -> int | None:
    """The tightest threshold that so many days left are within; LATE when there are none left."""
    if left < 0:
        return LATE
    return min((days for days in thresholds if left <= days), default=None)
