"""What the screen asks of parts of one shape: groups of rules, and the values of which all of a group hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.validation.checks import Check
from gateway.validation.facts import Facts
from gateway.validation.fields import Values
from gateway.validation.functions import SureOf
from gateway.validation.shapes import Pick, Shape, picker

_LONG = 500  # characters of values that are not worth remembering
FactsOf = Callable[[Values, list[str] | None], Facts]  # of own values, and of the dates of service above a line
Key = tuple[str | None, ...]


class Group:
    """Rules that look at the same fields, and the values of these for which all of them hold. `dated`: of a line, whose
    invoice's dates of service are looked at too."""

    def __init__(self, checks: Sequence[Check], names: tuple[str, ...], facts: FactsOf, *, dated: bool) -> None:
        self._checks, self.names, self.dated, self._facts = checks, names, dated, facts
        self.right: set[Key] = set()

    def learn(self, key: Key) -> bool:
        """Ask the rules about values not seen before."""
        split = len(self.names)
        own: Values = {}
        for name, value in zip(self.names, key[:split], strict=True):
            if value is not None:
                own.setdefault(name, []).append(value)
        facts = self._facts(own, [day for day in key[split:] if day is not None] if self.dated else None)
        holds = all([check.holds(facts) for check in self._checks])  # noqa: C419 - quicker
        if holds and sum([len(value or "") for value in key]) < _LONG:
            self.right.add(key)
        return holds


class Look:
    """What is asked of every part of one shape."""

    __slots__ = ("_dated", "_groups", "always", "days", "lines", "rows")

    def __init__(self) -> None:
        self._groups: list[tuple[Pick, Group, set[Key]]] = []
        self._dated: list[tuple[Pick, Group]] = []
        self.rows: list[SureOf] = []  # of an invoice: what can say of it whole that a rule holds
        self.always = False  # some rule has to be asked about each
        self.days: Pick = picker(())  # of an invoice: its dates of service
        self.lines: dict[Shape, Look] = {}  # of an invoice: its lines, as of all with the same fields

    def add(self, pick: Pick, group: Group) -> None:
        if group.dated:
            self._dated.append((pick, group))
        else:
            self._groups.append((pick, group, group.right))

    def sure(self, got: Sequence[str], days: Sequence[str | None]) -> bool:
        """Whether every rule holds for these values."""
        for pick, group, right in self._groups:
            if (key := pick(got)) not in right and not group.learn(key):
                return False
        return not self._dated or all(self._sure_with(pick(got), group, days) for pick, group in self._dated)

    def all_known(self, parts: Sequence[Sequence[str]]) -> bool:
        """Whether every rule is known to hold for the values of all these."""
        if self.always or self._dated:
            return False
        return all([right.issuperset(map(pick, parts)) for pick, _, right in self._groups])  # noqa: C419 - quicker

    def _sure_with(self, own: Key, group: Group, days: Sequence[str | None]) -> bool:
        key = (*own, *days)
        return key in group.right or group.learn(key)
