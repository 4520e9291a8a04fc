"""One lot of 100,000 invoices goes the whole way; the gateway's processes need little memory for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from faults import checker, documents
from faults.house import House
from faults.soak import surroundings
from faults.trials import Bench, Outcome, Trial

MOST = 400  # MiB: the gateway's process and the largest that judged, at their peaks, together
LIVES = 3  # there; the answer back; the statement


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    """One lot; `count`: its invoices."""
    if count:
        yield Trial("large", f"{count} invoices", seed, {"invoices": count})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    invoices = trial.facts["invoices"]
    outcome = Outcome(1)
    with bench.house() as place:
        place.deposit(documents.single(trial.seed, invoices))
        for life in range(LIVES):
            told = _life(place)
            print(
                f"large {invoices} invoices, life {life + 1}: " + ", ".join(f"{k} {v:.0f} MiB" for k, v in told.items())
            )
            if sum(told.values()) > MOST:
                outcome.wrong.append(f"life {life + 1} needed {sum(told.values()):.0f} MiB, more than {MOST}")
            place.issue_statements()
        outcome.wrong += checker.at_rest(place)
    return outcome


def _life(place: House) -> dict[str, float]:
    """MiB at most: of the gateway, of its slots."""
    place.pass_time()
    words = [sys.executable, "-m", "faults.largest", str(place.config), str(place.clock.minutes)]
    done = subprocess.run(words, env=surroundings(), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
