"""What is tried, by whom, and what came of it."""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from faults import checker, house, lives
from faults.house import HERE, House, Model
from faults.lives import Life

FOLLOWED = "FAULTS_FOLLOWED"  # names a folder of all lanes: how the houses looked that were followed to their end
TURNS = 7  # lives after which a house is at work too long: more than the hour in which no third password is tried


@dataclass(frozen=True, slots=True)
class Trial:
    """One house to go through something. The same family, name, seed and facts do the same again."""

    family: str
    name: str
    seed: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def chance(self) -> random.Random:
        return random.Random(f"{self.family}/{self.name}/{self.seed}")


@dataclass(slots=True)
class Outcome:
    """How many faults were tried, what was wrong afterwards, and how many could not be tried here."""

    tried: int = 0
    wrong: list[str] = field(default_factory=list)
    skipped: int = 0
    why: str = ""  # they could not
    missing: str = ""  # what would have to be installed
    persons: int = 0  # how often a person had to give a password or to decide


class Family(Protocol):
    """One way of doing harm: a module with these."""

    def trials(self, count: int | None, seed: int, thorough: bool) -> Iterable[Trial]:
        """`count` bounds the trials (None: every one there is). `thorough`: the long plan."""

    def attempt(self, trial: Trial, bench: Bench) -> Outcome:
        """Do it."""


class Bench:
    """Where one lane tries: a folder with a template, made at first use."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gateway-faults-", dir=house.ground())
        self.place = Path(self._folder.name)
        self.models: dict[str, Model] = {}
        self.passed: dict[str, Counter[str]] = {}  # points passed on an unharmed way, by model
        self.lengths: dict[str, dict[tuple[int, str], int]] = {}  # bytes of each session, by kind of rotation
        self.sessions: dict[tuple[int, str], int] = {}  # bytes of each session of a way out

    def begin(self) -> None:
        """Make the template, where its copies will be."""
        if HERE not in self.models:
            self.models[HERE] = house.template(self.place)

    @contextmanager
    def house(self, kind: str = "dedups", model: str | None = None, **how: Any) -> Iterator[House]:
        """A new house (see `house.opened`), or a copy of one that was kept."""
        self.begin()
        with house.opened(self.place, self.models[model or HERE], kind, **how) as made:
            yield made

    def keep(self, place: House, name: str) -> None:
        """Let others begin as this one is now."""
        self.models[name] = house.kept(place, name)

    def follows(self, looks: str) -> bool:
        """Whether a house that looks so is to be followed to its end: the first one is, on whatever lane."""
        mark = Path(os.environ.get(FOLLOWED, self._folder.name)) / hashlib.sha256(looks.encode()).hexdigest()
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def close(self) -> None:
        self._folder.cleanup()


def finish(place: House, life: Life = lives.WHOLE, doubt: bool = False, later: Life | None = None) -> list[str]:
    """Start again and again, let the payer answer, let a person give passwords that nobody can know any more, until
    nothing is left to do; then everything must be right. `later`: how every life after the first is, if otherwise."""
    for turn in range(TURNS):
        code = lives.live(place, later if turn and later else life)
        if code != 0:
            return [f"a life without any fault ended with {code}"]
        issued = place.issue_statements()
        for number in checker.shut_out(place):
            place.give_password(number)
        if not issued and not place.undelivered() and not checker.unsettled(place):
            break
    return checker.at_rest(place, doubt)
