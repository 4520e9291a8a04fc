"""A kill, EIO and ENOSPC at each counted call of one canonical way: one lot, one document, one agency."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from faults import checker, documents, lives, tracing
from faults.house import House
from faults.lives import Life
from faults.shapes import shape
from faults.trials import Bench, Outcome, Trial, finish

IN_TURN = Life(in_turn=True)
QUARTER = 4  # one in so many calls also fails, in the quick plan
# What SQLite does within a transaction and the library to its socket is nine tenths of all calls; a kill between two
# of them is like one before or after: the quick plan draws one in so many of each.
WITHIN = {"pwrite64", "fdatasync", "ftruncate", "sendto"}
DRAWN = 32
# The way has two lives: to the payer, and back with its answer and its statement.
WAY = ("out", "back")


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    """Every call is counted first, on a way of its own. `thorough`: each of them also fails, else a quarter drawn; and
    each house is followed to its end, else only those that look like none before."""
    if tracing.STRACE is None:
        yield Trial("calls", "strace", seed, {"missing": "strace is not installed"})
        return
    bench = Bench()
    try:
        made = list(_points(bench, random.Random(seed), seed, thorough))
    except OSError as error:
        made = [Trial("calls", "strace", seed, {"missing": f"strace cannot attach: {error}"})]
    finally:
        bench.close()
    random.Random(seed).shuffle(made)  # so that a bounded count has some of each
    yield from made[:count]


def _points(bench: Bench, chance: random.Random, seed: int, thorough: bool) -> Iterator[Trial]:
    for life in WAY:
        with _begun(bench, life) as place:
            counts = tracing.counted(place, IN_TURN)
        for call, times in sorted(counts.items()):
            for nth in range(1, times + 1):
                if not thorough and call in WITHIN and chance.randrange(DRAWN):
                    continue
                harms = ["kill"]
                if thorough or chance.randrange(QUARTER) == 0:
                    harms += ["EIO", "ENOSPC"]
                for harm in harms:
                    facts = {"life": life, "call": call, "nth": nth, "harm": harm, "follow": thorough}
                    yield Trial("calls", f"{life}, {call} {nth}: {harm}", seed, facts)


def attempt(trial: Trial, bench: Bench) -> Outcome:
    if missing := trial.facts.get("missing"):
        return Outcome(skipped=1, missing=missing)
    with _begun(bench, trial.facts["life"]) as place:
        code = tracing.harmed(place, IN_TURN, trial.facts["call"], trial.facts["nth"], trial.facts["harm"])
        outcome = Outcome(1, checker.at_any_moment(place))
        if code == -1:
            outcome.wrong.append("the gateway hangs")
        if code == 0 and trial.facts["harm"] == "kill":  # the way is a few calls longer or shorter each time
            outcome.tried, outcome.skipped, outcome.why = 0, 1, "this time the way had fewer such calls"
        looks = shape(place)
        if not outcome.wrong and (trial.facts["follow"] or looks not in bench.followed):
            outcome.wrong = finish(place, IN_TURN)
            bench.followed.add(looks)
        outcome.persons = place.persons
    return outcome


@contextmanager
def _begun(bench: Bench, life: str) -> Iterator[House]:
    """A house at the beginning of a life. The way out is gone once, and copied."""
    if life == "back" and "answered" not in bench.models:
        with bench.house() as place:
            place.deposit(documents.single())
            assert lives.live(place, IN_TURN) == 0
            place.issue_statements()
            place.payer.stop()
            bench.keep(place, "answered")
    with bench.house(model="answered" if life == "back" else None) as place:
        if life == "out":
            place.deposit(documents.single())
        yield place
