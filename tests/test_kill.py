"""The gateway is killed at every named point between two durable writes, started again, and nothing is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.checker import undelivered, violations
from support.killed import KILLED, House, house, live

from gateway import credentials
from gateway.stages import collect, distribute, match, receive, transmit, validate

ROOMS = (collect, validate, credentials, transmit, receive, match, distribute)
POINTS = [point for room in ROOMS for point in room.POINTS]
# Passed only when something goes wrong on the way; their own rooms' tests visit them.
ONLY_IN_TROUBLE = {"transmit.failed", "transmit.answered", "credentials.refused", "validate.asked"}


def test_the_whole_way_without_a_kill(tmp_path: Path) -> None:
    with house(tmp_path) as place:
        _live_on(place)
        assert violations(place) == []
        assert {d.times for d in place.payer.journal()} == {1}


@pytest.mark.parametrize("point", [p for p in POINTS if p not in ONLY_IN_TROUBLE])
@pytest.mark.parametrize("hit", [1, 2])
def test_killed_at(point: str, hit: int, tmp_path: Path) -> None:
    with house(tmp_path) as place:
        codes = [live(place, point, hit)]
        if codes[0] == 0:  # the point lies on the way of late replies or of the statements
            place.issue_statements()
            codes.append(live(place, point, hit))
        assert KILLED in codes or hit == 2, f"{point} is never passed"
        _live_on(place)
        assert violations(place) == []


def _live_on(place: House) -> None:
    """Start again, let the payer answer and issue its statements, until nothing lies uncollected."""
    for _ in range(4):
        assert live(place) == 0
        place.issue_statements()
        if not undelivered(place):
            return
    raise AssertionError("the payer's return boxes never empty")
