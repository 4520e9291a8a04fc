"""Functions about code tables: a code that certainly does not hold, and one that a table may be too old to know.

A rule's `field` holds the codes; `[settings.tables]` says which table they are of. Our own small sets are examples and
never say that a code is missing. `[settings.tables_where]` may say of a field that it is of the table only where
another field of the invoice or line has a certain value (`locality = { locality_kind = "3" }`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from gateway.catalog import Rule
from gateway.tables import Table, Tables
from gateway.validation.facts import Facts
from gateway.validation.functions import DATES, Given, Maker

_MOST = 20_000  # answers remembered: codes times days of service
RIGHT, UNSURE, WRONG = "right", "unsure", "wrong"


def versions_for(rule: Rule, settings: Mapping[str, Any], tables: Tables) -> list[Table]:
    """The operator's versions of the table that a rule's field is of, oldest first; none where there are only ours."""
    known = tables.get(settings.get("tables", {}).get(rule.field or "", ""), ())
    return [table for table in known if not table.ours]


class _InTable:
    said = RIGHT  # the answer that breaks the rule

    def __init__(self, given: Given) -> None:
        self._field = given.rule.field or ""
        self._versions = versions_for(given.rule, given.settings, given.tables)
        self._where: Mapping[str, str] = given.settings.get("tables_where", {}).get(self._field, {})
        self._answers: dict[tuple[str, date], str] = {}
        self.about = frozenset({self._field})
        self.reads = frozenset({self._field, DATES, *self._where})

    def holds(self, facts: Facts) -> bool:
        if any(facts.first(field) != value for field, value in self._where.items()):
            return True
        return not any(
            self._answer(code, day) == self.said
            for code in facts.own.get(self._field, ())
            for day in facts.service_dates()
        )

    def _answer(self, code: str, day: date) -> str:
        if (code, day) not in self._answers:
            if len(self._answers) >= _MOST:
                self._answers.clear()
            self._answers[code, day] = answer(self._versions, code, day)
        return self._answers[code, day]


class Valid(_InTable):
    """No code is one that did not hold on the day of service, as far as the tables are certain."""

    said = WRONG


class Listed(_InTable):
    """No code is missing from a table that was made before the day of service (or long after it)."""

    said = UNSURE


def answer(versions: Sequence[Table], code: str, day: date) -> str:
    """What the version in force that day says of a code. That a code is missing is certain only where the version's own
    time covers the day: a later version ended it, or it is of that very day."""
    before = [table for table in versions if table.since <= day]
    table = before[-1] if before else versions[0]
    if code in table.rows:
        return RIGHT if any(row.holds(day) for row in table.rows[code]) else WRONG
    covers = bool(before) and (table.since == day or table is not versions[-1])
    return WRONG if covers else UNSURE


FUNCTIONS: Mapping[str, Maker] = {"code_valid": Valid, "code_listed": Listed}
