"""Rules ready to be asked. Those that look at the same few fields are asked once about the same values of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.catalog import Rule
from gateway.validation.conditions import Condition
from gateway.validation.facts import Facts
from gateway.validation.functions import DATES, Teller

_MOST_KNOWN = 2000  # answers remembered by one group
_TRIED = 500  # questions after which a group must have known half of the answers


@dataclass(frozen=True, slots=True)
class Check:
    """A rule ready to be asked: one call says whether it holds."""

    number: int  # its place among the rules
    rule: Rule
    holds: Condition
    about: frozenset[str] | None  # where none of these fields is there it holds; None: always ask
    reads: frozenset[str] | None  # it looks at nothing of the invoice or line but these (and its kind); None: who knows
    teller: Teller | None = None

    def tell(self, facts: Facts) -> Rule:
        """The rule that does not hold, with its placeholders filled."""
        return self.rule if self.teller is None else _told(self.rule, self.teller.values(facts))


class Checks:
    """The checks of one kind of invoice (or line) with the same fields: a lot has thousands, of a handful of kinds."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._alone = [check for check in checks if check.reads is None]
        self._groups = [_Group(group) for group in _together([c for c in checks if c.reads is not None])]

    def broken(self, facts: Facts) -> list[Check]:
        """Those that do not hold, in the order of the rules."""
        found = [check for check in self._alone if not check.holds(facts)]
        for group in self._groups:
            found += group.broken(facts)
        if len(found) > 1:
            found.sort(key=_number)
        return found


class _Group:
    """Checks of the same fields. Where their values hardly ever repeat, nothing is remembered."""

    def __init__(self, checks: Sequence[Check]) -> None:
        reads = frozenset().union(*(check.reads or () for check in checks))
        self._dates, self._names = DATES in reads, sorted(reads - {DATES})
        self._checks = checks
        self._known: dict[tuple[object, ...], list[Check]] = {}
        self._asked = self._made = 0
        self._remembers = True

    def broken(self, facts: Facts) -> list[Check]:
        if not self._remembers:
            return self._ask(facts)
        own = facts.own
        key: tuple[object, ...] = tuple([tuple(own[name]) if name in own else None for name in self._names])
        if self._dates:
            key += (*facts.service_dates(),)
        self._asked += 1
        found = self._known.get(key)
        if found is None:
            found = self._learn(key, facts)
        return found

    def _learn(self, key: tuple[object, ...], facts: Facts) -> list[Check]:
        self._made += 1
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._remembers = self._asked < _TRIED or self._made * 2 < self._asked
        found = self._known[key] = self._ask(facts)
        return found

    def _ask(self, facts: Facts) -> list[Check]:
        return [check for check in self._checks if not check.holds(facts)]


def _together(checks: Sequence[Check]) -> list[list[Check]]:
    """Groups of checks, such that no field is looked at by two of them."""
    groups: list[tuple[frozenset[str], list[Check]]] = []
    for check in checks:
        reads, members = check.reads or frozenset(), [check]
        for others in [group for group in groups if not group[0].isdisjoint(reads)]:
            groups.remove(others)
            reads, members = reads | others[0], [*others[1], *members]
        groups.append((reads, members))
    return [members for _, members in groups]


def _number(check: Check) -> int:
    return check.number


def _told(rule: Rule, values: Mapping[str, object]) -> Rule:
    """The rule with its placeholders filled."""
    message = {lang: text.format_map(values) for lang, text in rule.message.items()}
    return replace(rule, message=message, next={lang: text.format_map(values) for lang, text in rule.next.items()})
