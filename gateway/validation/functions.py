"""What the grammar cannot say: functions that rules name. Each begins anew with every document and sees only it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from gateway.catalog import Rule
from gateway.tables import Tables
from gateway.validation.columns import Columns, firsts
from gateway.validation.facts import Facts
from gateway.validation.shapes import Part, Row, Shape
from gateway.validation.values import as_cents

DATES = "@dates"  # among what a function reads: the dates of service


@dataclass(frozen=True, slots=True)
class Given:
    """What a function begins with: its rule, the family's dated facts and code tables, and today, where it is known."""

    rule: Rule
    settings: Mapping[str, Any] = field(default_factory=dict)
    today: date | None = None
    tables: Tables = field(default_factory=dict)


# Of an invoice's own values, its lines, and the last of its dates of service.
SureOf = Callable[[Sequence[str], Sequence[Part], date | None], bool]
Sure = Callable[[Shape], SureOf]
Unsure = Callable[[Columns, Sequence[date | None]], Sequence[int]]


class Function(Protocol):
    """One rule's function while one document is judged.

    So that it need not be asked about every invoice of a lot it may have any of these (docs/speed.md):
    `about`: names of fields without any of which it holds (`invoice.x` for a line's invoice);
    `reads`: the fields that it looks at and nothing else, DATES for the dates of service: it says the same of the same;
    `sure(shape)(values, lines, last date of service)`: that it certainly holds for an invoice of that shape and its
    lines, and has nothing to remember;
    `unsure(columns, date of service of each)`: the places of those invoices for which `sure` says no;
    `each` and `each_reads`: as `ByLine` has them;
    `covers`: names of other functions that are sure, in both ways, wherever this one is;
    `passes(rows)`: that it certainly holds for all these invoices, remembering what it has to; False: it remembers
    nothing of them, and is asked. These count for rules of its `scope` ("invoice" where it says none).
    `again()`: forget the document; without it, one that remembers is made anew for the next.
    """

    def holds(self, facts: Facts) -> bool:
        """Whether the rule holds for this document, invoice or line."""


@runtime_checkable
class ByLine(Protocol):
    """A function about an invoice that is sure of it where it is sure of each of its lines."""

    each_reads: frozenset[str]

    def each(self, line: Facts, /) -> bool:
        """Whether an invoice of such lines certainly keeps the rule; looks at nothing but `each_reads` of a line."""


class Listener(Protocol):
    """A function that hears of each invoice (or entry) as it passes, before it or its lines are judged."""

    def see(self, invoice: Facts, /) -> None:
        """Hear of an invoice."""


class Teller(Protocol):
    """A function whose rule's sentences have `{placeholders}`."""

    def values(self, facts: Facts) -> Mapping[str, object]:
        """What fills them; asked only when the rule does not hold. Never a personal value."""


class UniqueInDocument:
    """No two invoices have the same value; the second one is the defect."""

    def __init__(self, given: Given) -> None:
        self._field = given.rule.field or "number"
        self._seen: set[str] = set()

    def again(self) -> None:
        self._seen.clear()

    def holds(self, facts: Facts) -> bool:
        value = facts.first(self._field)
        fresh = value is None or value not in self._seen
        if value is not None:
            self._seen.add(value)
        return fresh

    def passes(self, rows: Sequence[Row]) -> bool:
        values = [value for value in firsts(rows, self._field) if value is not None]
        different = set(values)
        fresh = len(different) == len(values) and self._seen.isdisjoint(different)
        if fresh:
            self._seen.update(different)
        return fresh


class SameInDocument:
    """Every invoice has the value of the first."""

    def __init__(self, given: Given) -> None:
        self._field = given.rule.field or "sender"
        self.again()

    def again(self) -> None:
        self._value = ""

    def see(self, invoice: Facts) -> None:
        self._value = self._value or invoice.first(self._field) or ""

    def holds(self, facts: Facts) -> bool:
        return facts.first(self._field) in (None, self._value)

    def passes(self, rows: Sequence[Row]) -> bool:
        values = {value for value in firsts(rows, self._field) if value is not None}
        same = len(values) < 2 and (not self._value or values <= {self._value})
        if same:
            self._value = next(iter(values), self._value)
        return same


class AttestationDay:
    """The attestation number begins with the last digit of the year and the day of the year of a service."""

    def __init__(self, given: Given) -> None:
        self._field = given.rule.field or "attestation"

    def holds(self, facts: Facts) -> bool:
        value, days = facts.first(self._field), facts.service_dates()
        return value is None or not days or value[:4] in {_attested(day) for day in days}

    def sure(self, shape: Shape) -> SureOf:
        at = shape.firsts.get(self._field)
        if at is None:
            return surely
        return lambda got, _lines, last: last is None or got[at][:4] == _attested(last)

    def unsure(self, rows: Columns, days: Sequence[date | None]) -> Sequence[int]:
        both = enumerate(zip(firsts(rows, self._field), days, strict=True))
        return [place for place, (value, day) in both if value is not None and day and value[:4] != _attested(day)]


@lru_cache(maxsize=4096)  # a lot has a handful of days
def _attested(day: date) -> str:
    return f"{day.year % 10}{day.timetuple().tm_yday:03d}"


class StatementTotals:
    """To the cent: total = sum of the entries; carried before + total - withheld = disbursed + carried after."""

    def __init__(self, _given: Given) -> None:
        self.again()

    def again(self) -> None:
        self._entries, self._sum = 0, 0

    def see(self, invoice: Facts) -> None:
        self._entries += 1
        self._sum += _cents(invoice, "paid")

    def holds(self, facts: Facts) -> bool:
        total, entries = _cents(facts, "total"), facts.first("entries")
        into = _cents(facts, "carried_before") + total - _cents(facts, "withheld")
        out_of = _cents(facts, "disbursed") + _cents(facts, "carried_after")
        return total == self._sum and into == out_of and (entries is None or entries.strip() == str(self._entries))


def _cents(facts: Facts, name: str) -> int:
    return as_cents(facts.first(name) or "0", facts.document.money) or 0


Maker = Callable[[Given], Function]


@dataclass(frozen=True, slots=True)
class Alone:
    """A function that begins with nothing and remembers nothing."""

    holds: Callable[[Facts], bool]
    about: frozenset[str] | None = None
    reads: frozenset[str] | None = None
    sure: Sure | None = None
    unsure: Unsure | None = None
    covers: Collection[str] = ()


def surely(_got: Sequence[str], _lines: Sequence[Part], _last: date | None) -> bool:
    """Of every invoice."""
    return True


def alone(
    holds: Callable[[Facts], bool],
    *about: str,
    reads: Collection[str] | None = None,
    sure: Sure | None = None,
    unsure: Unsure | None = None,
    covers: Collection[str] = (),
) -> Maker:
    """A plain function of facts as one that a rule can name; `about` and the others as `Function` has them."""
    made = Alone(holds, frozenset(about) or None, None if reads is None else frozenset(reads), sure, unsure, covers)
    return lambda _given: made


FUNCTIONS: Mapping[str, Maker] = {
    "unique_in_document": UniqueInDocument,
    "same_in_document": SameInDocument,
    "attestation_day": AttestationDay,
    "statement_totals": StatementTotals,
}
