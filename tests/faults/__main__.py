"""Tries what was asked for on a few lanes at once, and prints what was tried, what passed, and the seed."""

from __future__ import annotations

import argparse
import json
import os
import resource
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from tempfile import TemporaryDirectory

from faults import plans
from faults.lane import Result, run_trial
from faults.trials import FOLLOWED, Trial

TOLD = 100  # houses between two signs of life


def main(arguments: list[str]) -> int:
    asked = _parsed(arguments)
    started = time.monotonic()
    trials = plans.trials(asked.plan, asked.only, asked.count, asked.seed)
    if asked.name:
        trials = (trial for trial in trials if asked.name in trial.name)
    print(f"{asked.lanes} lanes, seed {asked.seed}", flush=True)
    with TemporaryDirectory(prefix="gateway-faults-") as followed:
        os.environ[FOLLOWED] = followed
        results = _all_results(trials, asked.lanes, asked.stop)
    _table(results, asked.seed)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{time.monotonic() - started:.0f} s on the clock, {used.ru_utime + used.ru_stime:.0f} s of processor")
    wrong = [result for result in results if result.wrong]
    for result in wrong:
        print(f"\nWRONG {result.family}: {result.name}\n  " + "\n  ".join(result.wrong))
        print(
            f"  again: python -m faults {asked.plan} --only {result.family} --name '{result.name}' --seed {asked.seed}"
        )
    missing = [r for r in results if r.skipped and not r.harmless]
    if missing and os.environ.get("GATEWAY_TESTS_MUST_RUN"):
        print("GATEWAY_TESTS_MUST_RUN is set, but something could not be tried")
        return 1
    return 1 if wrong else 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("plan", choices=sorted(plans.PLANS), help="how much of each family")
    parser.add_argument("--only", action="append", help="this family (may be said several times)")
    parser.add_argument("--count", type=int, help="at most so many of each family, whatever the plan says")
    parser.add_argument("--name", help="only what has this in its name: to try again what went wrong")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FAULTS_SEED") or secrets.randbelow(10**6)))
    parser.add_argument("--lanes", type=int, default=int(os.environ.get("FAULTS_LANES") or os.cpu_count() or 1))
    parser.add_argument("--stop", action="store_true", help="stop at the first thing that is wrong")
    return parser.parse_args(arguments)


def _all_results(trials: Iterable[Trial], lanes: int, stop: bool) -> list[Result]:
    """The lanes begin with the first trials while the next ones are still looked for."""
    results = []
    with ProcessPoolExecutor(lanes, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(run_trial, trial) for trial in trials]
        print(f"{len(waiting)} houses", flush=True)
        for done in as_completed(waiting):
            results.append(done.result())
            if len(results) % TOLD == 0:
                print(f"{len(results)} of {len(waiting)}", flush=True)
            if results[-1].wrong:
                print(f"WRONG {results[-1].family}: {results[-1].name}", flush=True)
                if stop:
                    pool.shutdown(cancel_futures=True)
                    break
    return results


def _table(results: list[Result], seed: int) -> None:
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0, 0.0])
    reasons: dict[str, set[str]] = defaultdict(set)
    for result in results:
        passed = 0 if result.wrong else result.tried
        row = (result.tried, passed, result.skipped, result.persons, result.seconds)
        sums[result.family] = [a + b for a, b in zip(sums[result.family], row, strict=True)]
        reasons[result.family] |= {result.why} - {""}
    print(f"{'family':12}{'tried':>8}{'passed':>8}{'skipped':>9}{'persons':>9}{'seconds':>9}   seed")
    for family, (tried, passed, skipped, persons, seconds) in sums.items():
        line = f"{family:12}{tried:8.0f}{passed:8.0f}{skipped:9.0f}{persons:9.0f}{seconds:9.0f}   {seed}"
        print(line + "".join(f"   ({why})" for why in sorted(reasons[family])))
    print(
        json.dumps({"seed": seed, **{family: {"tried": int(s[0]), "passed": int(s[1])} for family, s in sums.items()}})
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
