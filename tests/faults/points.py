"""Killed at each point between two durable writes that the source names, at its first, second and third passing."""

from __future__ import annotations

from collections.abc import Iterator

from faults import checker, documents, lives
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


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    wanted = [(point, hit) for point in POINTS for hit in (1, 2, 3)]
    for point, hit in wanted[:count]:
        yield Trial("points", f"{point}, passing {hit}", seed, {"point": point, "hit": hit})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    point, hit = trial.facts["point"], trial.facts["hit"]
    life = Life(point, hit, slots=point.startswith(("collect", "validate")) and hit == 1)
    with bench.house("dedups") as place:
        place.deposit(documents.everything())
        codes = [lives.live(place, life)]
        if codes[0] == 0:  # the point lies on the way of late replies or of the statements
            place.issue_statements()
            codes.append(lives.live(place, life))
        outcome = Outcome(1, checker.at_any_moment(place))
        if KILLED not in codes:
            if hit == 1:
                outcome.wrong.append(f"{point} is never passed")
            outcome.tried, outcome.skipped, outcome.why = 0, 1, "the way has no such passing"
        outcome.wrong = outcome.wrong or finish(place)
    return outcome
