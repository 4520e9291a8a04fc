"""The facts of one moment's registry by what they are about, ready to be asked about any day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar, cast

from gateway.models.facts import Fact
from gateway.registry.timeline import Timeline
from gateway.store.registry import Tables

F = TypeVar("F", bound=Fact)
Key = TypeVar("Key")
Value = TypeVar("Value")
_EMPTY: Timeline[Any] = Timeline()


class Index:
    """Read-only and shared between threads: what is worked out on the first question is worked out the same by all."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._by: dict[tuple[type[Fact], tuple[str, ...]], dict[tuple[object, ...], list[Any]]] = {}
        self._timelines: dict[tuple[object, ...], Timeline[Any]] = {}

    def line(self, family: type[F], *subject: object, by: tuple[str, ...] | None = None) -> Timeline[F]:
        """The facts of the family about a subject; `by`: the columns that name it, when they are not its own."""
        columns = by or family.SUBJECT
        key = (family, columns, *subject)
        known = self._timelines.get(key)
        if known is None:
            facts = self._grouped(family, columns).get(subject)
            known = self._timelines[key] = Timeline(facts) if facts else _EMPTY
        return cast("Timeline[F]", known)

    def subjects(self, family: type[Fact]) -> list[tuple[Any, ...]]:
        """Every subject the family has a fact about, in order."""
        return sorted(self._grouped(family, family.SUBJECT))

    def _grouped(self, family: type[Fact], columns: tuple[str, ...]) -> dict[tuple[object, ...], list[Any]]:
        groups = self._by.get((family, columns))
        if groups is None:
            pairs = ((tuple(getattr(row, name) for name in columns), row) for row in self._tables.of(family))
            groups = self._by[family, columns] = grouped(pairs)
        return groups


def grouped(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    """The values of each key, in their order."""
    groups: dict[Key, list[Value]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)
