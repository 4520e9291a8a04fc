"""The steps a plan is made of (what each says, and what it writes), and the list they are collected in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from gateway.messages import Both, both
from gateway.models import Agency
from gateway.models.facts import ALWAYS
from gateway.store.registry_writes import Change, Insert, SetPayers, Thing, Write

ADD, CHANGE, CLOSE = "+", "~", "-"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a plan. `reason` and `facts` go into its event; the sentence is made when somebody reads it."""

    sign: str
    reason: str
    facts: Mapping[str, object]
    write: Write
    say: Callable[[], Both]

    @property
    def sentence(self) -> Both:
        """What it says, in both languages."""
        return self.say()


def adding(model: type[Thing], values: dict[str, Any], reason: str, facts: Mapping[str, object]) -> Step:
    """A step that makes something the facts may speak of; its sentence and its event are called `reason`."""
    return _step(ADD, reason, facts, Insert(model, values))


def setting_payers(agency: Agency, before: Iterable[str], payers: Iterable[str]) -> Step:
    """A step that gives the agency these payers, in this order."""
    facts = {"name": agency.name, "before": list(before), "after": list(payers)}
    return _step(CHANGE, "payers_set", facts, SetPayers(agency.id, tuple(payers)))


def _step(sign: str, reason: str, facts: Mapping[str, object], write: Write) -> Step:
    return Step(sign, reason, plain(facts), write, lambda: both(f"registry.{reason}", **shown(facts)))


@dataclass
class Work:
    """A plan in the making. `keys`: id of a row the file speaks of → where it does."""

    file: Path
    steps: list[Step] = field(default_factory=list)
    refusals: list[Both] = field(default_factory=list)
    warnings: list[Both] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def first(self, key: str) -> bool:
        """Whether the file speaks of this for the first time; a second time is refused."""
        if key in self.seen:
            self.refuse("said_twice", key)
            return False
        self.seen.add(key)
        return True

    def refuse(self, why: str, key: str, **facts: object) -> None:
        """The file contradicts itself, or what is known."""
        self.refusals.append(both(f"registry.{why}", file=self.file, key=key, **shown(facts)))

    def warn(self, why: str, key: str, **facts: object) -> None:
        """It may be true, but it is odd."""
        self.warnings.append(both(f"registry.{why}", file=self.file, key=key, **shown(facts)))

    def change(
        self,
        model: type[Thing],
        row: Any,
        wanted: Mapping[str, Any],
        reason: str,
        facts: Mapping[str, object],
        sign: str = CHANGE,
    ) -> None:
        """Plan the values the row does not have yet."""
        changes = {key: value for key, value in wanted.items() if getattr(row, key) != value}
        if changes:
            words = differences({key: getattr(row, key) for key in changes}, changes)
            self.steps.append(_step(sign, reason, {**facts, "what": words}, Change(model, row.id, changes)))


def plain(facts: Mapping[str, object]) -> dict[str, Any]:
    """As an event keeps them: dates as text."""
    return {key: str(value) if isinstance(value, date) else value for key, value in facts.items()}


def shown(facts: Mapping[str, object]) -> dict[str, object]:
    """As a sentence shows them."""
    return {key: _word(value) for key, value in facts.items()}


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """`language fr → en, active True → False`."""
    return ", ".join(word for key, new in after.items() for word in _differences(key, before.get(key), new))


def _differences(key: str, old: object, new: object) -> Iterator[str]:
    """`language fr → en`; of a mailbox only the settings that differ: `pickup.path a → b`."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield f"{key} {_word(old)} → {_word(new)}"
        return
    for inner in sorted(old.keys() | new.keys()):
        if old.get(inner) != new.get(inner):
            yield f"{key}.{inner} {_word(old.get(inner))} → {_word(new.get(inner))}"


def _word(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None or value == ALWAYS else str(value)
