"""The steps a plan is made of (what each says, and what it writes), and the list they are collected in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from gateway.messages import Both, both
from gateway.models import Account, Agency
from gateway.store import Tx
from gateway.store import registry as rows

ADD, CHANGE, CLOSE = "+", "~", "-"


@dataclass(frozen=True)
class Step:
    """One line of a plan."""

    sign: str
    sentence: Both
    do: Callable[[Tx], None]


def adding(
    row: rows.Record, reason: str, facts: Mapping[str, object], then: Callable[[Tx], None] | None = None
) -> Step:
    """A step that inserts `row`; its sentence and its event are called `reason` and hold `facts`."""

    def do(tx: Tx) -> None:
        rows.add(tx, row, reason, plain(facts))
        if then is not None:
            then(tx)

    return Step(ADD, both(f"registry.{reason}", **_shown(facts)), do)


def changing(sign: str, row: rows.Record, changes: dict[str, Any], reason: str, facts: Mapping[str, object]) -> Step:
    """A step that changes columns of `row`."""
    return Step(
        sign,
        both(f"registry.{reason}", **_shown(facts)),
        lambda tx: rows.change(tx, row, changes, reason, plain(facts)),
    )


def setting_payers(agency: Agency, before: Iterable[str], payers: Iterable[str]) -> Step:
    """A step that gives the agency these payers, in this order."""
    facts = {"name": agency.name, "before": list(before), "after": list(payers)}
    sentence = both("registry.payers_set", **_shown(facts))
    return Step(CHANGE, sentence, lambda tx: rows.set_payers(tx, agency, facts["after"], facts))


def setting_practitioners(account: Account, before: set[str], practices: set[str]) -> Step:
    """A step that makes these the practitioners of the account."""
    facts = {"added": sorted(practices - before), "removed": sorted(before - practices)}
    sentence = both("registry.practitioners_set", account=account.id, **_shown(facts))
    return Step(CHANGE, sentence, lambda tx: rows.set_practitioners(tx, account, sorted(practices), facts))


@dataclass
class Work:
    """A plan in the making. `keys`: id of a row the file speaks of → where it does."""

    file: Path
    steps: list[Step] = field(default_factory=list)
    refusals: list[Both] = field(default_factory=list)
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
        self.refusals.append(both(f"registry.{why}", file=self.file, key=key, **facts))

    def change(
        self, row: rows.Record, wanted: Mapping[str, Any], reason: str, facts: Mapping[str, object], sign: str = CHANGE
    ) -> None:
        """Plan the values the row does not have yet, and give them to this copy of it."""
        changes = {key: value for key, value in wanted.items() if getattr(row, key) != value}
        if not changes:
            return
        words = [word for key, value in changes.items() for word in _differences(key, getattr(row, key), value)]
        self.steps.append(changing(sign, row, changes, reason, {**facts, "what": ", ".join(words)}))
        for key, value in changes.items():
            setattr(row, key, value)


def plain(facts: Mapping[str, object]) -> dict[str, Any]:
    """As an event keeps them: dates as text."""
    return {key: str(value) if isinstance(value, date) else value for key, value in facts.items()}


def _shown(facts: Mapping[str, object]) -> dict[str, object]:
    return {key: _word(value) for key, value in facts.items()}


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
    return "–" if value is None else str(value)
