"""What the screen asks of invoices in columns: of values not seen before, and by whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from gateway.validation.checks import Check
from gateway.validation.columns import Column, Columns
from gateway.validation.looks import Group, Key
from gateway.validation.shapes import Row

_SERVICE = "service"


class Sweep:
    """What is asked of all blocks with the same columns."""

    def __init__(self, own: Sequence[Group], below: Sequence[Group], checks: Sequence[Check]) -> None:
        self._own, self._below, self._checks = own, below, checks

    def doubtful(self, rows: Columns, days: Sequence[date | None]) -> set[int]:
        """The places of the invoices that a rule may not hold for. `days`: when each was rendered."""
        found: set[int] = set()
        for group in self._own:
            found.update(_not_right(group, [rows.own[name] for name in group.names], len(rows)))
        for group in self._below:
            columns = [rows.below[name] for name in group.names]
            if group.dated:
                columns.append(list(rows.spread(rows.own.get(_SERVICE) or [None] * len(rows))))
            if wrong := _not_right(group, columns, rows.starts[-1]):
                owners = list(rows.owners())
                found.update([owners[line] for line in wrong])
        for check in self._checks:
            found.update(_unsure(check, rows, days))
        return found


def _not_right(group: Group, columns: Sequence[Column], size: int) -> Sequence[int]:
    """The places of values for which the rules of the group do not hold."""
    keys: list[Key] = list(zip(*columns, strict=True)) if columns else [()] * size
    wrong = {key for key in set(keys) - group.right if not group.learn(key)}
    return [place for place, key in enumerate(keys) if key in wrong] if wrong else ()


def _unsure(check: Check, rows: Columns, days: Sequence[date | None]) -> Sequence[int]:
    if check.unsure is not None:
        return check.unsure(rows, days)
    return [place for place, row in enumerate(rows) if not _is_sure(check, row, days[place])]


def _is_sure(check: Check, row: Row, day: date | None) -> bool:
    _, (shape, got), lines = row
    return check.sure is not None and check.sure(shape)(got, lines, day)
