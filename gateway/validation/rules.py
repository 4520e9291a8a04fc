"""The rules of one document type, compiled: which hold for a document, an invoice, a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from gateway.catalog import DocumentType, Rule
from gateway.errors import CatalogError
from gateway.validation.conditions import Condition, compiled
from gateway.validation.facts import Facts
from gateway.validation.functions import FUNCTIONS, Function


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    must: Condition | None
    function: Callable[[Rule], Function] | None


class RuleBook:
    """Every rule of a document type that needs only the document. Raises CatalogError for one that says nothing."""

    def __init__(self, document: DocumentType) -> None:
        self._rules = [_compile(rule) for rule in document.rules if rule.needs == "document"]
        self.for_lines = any(c.rule.scope == "line" for c in self._rules)
        self.not_checked = sorted({rule.code for rule in document.rules if rule.needs != "document"})

    def open(self) -> Judgment:
        """The book, for one document."""
        return Judgment([(c.rule, c.must, c.function and c.function(c.rule)) for c in self._rules])


class Judgment:
    """The rules while one document passes."""

    def __init__(self, rules: list[tuple[Rule, Condition | None, Function | None]]) -> None:
        self._rules = {
            scope: [entry for entry in rules if entry[0].scope == scope] for scope in ("document", "invoice", "line")
        }
        self._functions = [function for _, _, function in rules if function is not None]

    def see(self, invoice: Facts) -> None:
        """Let every function hear of an invoice, before it is judged."""
        for function in self._functions:
            function.see(invoice)

    def broken(self, scope: str, facts: Facts) -> Iterator[Rule]:
        """The rules of a scope that do not hold."""
        for rule, must, function in self._rules[scope]:
            if _applies(rule, facts) and not (
                (must is None or must(facts)) and (function is None or function.holds(facts))
            ):
                yield rule


def _compile(rule: Rule) -> _Compiled:
    if rule.must is None and rule.function is None:
        raise CatalogError(f"the rule {rule.code} has neither a condition nor a function")
    if rule.function is not None and rule.function not in FUNCTIONS:
        raise CatalogError(f"the rule {rule.code} names {rule.function!r}; there are {sorted(FUNCTIONS)}")
    must = compiled(rule.must) if rule.must is not None else None
    return _Compiled(rule, must, FUNCTIONS[rule.function] if rule.function else None)


def _applies(rule: Rule, facts: Facts) -> bool:
    if rule.kinds and facts.kind not in rule.kinds:
        return False
    if rule.service_from is None and rule.service_to is None:
        return True
    low, high = rule.service_from or date.min, rule.service_to or date.max
    return any(low <= day <= high for day in facts.service_dates())
