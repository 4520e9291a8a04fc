"""Sessions cut, slowed and silenced by our own proxy, with each kind of payer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from faults import checker, documents, lives
from faults.house import PAYERS
from faults.lives import IN_TURN
from faults.proxy import KINDS, Proxy, Toxic
from faults.trials import Bench, Outcome, Trial, finish

BEGINS = 0.2  # of a session's bytes: where it is spoiled at the earliest


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    """`count` sessions for each kind of payer."""
    for kind in PAYERS:
        for number in range(count or 25):
            yield Trial("sessions", f"{kind} {number}", seed, {"payer": kind, "number": number})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    chance, kind = trial.chance, trial.facts["payer"]
    harm = KINDS[trial.facts["number"] % (len(KINDS) - 1)]  # a strike is for the rotations
    way = "down" if harm == "swallow" else chance.choice(("up", "down"))
    line, whole = chance.choice(sorted((n, size) for (n, w), size in _lengths(bench).items() if w == way))
    toxic = Toxic(harm, line, way, int(whole * chance.uniform(BEGINS, 1)))
    proxy = Proxy(toxic)
    try:
        with bench.house(kind, between=proxy.open) as place:
            place.deposit(documents.one_more(0))
            codes = [lives.live(place, IN_TURN)]
            outcome = Outcome(1, checker.at_any_moment(place))
            if any(codes):
                outcome.wrong.append(f"a cut line ended a life with {codes}: {toxic}")
            if not proxy.struck.is_set():
                outcome.tried, outcome.skipped, outcome.why = 0, 1, "the session ended before that byte"
            proxy.toxic = None
            place.issue_statements()
            outcome.wrong = outcome.wrong or finish(place, lives.ROUND, doubt=kind == "swallows")
            outcome.wrong = outcome.wrong and [str(toxic), *outcome.wrong]
            outcome.persons = place.persons
            return outcome
    finally:
        proxy.close()


def _lengths(bench: Bench) -> Mapping[tuple[int, str], int]:
    """Bytes of each session of a way out, either way, as it is when nothing is spoiled."""
    if not bench.sessions:
        proxy = Proxy()
        try:
            with bench.house(between=proxy.open) as place:
                place.deposit(documents.one_more(0))
                lives.live(place, IN_TURN)
        finally:
            proxy.close()
        bench.sessions.update(proxy.passed)
    return bench.sessions
