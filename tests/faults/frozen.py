"""A worker frozen past its lease while another one goes on, and a second service on the same state."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from faults import checker, documents, lives
from faults.house import APART
from faults.lives import IN_TURN, Life
from faults.points import POINTS
from faults.trials import Bench, Outcome, Trial, finish

LEASE = 2.0  # seconds
PATIENCE = 60.0


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    """At every point that the source names, first passing; each with another worker meanwhile, and alone."""
    wanted = [(point, other) for point in POINTS for other in (True, False)]
    for point, other in wanted[: count or None]:
        name = f"{point}, {'another goes on' if other else 'alone'}"
        yield Trial("frozen", name, seed, {"point": point, "other": other})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    """The other one begins a minute before the frozen one's own time: only the lease that ended lets it in."""
    with bench.house() as place:
        place.more = f"lease_seconds = {LEASE}\n"
        place.settings(place.port)
        place.deposit(documents.one_more(0))
        life = Life(trial.facts["point"], in_turn=True, freezes=True)
        sleeper = lives.begin(place, life)
        if not _asleep(sleeper.pid or 0):
            lives.end(sleeper)
            place.issue_statements()
            sleeper = lives.begin(place, life)
        if not _asleep(sleeper.pid or 0):
            lives.end(sleeper)
            return Outcome(skipped=1, why="the point was not passed", wrong=finish(place, IN_TURN))
        wrong = [] if lives.live(place, IN_TURN) else ["a second service began on the same state"]
        time.sleep(LEASE + 0.5)
        if trial.facts["other"]:
            place.pass_time(-2 * APART)  # so that its clock is the sleeper's own
            lives.live(place, Life(in_turn=True, beside=True))
        os.kill(sleeper.pid or 0, signal.SIGCONT)
        lives.end(sleeper)
        wrong += checker.at_any_moment(place)
        return Outcome(1, wrong or finish(place, IN_TURN), persons=place.persons)


def _asleep(pid: int) -> bool:
    """Wait until a process stops (SIGSTOP), or is no more."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state in "TZX":
            return state == "T"
        time.sleep(0.02)
    return False
