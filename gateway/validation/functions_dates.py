"""Functions about time: openings of a profession, limits of submission, stays, beginnings and ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway import limits
from gateway.limits import Counted
from gateway.validation.facts import Facts
from gateway.validation.functions import DATES, Given, Maker, alone

_MOST_DAYS = 4096  # remembered: kinds of invoices times days of service


class NotBeforeOpening:
    """No service precedes the day its profession entered this system; `[settings.opening]` says when."""

    reads = frozenset({DATES})

    def __init__(self, given: Given) -> None:
        self._opening: Mapping[str, date] = given.settings.get("opening", {})

    def holds(self, facts: Facts) -> bool:
        opened = self._opening.get(facts.kind or "")
        return opened is None or all(day >= opened for day in facts.service_dates())


class NotInFuture:
    """No service is dated after today."""

    reads = frozenset({DATES})

    def __init__(self, given: Given) -> None:
        self._today = given.today or date.max

    def holds(self, facts: Facts) -> bool:
        return all(day <= self._today for day in facts.service_dates())


class _Limit:
    """How many days are left to submit the oldest service (gateway/limits.py)."""

    def __init__(self, given: Given) -> None:
        self._limits = limits.of(given.settings)
        self._today = given.today or date.min
        self._known: dict[tuple[str | None, str | None, date], Counted | None] = {}
        self.reads = frozenset({DATES, "practice"} if self._limits.by_practice else {DATES})

    def left(self, facts: Facts) -> Counted | None:
        """The last day, and the limit it is counted by; None where no limit is known."""
        first = min(facts.service_dates(), default=None)
        if first is None:
            return None
        practice = facts.first("practice") if self._limits.by_practice else None
        key = (facts.kind, practice, first)
        if key not in self._known:
            if len(self._known) > _MOST_DAYS:
                self._known.clear()
            self._known[key] = self._limits.submission(first, self._limits.of_kind(facts.kind, practice))
        return self._known[key]

    def values(self, facts: Facts) -> Mapping[str, object]:
        found = self.left(facts)
        days = found.left(self._today) if found else 0
        return {"left": days, "late": -days, "limit": found.limit.days if found else 0}


class SubmissionInTime(_Limit):
    """The limit of submission has not passed."""

    def holds(self, facts: Facts) -> bool:
        found = self.left(facts)
        return found is None or found.left(self._today) >= 0


class SubmissionNotNear(_Limit):
    """The limit of submission has passed, or is further away than its `warn` days."""

    def holds(self, facts: Facts) -> bool:
        found = self.left(facts)
        return found is None or not 0 <= found.left(self._today) <= found.limit.warn


def within_stay(facts: Facts) -> bool:
    """A line's service, or an invoice's, is within the stay of the invoice's patients; a stay without an end is still
    going on."""
    above = facts.above.get("invoice")
    if "stay_start" not in (facts.own if above is None else above):
        return True
    of = "" if above is None else "invoice."
    starts = facts.dates(f"{of}stay_start")
    if not starts:
        return True
    ends = facts.dates(f"{of}stay_end")
    last = max(ends) if len(ends) == len(starts) else date.max
    return last < min(starts) or all(  # a stay that ends before it begins is another rule's
        min(starts) <= day <= last for day in facts.service_dates()
    )


def stay_in_order(facts: Facts) -> bool:
    """No stay ends before it begins."""
    starts, ends = facts.own.get("stay_start", ()), facts.own.get("stay_end", ())
    return len(starts) != len(ends) or all(map(_in_order, starts, ends))


def line_in_order(facts: Facts) -> bool:
    """A line's end is not before its start."""
    start, end = facts.first("start"), facts.first("end")
    return not start or not end or _in_order(start, end)


def starts_that_day(facts: Facts) -> bool:
    """A line starts on the day of its service (it may end on the next)."""
    start = facts.dates("start")
    return not start or start[:1] == facts.service_dates()[:1]


def authorised_before(facts: Facts) -> bool:
    """What was authorised was not rendered before the authorisation."""
    authorised = facts.dates("authorised")
    return not authorised or all(max(authorised) <= day for day in facts.service_dates())


def _in_order(start: str, end: str) -> bool:
    """Both as the document writes them: largest unit first, so that order of text is order of time."""
    return len(start) != len(end) or start <= end


FUNCTIONS: Mapping[str, Maker] = {
    "not_before_opening": NotBeforeOpening,
    "not_in_future": NotInFuture,
    "submission_in_time": SubmissionInTime,
    "submission_not_near": SubmissionNotNear,
    "within_stay": alone(within_stay, "stay_start", "invoice.stay_start"),
    "stay_in_order": alone(stay_in_order, "stay_start", reads=("stay_start", "stay_end")),
    "line_in_order": alone(line_in_order, "end", reads=("start", "end")),
    "starts_that_day": alone(starts_that_day, "start", reads=("start", DATES)),
    "authorised_before": alone(authorised_before, "authorised", reads=("authorised", DATES)),
}
