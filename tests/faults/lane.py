"""One lane: a process that tries one thing after the other in a folder of its own."""

from __future__ import annotations

import os
import shutil
import time
import traceback
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import forkserver
from multiprocessing.util import Finalize
from pathlib import Path

import structlog

from faults import plans
from faults.house import HERE
from faults.trials import Bench, Outcome, Trial


@dataclass(slots=True)
class Result:
    """An outcome, and where it came from. `harmless`: what was skipped was nothing that a richer system would have."""

    family: str
    name: str
    tried: int
    wrong: list[str] = field(default_factory=list)
    skipped: int = 0
    harmless: bool = True
    why: str = ""
    persons: int = 0
    seconds: float = 0.0


@cache
def _bench() -> Bench:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    bench = Bench()
    Finalize(None, _end, (bench,), exitpriority=100)  # atexit is not heard in a process of a pool
    return bench


def _end(bench: Bench) -> None:
    """Remove what was used, and wait for the parent of all lives: only then their processor time is known."""
    forkserver._forkserver._stop()
    bench.close()


def run_trial(trial: Trial) -> Result:
    """Try it; what breaks in the harness itself is wrong as well. FAULTS_KEEP: a folder for houses that went wrong."""
    started = time.monotonic()
    try:
        outcome = plans.FAMILIES[trial.family].attempt(trial, _bench())
    except Exception:
        outcome = Outcome(1, [traceback.format_exc()])
    if outcome.wrong and (keep := os.environ.get("FAULTS_KEEP")) and (_bench().place / HERE).exists():
        where = Path(keep) / f"{trial.family}-{trial.name}".replace("/", "_")
        shutil.copytree(_bench().place / HERE, where, dirs_exist_ok=True)
    return Result(
        trial.family,
        trial.name,
        outcome.tried,
        outcome.wrong,
        outcome.skipped,
        outcome.missing == "",
        outcome.why or outcome.missing,
        outcome.persons,
        time.monotonic() - started,
    )
