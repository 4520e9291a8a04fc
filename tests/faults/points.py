"""Killed at each point between two durable writes that the source names, at its first, second and third passing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from faults import checker, documents, lives
from faults.house import HERE, House
from faults.lives import KILLED, Life
from faults.trials import Bench, Outcome, Trial, finish
from gateway import credentials
from gateway.stages import collect, distribute, match, receive, transmit, validate

ROOMS = (collect, validate, credentials, transmit, receive, match, distribute)
# Passed only when something else goes wrong first; their own rooms' tests visit them.
ONLY_IN_TROUBLE = {"transmit.failed", "transmit.answered", "credentials.refused", "validate.asked"}
UNASKED = ("credentials.change_", "credentials.journalled")  # changes nobody asked for: rotations
# Where a password is changed unasked: tests/test_rotation.py visits these.
ONLY_IN_TROUBLE |= {point for point in credentials.POINTS if ".change_" in point or ".journalled" in point}
POINTS = [point for room in ROOMS for point in room.POINTS if not point.startswith((*ONLY_IN_TROUBLE, *UNASKED))]
ANSWERED = "answered"  # a house whose lots went to the payer, and were answered


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    wanted = [(point, hit) for point in POINTS for hit in (1, 2, 3)]
    for point, hit in wanted[:count]:
        yield Trial("points", f"{point}, passing {hit}", seed, {"point": point, "hit": hit})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    """Killed in the life to the payer, or in the one with late replies and statements, where the point lies there: that
    one begins in a copy of a house that came so far unharmed."""
    point, hit = trial.facts["point"], trial.facts["hit"]
    model = next((model for model, passed in _passed(bench).items() if passed[point] >= hit), None)
    if model is None:
        wrong = [f"{point} is never passed"] if hit == 1 else []
        return Outcome(0, wrong, skipped=1, why="the way has no such passing")
    life = Life(point, hit, slots=point.startswith(("collect", "validate")) and hit == 1)
    with _begun(bench, model) as place:
        code = lives.live(place, life)
        outcome = Outcome(1, checker.at_any_moment(place))
        if code != KILLED:  # threads: it may be passed less often than when it was counted
            outcome.wrong += [f"{point} is never passed"] if hit == 1 else []
            outcome.tried, outcome.skipped, outcome.why = 0, 1, "the way has no such passing"
        outcome.wrong = outcome.wrong or finish(place, later=lives.ROUND)
    return outcome


def _passed(bench: Bench) -> Mapping[str, Counter[str]]:
    """How often each point is passed if nothing happens, by the model of the house the life begins in."""
    if not bench.passed:
        for model in (HERE, ANSWERED):
            notes = bench.place / f"{model}.notes"
            with _begun(bench, model) as place:
                assert lives.live(place, Life(notes=str(notes))) == 0
                bench.passed[model] = Counter(notes.read_text().split())
                if model == HERE:
                    place.issue_statements()
                    place.payer.stop()
                    bench.keep(place, ANSWERED)
                else:
                    assert not (wrong := finish(place)), wrong
    return bench.passed


@contextmanager
def _begun(bench: Bench, model: str) -> Iterator[House]:
    with bench.house("dedups", model=model) as place:
        if model == HERE:
            place.deposit(documents.everything())
        yield place
