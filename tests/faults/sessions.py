"""Sessions cut, slowed and silenced by our own proxy, with each kind of payer."""

from __future__ import annotations

from collections.abc import Iterator

from faults import checker, documents, lives
from faults.house import PAYERS
from faults.lives import Life
from faults.proxy import KINDS, Proxy, Toxic
from faults.trials import Bench, Outcome, Trial, finish

IN_TURN = Life(in_turn=True)
LINES = 4  # one of the first so many connections is spoiled
FARTHEST = {"up": 9000, "down": 6000}  # bytes; beyond the end of a session of this house nothing is spoiled


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    """`count` sessions for each kind of payer."""
    for kind in PAYERS:
        for number in range(count or 25):
            yield Trial("sessions", f"{kind} {number}", seed, {"payer": kind, "number": number})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    chance, kind = trial.chance, trial.facts["payer"]
    harm = KINDS[trial.facts["number"] % (len(KINDS) - 1)]  # a strike is for the rotations
    way = "down" if harm == "swallow" else chance.choice(("up", "down"))
    toxic = Toxic(harm, chance.randrange(LINES), way, chance.randrange(FARTHEST[way]))
    proxy = Proxy(toxic)
    try:
        with bench.house(kind, between=proxy.open) as place:
            place.deposit(documents.one_more(0))
            codes = [lives.live(place, IN_TURN)]
            if not proxy.struck.is_set():  # it lies on the way back
                place.issue_statements()
                codes.append(lives.live(place, IN_TURN))
            outcome = Outcome(1, checker.at_any_moment(place))
            if any(codes):
                outcome.wrong.append(f"a cut line ended a life with {codes}: {toxic}")
            if not proxy.struck.is_set():
                outcome.tried, outcome.skipped, outcome.why = 0, 1, "the session ended before that byte"
            proxy.toxic = None
            outcome.wrong = outcome.wrong or finish(place, IN_TURN, doubt=kind == "swallows")
            outcome.wrong = outcome.wrong and [str(toxic), *outcome.wrong]
            outcome.persons = place.persons
            return outcome
    finally:
        proxy.close()
