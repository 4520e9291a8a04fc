"""A disk that is full, or files that may not grow: what was begun is given up whole, and done once there is room."""

from __future__ import annotations

from collections.abc import Iterator

from faults import checker, documents, lives
from faults.house import HERE
from faults.lives import Life
from faults.power import laid, missing, mounted
from faults.trials import Bench, Outcome, Trial, finish

IN_TURN = Life(in_turn=True)
GROWS = 300_000  # bytes a house of one lot grows on its way, about


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    for number in range(count or 0):
        yield Trial("space", f"{'disk' if number % 2 else 'file'} {number}", seed, {"disk": bool(number % 2)})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    if not trial.facts["disk"]:
        with bench.house() as place:
            database = (place.folder / "var" / "gateway.db").stat().st_size
            largest = trial.chance.choice((trial.chance.randrange(1, 20_000), database + trial.chance.randrange(GROWS)))
            place.deposit(documents.one_more(0))
            lives.live(place, Life(in_turn=True, largest=largest))
            wrong = checker.at_any_moment(place) or finish(place, IN_TURN)
            return Outcome(1, wrong, persons=place.persons)
    if why := missing():
        return Outcome(skipped=1, missing=why)
    bench.begin()
    with mounted(bench.place / HERE) as disk, bench.house(lay=laid) as place:
        place.deposit(documents.one_more(0))
        used = sum(file.stat().st_size for file in place.folder.rglob("*") if file.is_file())
        disk.say(f"room {used + trial.chance.randrange(GROWS)}")
        lives.live(place, IN_TURN)
        disk.say("room 0")
        return Outcome(1, checker.at_any_moment(place) or finish(place, IN_TURN), persons=place.persons)
