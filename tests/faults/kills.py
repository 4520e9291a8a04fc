"""kill -9 at a moment drawn by chance, from the first milliseconds of a life to its end, again and again."""

from __future__ import annotations

import math
from collections.abc import Iterator

from faults import checker, documents, lives
from faults.lives import Life
from faults.trials import Bench, Outcome, Trial, finish

EACH = 8  # kills of one house
LOT_EVERY = 4  # kills
SHORTEST, LONGEST = 0.002, 2.0  # seconds a life is given
SLOTS = 10  # every so manieth house judges in processes of their own


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    for number in range(math.ceil((count or 200) / EACH)):
        yield Trial("kills", f"house {number}", seed, {"kills": min(EACH, (count or 200) - number * EACH)})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    """A life that ended before it was killed was none of the tries: another lot comes in, and it is tried again."""
    chance, outcome, lots = trial.chance, Outcome(), 0
    life = Life(slots=chance.randrange(SLOTS) == 0)
    with bench.house(chance.choice(("dedups", "keeps"))) as place:
        while outcome.tried < trial.facts["kills"] and not outcome.wrong:
            if outcome.tried >= LOT_EVERY * lots:
                place.deposit(documents.one_more(lots))
                lots += 1
            process = lives.begin(place, life)
            process.join(math.exp(chance.uniform(math.log(SHORTEST), math.log(LONGEST))))
            process.kill()
            if lives.end(process) == 0:
                place.deposit(documents.one_more(lots))
                lots += 1
            else:
                outcome.tried += 1
            if chance.random() < 0.2:
                place.issue_statements()
            outcome.wrong = checker.at_any_moment(place)
            for number in checker.shut_out(place):
                place.give_password(number)
        outcome.wrong = outcome.wrong or finish(place, later=lives.ROUND)
        outcome.persons = place.persons
    return outcome
