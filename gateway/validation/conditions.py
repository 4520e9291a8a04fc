"""The closed grammar of rules (docs/formats.md), compiled once to closures. Nothing of it can call out.

An absent field satisfies everything but `exists`; of a field with several values every value must satisfy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gateway.errors import CatalogError
from gateway.validation.facts import Facts
from gateway.validation.values import as_date, as_number

Condition = Callable[[Facts], bool]


def compiled(must: Mapping[str, Any]) -> Condition:
    """A condition as a closure. Raises CatalogError when it is not of the grammar."""
    if len(must) != 1:
        raise CatalogError(f"a condition has one operator, this one has {sorted(must)}")
    operator, operand = next(iter(must.items()))
    make = _GRAMMAR.get(operator)
    if make is None:
        raise CatalogError(f"{operator!r} is no operator of a condition; they are {sorted(_GRAMMAR)}")
    try:
        return make(operand)
    except (TypeError, ValueError, KeyError, re.error) as error:
        raise CatalogError(f"the operand of {operator!r} cannot be used: {error}") from error


def mentioned(must: Mapping[str, Any]) -> frozenset[str]:
    """The fields a condition looks at, as it names them."""
    operator, operand = next(iter(must.items()))
    if operator == "exists":
        return frozenset({operand})
    if operator == "not":
        return mentioned(operand)
    if operator in ("and", "or"):
        return frozenset().union(*map(mentioned, operand))
    other = operand[1] if operator == "equals" and isinstance(operand[1], dict) else {}
    return frozenset({operand[0], *other.values()})


def _exists(name: str) -> Condition:
    return lambda facts: bool(facts.get(name))


def _equals(operand: list[Any]) -> Condition:
    name, value = operand
    if isinstance(value, dict):
        other = value["field"]
        return lambda facts: not facts.get(other) or all(v in facts.get(other) for v in facts.get(name))
    return _in([name, [value]])


def _in(operand: list[Any]) -> Condition:
    name, allowed = operand[0], frozenset(str(value) for value in operand[1])
    return _of_every(name, allowed.__contains__)


def _matches(operand: list[str]) -> Condition:
    name, pattern = operand[0], re.compile(operand[1])
    return _of_every(name, pattern.fullmatch)


def _of_every(name: str, test: Callable[[str], object]) -> Condition:
    """Asked of every line of a lot: hence no more than it takes."""
    if "." in name:
        return lambda facts: all(map(test, facts.get(name)))

    def holds(facts: Facts) -> bool:
        for value in facts.own.get(name, ()):  # noqa: SIM110 - quicker than all()
            if not test(value):
                return False
        return True

    return holds


def _between(operand: list[Any]) -> Condition:
    name, low, high = operand
    read = _reader(low if low != "" else high)
    lowest, highest = (None if bound == "" else _bound(bound) for bound in (low, high))

    def holds(facts: Facts) -> bool:
        values = [read(value, facts.document.date_format) for value in facts.get(name)]
        return all(
            (lowest is None or lowest <= value) and (highest is None or value <= highest)
            for value in values
            if value is not None
        )

    return holds


def _bound(bound: Any) -> Any:
    if isinstance(bound, bool | datetime) or not isinstance(bound, str | int | float | date):
        raise TypeError(f"{bound!r} is no bound")
    return Decimal(str(bound)) if isinstance(bound, int | float) else bound


def _reader(bound: Any) -> Callable[[str, str], Any]:
    """How a written value becomes comparable with a bound."""
    if isinstance(bound, date):
        return as_date
    if isinstance(bound, int | float):
        return lambda text, _form: as_number(text)
    return lambda text, _form: text


def _and(operands: list[Mapping[str, Any]]) -> Condition:
    parts = [compiled(operand) for operand in operands]
    return lambda facts: all(part(facts) for part in parts)


def _or(operands: list[Mapping[str, Any]]) -> Condition:
    parts = [compiled(operand) for operand in operands]
    return lambda facts: any(part(facts) for part in parts)


def _not(operand: Mapping[str, Any]) -> Condition:
    part = compiled(operand)
    return lambda facts: not part(facts)


_GRAMMAR: Mapping[str, Callable[[Any], Condition]] = {
    "exists": _exists,
    "equals": _equals,
    "in": _in,
    "between": _between,
    "matches": _matches,
    "and": _and,
    "or": _or,
    "not": _not,
}
