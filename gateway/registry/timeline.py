"""Facts about one subject along the days: which hold on a day is one look-up, however many there are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Generic, TypeVar

from gateway.models.facts import Fact

F = TypeVar("F", bound=Fact)
_DAY = timedelta(days=1)


class Timeline(Generic[F]):
    """Immutable. A fact holds on its first and on its last day."""

    __slots__ = ("_starts", "_stretches", "facts")

    def __init__(self, facts: Iterable[F] = ()) -> None:
        self.facts: tuple[F, ...] = tuple(sorted(facts, key=lambda fact: (fact.valid_from, fact.id)))
        self._starts: list[date] = []
        self._stretches: list[tuple[F, ...]] = []
        self._lay_out()

    def on(self, day: date) -> tuple[F, ...]:
        """The facts that hold on that day, by their first day."""
        place = bisect_right(self._starts, day) - 1
        return self._stretches[place] if place >= 0 else ()

    def _lay_out(self) -> None:
        """Cut the days where anything begins or has just ended; between two cuts the same facts hold."""
        begin: dict[date, list[F]] = {}
        ends: set[date] = set()
        for fact in self.facts:
            begin.setdefault(fact.valid_from, []).append(fact)
            if fact.valid_to is not None and fact.valid_to < date.max:
                ends.add(fact.valid_to + _DAY)
        holding: list[F] = []
        for day in sorted(begin.keys() | ends):
            holding = [fact for fact in holding if fact.valid_to is None or fact.valid_to >= day]
            holding += [fact for fact in begin.get(day, ()) if fact.valid_to is None or fact.valid_to >= day]
            self._starts.append(day)
            self._stretches.append(tuple(holding))


NOTHING: Timeline[Fact] = Timeline()
