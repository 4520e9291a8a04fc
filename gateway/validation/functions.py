"""What the grammar cannot say: functions that rules name. Each begins anew with every document and sees only it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.catalog import Rule
from gateway.validation.facts import Facts
from gateway.validation.values import as_cents


class Function(Protocol):
    """One rule's function while one document is judged."""

    def see(self, invoice: Facts) -> None:
        """Hear of an invoice (or entry) as it passes."""

    def holds(self, facts: Facts) -> bool:
        """Whether the rule holds for this document, invoice or line."""


class UniqueInDocument:
    """No two invoices have the same value; the second one is the defect."""

    def __init__(self, rule: Rule) -> None:
        self._field, self._seen = rule.field or "number", set[str]()

    def see(self, invoice: Facts) -> None:
        """Nothing: what was judged was seen."""

    def holds(self, facts: Facts) -> bool:
        value = facts.first(self._field)
        fresh = value is None or value not in self._seen
        if value is not None:
            self._seen.add(value)
        return fresh


class SameInDocument:
    """Every invoice has the value of the first."""

    def __init__(self, rule: Rule) -> None:
        self._field, self._value = rule.field or "sender", ""

    def see(self, invoice: Facts) -> None:
        self._value = self._value or invoice.first(self._field) or ""

    def holds(self, facts: Facts) -> bool:
        return facts.first(self._field) in (None, self._value)


class AttestationDay:
    """The attestation number begins with the last digit of the year and the day of the year of a service."""

    def __init__(self, rule: Rule) -> None:
        self._field = rule.field or "attestation"

    def see(self, invoice: Facts) -> None:
        """Nothing: each invoice stands for itself."""

    def holds(self, facts: Facts) -> bool:
        value, days = facts.first(self._field), facts.service_dates()
        return value is None or not days or value[:4] in {f"{day:%Y}"[-1] + f"{day:%j}" for day in days}


class StatementTotals:
    """To the cent: total = sum of the entries; carried before + total - withheld = disbursed + carried after."""

    def __init__(self, _rule: Rule) -> None:
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


FUNCTIONS: Mapping[str, Callable[[Rule], Function]] = {
    "unique_in_document": UniqueInDocument,
    "same_in_document": SameInDocument,
    "attestation_day": AttestationDay,
    "statement_totals": StatementTotals,
}
