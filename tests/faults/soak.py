"""Three days on end: 20,000 lots of 50 agencies in one process, one operation in 200 broken; nothing may grow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faults import ledgers
from faults.house import HERE
from faults.trials import Bench, Outcome, Trial

ROOT = Path(__file__).resolve().parents[2]
# How much more there may be at the end than after the first tenth: MiB resident, open files, threads, temporary files.
MARGINS = {"memory": 32, "files": 4, "threads": 0, "temporary": 0}


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    """One town; `count`: its lots."""
    if count:
        yield Trial("soak", f"{count} lots", seed, {"lots": count})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    folder, lots = bench.place / HERE, trial.facts["lots"]
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tmp").mkdir(parents=True)
    outcome, first = Outcome(lots), None
    with _town(folder, lots, trial.seed) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            print(_shown(told), flush=True)
            first = first or told
            outcome.wrong += ledgers.at_rest(folder) if told["last"] else ledgers.at_any_moment(folder)
            outcome.wrong += _grown(first, told) if told["last"] else []
            if outcome.wrong:
                process.kill()
                break
            process.stdin.write("\n")
            process.stdin.flush()
    if not outcome.wrong and (process.returncode or not told["last"]):
        outcome.wrong.append(f"the town ended with {process.returncode}")
    return outcome


def _town(folder: Path, lots: int, seed: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "faults.town72", str(folder), str(lots), str(seed)]
    around = surroundings() | {"TMPDIR": str(folder / "tmp")}
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=around)


def surroundings() -> dict[str, str]:
    """The environment of a process that knows the tests."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}


def _grown(first: Mapping[str, Any], last: Mapping[str, Any]) -> list[str]:
    wrong = [f"{last['lying']} files are still on their way"] if last["lying"] else []
    return wrong + [
        f"{what} grew from {first[what]} to {last[what]}, more than {margin}"
        for what, margin in MARGINS.items()
        if last[what] > first[what] + margin
    ]


def _shown(told: Mapping[str, Any]) -> str:
    size = ", ".join(f"{what} {told[what]}" for what in MARGINS)
    return f"soak {told['hours']:6.1f} h {told['lots']:6} lots: {size}, broken {sum(told['broken'].values())}"
