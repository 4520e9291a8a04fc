"""A kill, EIO and ENOSPC at each counted call of one canonical way: one lot, one document, one agency."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from faults import checker, documents, doorman, lives, tracing
from faults.house import House
from faults.lives import Life
from faults.moments import Moments
from faults.shapes import shape
from faults.tracing import HANGS
from faults.trials import Bench, Outcome, Trial, finish

QUARTER = 4  # one in so many calls also fails, in the quick plan
STRETCH = 100  # calls of one house that is killed
EIGHTH = 8  # one house in so many is followed to its end in the long plan, though it looks like one before


@dataclass(frozen=True, slots=True)
class Part:
    """One life on the way. `after`: the one before it; `answered`: in between the payer answers, and issues its
    statement; `stages`: the only ones that have their turn (none: all)."""

    name: str
    after: str = ""
    answered: bool = False
    stages: tuple[str, ...] = ()

    @property
    def life(self) -> Life:
        """Each stage once: a second round of them all would find nothing to do."""
        return Life(in_turn=True, once=True, stages=self.stages)


# The way has two lives: to the payer, and back with its answer and its statement.
WHOLE = (Part("out"), Part("back", "out", answered=True))
REST = ("deadlines", "anchor", "rotate", "watch", "tell", "key", "backup")
# The same way, each stage that has something to do in a life of its own: whatever befalls a call, only the stage it
# belongs to is gone through again (the quick plan).
SHORT = (
    Part("collected", stages=("collect",)),
    Part("judged", "collected", stages=("validate",)),
    Part("sent", "judged", stages=("transmit",)),
    Part("asked", "sent", stages=("receive",)),
    Part("noted", "asked", stages=("match",)),
    Part("told", "noted", stages=("distribute",)),
    Part("rested", "told", stages=REST),
    Part("fetched", "rested", answered=True, stages=("collect", "validate", "transmit", "receive")),
    Part("matched", "fetched", stages=("match",)),
    Part("returned", "matched", stages=("distribute",)),
    Part("ended", "returned", stages=REST),
)
OPENED = Life(in_turn=True, once=True, stages=("none",))  # begins, and gives no stage its turn
PARTS = {part.name: part for part in (*WHOLE, *SHORT)}


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    """Every call is counted first, on a way of its own. A kill at each; errors at each (`thorough`) or at a quarter."""
    if why := doorman.missing():
        yield Trial("calls", "stopped", seed, {"missing": why})
        return
    bench = Bench()
    try:
        made = [trial for part in (WHOLE if thorough else SHORT) for trial in _of_part(bench, part, seed, thorough)]
    except OSError as error:
        made = [Trial("calls", "stopped", seed, {"missing": f"system calls cannot be stopped: {error}"})]
    finally:
        bench.close()
    random.Random(seed).shuffle(made)  # so that a bounded count has some of each
    yield from made[:count]


def _of_part(bench: Bench, part: Part, seed: int, thorough: bool) -> Iterator[Trial]:
    """Where the way only goes on in another life, what that one does before its first stage is no part of the way."""
    calls = _counted(bench, part, part.life)
    opening = len(_counted(bench, part, OPENED)) if part.after and not part.answered else 0
    facts = {"part": part.name, "more": thorough}
    for first in range(opening, len(calls), STRETCH):
        last = first + STRETCH
        bounds = {"first": first, "last": last if last < len(calls) else None}
        yield Trial("calls", f"{part.name}, killed at {first + 1} to {min(last, len(calls))}", seed, facts | bounds)
    chance = random.Random(f"{part.name}/{seed}")
    for call, nth in calls[opening:]:
        if thorough or chance.randrange(QUARTER) == 0:
            for harm in tracing.ERRORS:
                what = {"call": call, "nth": nth, "harm": harm}
                yield Trial("calls", f"{part.name}, {call} {nth}: {harm}", seed, facts | what)


def _counted(bench: Bench, part: Part, life: Life) -> list[tuple[str, int]]:
    with _begun(bench, part) as place:
        return tracing.counted(place, life)


def attempt(trial: Trial, bench: Bench) -> Outcome:
    if missing := trial.facts.get("missing"):
        return Outcome(skipped=1, missing=missing)
    return _failed(trial, bench) if "harm" in trial.facts else _killed(trial, bench)


def _failed(trial: Trial, bench: Bench) -> Outcome:
    """One call is not done, and said to have failed."""
    facts, part = trial.facts, PARTS[trial.facts["part"]]
    with _begun(bench, part) as place:
        wanted = (facts["call"], facts["nth"])
        code = tracing.traced(place, part.life, lambda *call: facts["harm"] if call == wanted else "")
        outcome = Outcome(1, checker.at_any_moment(place))
        if code == HANGS:
            outcome.wrong.append("the gateway hangs")
        if not outcome.wrong and (bench.follows(shape(place)) or _drawn(trial.facts, trial.chance)):
            outcome.wrong = _followed(place)
        outcome.persons = place.persons
    return outcome


def _killed(trial: Trial, bench: Bench) -> Outcome:
    """One life waits at each call and is looked at there, as if it died; where the house looks like none before it does
    die, is followed to the end, and another one goes the same way beyond that call."""
    outcome, facts, chance = Outcome(), trial.facts, trial.chance
    part = PARTS[facts["part"]]
    done, over = facts["first"], False
    while not (over or outcome.wrong):
        with _begun(bench, part) as place:
            walk = _Walk(bench, Moments(place), done, facts["last"], lambda: _drawn(facts, chance))
            code = tracing.traced(place, part.life, walk.judge)
            outcome.tried += walk.at - done
            outcome.wrong = walk.wrong + ["the gateway hangs"] * (code == HANGS)
            if walk.follows and not outcome.wrong:
                outcome.wrong = checker.at_any_moment(place) or _followed(place)
            done, over = walk.at, not walk.follows
            outcome.wrong = outcome.wrong and [f"killed at call {done}", *outcome.wrong]
            outcome.persons += place.persons
    return outcome


@dataclass
class _Walk:
    """From call to call. `at`: calls that were looked at, by this walk or those before it."""

    bench: Bench
    moments: Moments
    at: int
    last: int | None  # call; None: the last one there is
    drawn: Callable[[], bool]  # whether it is followed whatever it looks like
    passed: int = 0
    wrong: list[str] = field(default_factory=list)
    follows: bool = False

    def judge(self, call: str, nth: int) -> str:
        del call, nth
        self.passed += 1
        if self.passed <= self.at:
            return ""
        if self.at == self.last:
            return "kill"
        self.at += 1
        if not self.moments.new():
            return ""
        self.wrong = self.moments.wrong()
        self.follows = not self.wrong and (self.bench.follows(self.moments.shape) or self.drawn())
        return "kill" if self.wrong or self.follows else ""


def _followed(place: House) -> list[str]:
    """To its end. What the payer has already it answers while the gateway is down."""
    place.issue_statements()
    return finish(place, lives.ROUND)


def _drawn(facts: dict[str, Any], chance: random.Random) -> bool:
    return facts["more"] and chance.randrange(EIGHTH) == 0


@contextmanager
def _begun(bench: Bench, part: Part) -> Iterator[House]:
    """A house at the beginning of a part. The way up to there is gone once, and copied."""
    if part.after and part.name not in bench.models:
        before = PARTS[part.after]
        with _begun(bench, before) as place:
            assert lives.live(place, before.life) == 0
            if part.answered:
                place.issue_statements()
            place.payer.stop()
            bench.keep(place, part.name)
    with bench.house(model=part.name if part.after else None) as place:
        if not part.after:
            place.deposit(documents.single())
        yield place
