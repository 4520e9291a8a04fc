"""Dated facts: learned, corrected, closed, reopened, withdrawn; each by a new version, the old one stays in history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from gateway.identifiers import new_id
from gateway.models.facts import Fact
from gateway.registry.called import LINES, Called, sentence
from gateway.registry.file import Dated
from gateway.registry.steps import ADD, CHANGE, CLOSE, Step, Work, differences, plain
from gateway.store import registry as rows
from gateway.store.registry_writes import Insert, Supersede, Write

Values = dict[str, Any]  # the columns of a version
Key = tuple[object, ...]


class DatedFacts:
    """Every dated fact of the registry, made into what the file says; `after` is the registry as it would be."""

    def __init__(self, work: Work, tables: rows.Tables, called: Called, complete: bool, today: date) -> None:
        self._work, self._called, self._complete, self.today = work, called, complete, today
        self._after: dict[type[Fact], dict[Key, dict[Key, Values]]] = {family: {} for family in tables.facts}
        self._mentioned: dict[type[Fact], set[Key]] = {family: set() for family in tables.facts}
        for family, found in tables.facts.items():
            for row in found:
                self._put(family, dict(row._mapping))

    def after(self, family: type[Fact]) -> Iterator[tuple[Key, list[Values]]]:
        """The facts of a family as they would be, subject by subject."""
        return ((subject, list(facts.values())) for subject, facts in self._after[family].items())

    def of(self, family: type[Fact], *subject: object) -> list[Values]:
        """The facts about one subject as they would be."""
        return list(self._after[family].get(subject, {}).values())

    def say(self, key: str, family: type[Fact], entry: Dated, values: Values) -> None:
        """Learn, correct, close or withdraw one fact. `values`: subject, value, and the corrigible columns it says."""
        wanted = {**values, "valid_from": entry.start}
        natural = _natural(family, wanted)
        if natural in self._mentioned[family]:
            self._work.refuse("said_twice", key)
            return
        self._mentioned[family].add(natural)
        known = self._after[family].get(natural[: len(family.SUBJECT)], {}).get(natural)
        if entry.retract:
            if known is not None:
                self.withdraw(family, known)
            return
        if known is None:
            self._learn(key, family, {**wanted, "valid_to": entry.to})
            return
        self._work.keys[known["id"]] = key
        changes = {name: values[name] for name in family.MORE if name in values and values[name] != known[name]}
        if ("to" in entry.model_fields_set or self._complete) and entry.to != known["valid_to"]:
            changes["valid_to"] = entry.to
        if changes:
            self._correct(key, family, known, changes)

    def mention(self, family: type[Fact], known: Values) -> None:
        """The file says of this fact what is known."""
        self._mentioned[family].add(_natural(family, known))

    def end(self, family: type[Fact], known: Values, last: date) -> None:
        """It holds until `last`; what only begins after that never was to be."""
        if known["valid_from"] > last:
            self.withdraw(family, known)
        else:
            self._correct(self._work.keys.get(known["id"], ""), family, known, {"valid_to": last})

    def withdraw(self, family: type[Fact], known: Values) -> None:
        """It never was true."""
        natural = _natural(family, known)
        del self._after[family][natural[: len(family.SUBJECT)]][natural]
        self._add(CLOSE, "retracted", family, known, Supersede(family, known["id"], None))

    def end_the_rest(self) -> None:
        """The file is complete: what it does not mention held until yesterday, and what was to begin never will."""
        yesterday = self.today - timedelta(days=1)
        for family in self._after:
            for values in [values for _, facts in self.after(family) for values in facts]:
                if _natural(family, values) not in self._mentioned[family] and not _over(values, yesterday):
                    self.end(family, values, yesterday)

    def lasting(self, family: type[Fact], *subject: object) -> list[Values]:
        """The facts about a subject that are not over yet."""
        yesterday = self.today - timedelta(days=1)
        return [values for values in self.of(family, *subject) if not _over(values, yesterday)]

    def _learn(self, key: str, family: type[Fact], wanted: Values) -> None:
        blank: Values = {name: None for name in family.model_fields if name not in LINES}
        values: Values = {**blank, **wanted, "id": new_id(family.PREFIX)}
        self._put(family, values)
        self._work.keys[values["id"]] = key
        self._add(ADD, "added", family, values, Insert(family, values))

    def _correct(self, key: str, family: type[Fact], known: Values, changes: Values) -> None:
        values = {name: value for name, value in known.items() if name not in LINES}
        values |= {**changes, "id": new_id(family.PREFIX)}
        self._put(family, values)
        self._work.keys[values["id"]] = key
        sign, act = _act(changes)
        changed = differences({name: known[name] for name in changes}, changes)
        self._add(sign, act, family, values, Supersede(family, known["id"], values), what=changed)

    def _add(self, sign: str, act: str, family: type[Fact], values: Values, write: Write, **more: object) -> None:
        words = self._called.words(values) | more
        word = family.word()
        self._work.steps.append(Step(sign, f"{word}_{act}", plain(words), write, lambda: sentence(word, act, words)))

    def _put(self, family: type[Fact], values: Values) -> None:
        natural = _natural(family, values)
        self._after[family].setdefault(natural[: len(family.SUBJECT)], {})[natural] = values


def _act(changes: Values) -> tuple[str, str]:
    if set(changes) != {"valid_to"}:
        return CHANGE, "corrected"
    return (CHANGE, "reopened") if changes["valid_to"] is None else (CLOSE, "closed")


def _natural(family: type[Fact], values: Mapping[str, Any]) -> tuple[object, ...]:
    """What makes two versions the same fact."""
    return tuple(values[name] for name in family.natural_columns())


def _over(values: Values, day: date) -> bool:
    return values["valid_to"] is not None and values["valid_to"] <= day
