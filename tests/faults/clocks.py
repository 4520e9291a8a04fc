"""Clocks that jump between two lives, back and forth, and over both changes of daylight saving time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from faults import checker, documents, lives
from faults.lives import Life
from faults.trials import Bench, Outcome, Trial, finish

IN_TURN = Life(in_turn=True)
HOUR, DAY = 60, 24 * 60  # minutes
JUMPS = (HOUR, -HOUR, 2 * DAY, -2 * DAY)
# Noon to noon around them: 2026-11-01 02:00 falls back, 2027-03-14 02:00 springs forward (America/Toronto).
CHANGES = (datetime(2026, 11, 1, 5, 50, tzinfo=UTC), datetime(2027, 3, 14, 6, 50, tzinfo=UTC))
TURNS = 3  # jumps of one house


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    for number in range(count or 0):
        yield Trial("clocks", f"house {number}", seed, {"change": number % 3})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    """A third begins before each change of the hour; lives are ten minutes apart over it, some killed on the way."""
    chance, outcome, change = trial.chance, Outcome(), trial.facts["change"]
    with bench.house() as place:
        if change < len(CHANGES):
            place.clock.minutes = (CHANGES[change] - datetime.now(UTC)) / timedelta(minutes=1)
        for turn in range(TURNS):
            place.deposit(documents.one_more(turn))
            life = Life("transmit.sent", 1, in_turn=True) if chance.random() < 0.5 else IN_TURN
            lives.live(place, life)
            place.issue_statements()
            outcome.tried += 1
            outcome.wrong = outcome.wrong or checker.at_any_moment(place)
            place.pass_time(10 if change < len(CHANGES) else chance.choice(JUMPS))
        outcome.wrong = outcome.wrong or finish(place, IN_TURN)
        outcome.persons = place.persons
    return outcome
