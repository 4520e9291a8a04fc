"""The rules of one document type, compiled: which hold for a document, an invoice, a line."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

from gateway.catalog import DocumentType, Rule
from gateway.errors import CatalogError
from gateway.validation import functions, functions_dates, functions_lines, functions_people, functions_tables
from gateway.validation.checks import Check
from gateway.validation.conditions import Condition, compiled, mentioned
from gateway.validation.facts import Facts
from gateway.validation.functions import DATES, Alone, ByLine, Function, Given, Listener, Maker, Teller
from gateway.validation.functions_lines import NEED_LINES
from gateway.validation.functions_tables import versions_for
from gateway.validation.screen import Screen

FUNCTIONS: Mapping[str, Maker] = {
    **functions.FUNCTIONS,
    **functions_people.FUNCTIONS,
    **functions_dates.FUNCTIONS,
    **functions_lines.FUNCTIONS,
    **functions_tables.FUNCTIONS,
}


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    must: Condition | None
    function: Maker | None
    about: frozenset[str] | None = None  # what `Check` says of these two, where there is a condition and no function
    reads: frozenset[str] | None = None
    near: bool = False


class RuleBook:
    """Every rule of a document type that needs only the document, or today's date or a code table as well. Raises
    CatalogError for one that says nothing."""

    def __init__(self, document: DocumentType) -> None:
        self._document = document
        self._today: date | None = None
        self._severities: Mapping[str, str] = {}
        self._rules = [_compile(rule, document) for rule in document.rules if rule.needs in _JUDGED_HERE]
        self._asked: list[_Compiled] | None = None
        self._idle: list[Judgment] = []  # that have forgotten their document
        self._unasked: list[str] | None = None
        self._screen = Screen(document)
        self.for_lines = any(c.rule.scope == "line" or c.rule.function in NEED_LINES for c in self._rules)

    def on(self, today: date | None, severities: Mapping[str, str] | None = None) -> RuleBook:
        """The same book on a day (without one, the rules that need it are not asked), with other severities by code."""
        book = copy.copy(self)
        book._today, book._severities, book._idle = today, severities or {}, []
        book._asked = book._unasked = None
        book._screen = Screen(self._document)
        return book

    @property
    def not_checked(self) -> list[str]:
        """The codes nothing can be said about here: they need the registry, the past, a date nobody gave, or a table
        nobody imported."""
        if self._unasked is None:
            self._unasked = sorted({rule.code for rule in self._document.rules if not self._can_ask(rule)})
        return self._unasked

    def open(self) -> Judgment:
        """The book, for one document."""
        if self._idle:
            return self._idle.pop()
        if self._asked is None:
            self._asked = self._told()
        made = [_check(number, c, self._document, self._today) for number, c in enumerate(self._asked)]
        return Judgment(made, self._screen)

    def close(self, judgment: Judgment) -> None:
        """Keep it for the next document, where all of it forgets this one."""
        if len(self._idle) < _MOST_IDLE and judgment.forget():
            self._idle.append(judgment)

    def _told(self) -> list[_Compiled]:
        """What is asked on this day, as severe as somebody wants it."""
        asked = [c for c in self._rules if self._can_ask(c.rule)]
        return [replace(c, rule=with_severity(c.rule, self._severities)) for c in asked]

    def _can_ask(self, rule: Rule) -> bool:
        if rule.needs == "tables":
            return bool(versions_for(rule, self._document.settings, self._document.tables))
        return rule.needs == "document" or (rule.needs == "today" and self._today is not None)


def with_severity(rule: Rule, severities: Mapping[str, str]) -> Rule:
    """The rule as somebody wants it; one that speaks for the payer stays as it is."""
    wanted = severities.get(rule.code)
    if wanted is None or rule.authority in SPEAKS_FOR_THE_PAYER:
        return rule
    return replace(rule, severity=wanted)


class Judgment:
    """The rules while one document passes, asked about one invoice, one line. `screen` tells of many at once."""

    def __init__(self, checks: Sequence[tuple[Check, Listener | None]], screen: Screen) -> None:
        self.checks, self.screen = [check for check, _ in checks], screen
        self._shapes: dict[tuple[str, str | None, frozenset[str]], list[Check]] = {}
        self._listeners = [(check.number, listener) for check, listener in checks if listener is not None]
        self.of_document = any(check.rule.scope == "document" for check in self.checks)
        self._again = [check.again for check in self.checks if check.again is not None]
        self._forgets = all(check.forgets or check.again is not None for check in self.checks)

    def forget(self) -> bool:
        """Begin anew, for the next document; whether every rule can."""
        for again in self._again:
            again()
        return self._forgets

    def see(self, invoice: Facts, passed: Collection[int] = ()) -> None:
        """Let every function that listens hear of an invoice, before it is judged; but not those that let it pass."""
        for number, listener in self._listeners:
            if number not in passed:
                listener.see(invoice)

    def broken(self, scope: str, facts: Facts, passed: Collection[int] = ()) -> list[Rule]:
        """The rules of a scope that do not hold. Those that let it pass are not asked."""
        there = frozenset(facts.own)
        if scope == "line":
            there |= {f"invoice.{name}" for name in facts.above.get("invoice", ())}
        shape = (scope, facts.kind, there)  # a lot has thousands of invoices, and a handful of these
        asked = self._shapes.get(shape)
        if asked is None:
            asked = self._asked(*shape)
        return [check.tell(facts) for check in asked if check.number not in passed and not check.holds(facts)]

    def _asked(self, scope: str, kind: str | None, there: frozenset[str]) -> list[Check]:
        """The checks of a scope that a kind of invoice with these fields could fail."""
        asked = [c for c in self.checks if c.rule.scope == scope and c.is_about(kind) and c.may_be_about(there)]
        if len(self._shapes) < _MOST_SHAPES:
            self._shapes[scope, kind, there] = asked
        return asked


_JUDGED_HERE = ("document", "today", "tables")
SPEAKS_FOR_THE_PAYER = ("official", "letter")
_MOST_IDLE = 2
_MOST_SHAPES = 2000  # remembered: a hostile document may invent names for ever


def _compile(rule: Rule, document: DocumentType) -> _Compiled:
    if rule.must is None and rule.function is None:
        raise CatalogError(f"the rule {rule.code} has neither a condition nor a function")
    if rule.function is not None and rule.function not in FUNCTIONS:
        raise CatalogError(f"the rule {rule.code} names {rule.function!r}; there are {sorted(FUNCTIONS)}")
    must = compiled(rule.must) if rule.must is not None else None
    near = rule.must is not None and any(name.startswith("document.") for name in mentioned(rule.must))
    if rule.function is not None:
        return _Compiled(rule, must, FUNCTIONS[rule.function], near=near)
    return _Compiled(rule, must, None, _about(rule, must, document), _reads(rule), near)


def _check(number: int, c: _Compiled, document: DocumentType, today: date | None) -> tuple[Check, Listener | None]:
    function = c.function(Given(c.rule, document.settings, today, document.tables)) if c.function else None
    about, reads = c.about, c.reads
    shortcuts: dict[str, Any] = {}
    if c.must is None:
        about, reads = getattr(function, "about", None), getattr(function, "reads", None)
        shortcuts = _shortcuts(number, c.rule, function)
    holds = _both(c.must, function)
    if c.rule.service_from is not None or c.rule.service_to is not None:
        holds, reads = _while_in_force(c.rule, holds), None if reads is None else reads | {DATES}
        shortcuts.pop("passes", None)  # what was not in force is not to be remembered
    teller = cast(Teller, function) if hasattr(function, "values") else None
    listener = cast(Listener, function) if hasattr(function, "see") else None
    again, hears = getattr(function, "again", None), listener is not None
    forgets = _looks_no_further(function) and not hears and not hasattr(function, "passes")
    more: dict[str, Any] = {"teller": teller, "hears": hears, "forgets": forgets, "again": again, "near": c.near}
    return Check(number, c.rule, holds, about, reads, **shortcuts, **more), listener


def _shortcuts(number: int, rule: Rule, function: Function | None) -> dict[str, Any]:
    """Why a function need not be asked about every invoice; in another scope than its own it would look at the wrong
    fields."""
    if rule.scope != getattr(function, "scope", "invoice"):
        return {}
    found = {
        name: getattr(function, name) for name in ("sure", "unsure", "covers", "passes") if hasattr(function, name)
    }
    if isinstance(function, ByLine):
        found["each"] = Check(number, replace(rule, scope="line"), function.each, None, function.each_reads)
    return found


def _looks_no_further(function: Function | None) -> bool:
    """Whether it certainly looks at nothing but the invoice or line that it is asked about."""
    return (
        function is None
        or isinstance(function, Alone | ByLine)
        or hasattr(function, "reads")
        or hasattr(function, "sure")
    )


def _reads(rule: Rule) -> frozenset[str] | None:
    """What the answer depends on: an invoice's or line's own fields (its document's stay the same)."""
    fields = mentioned(rule.must or {})
    if rule.scope == "document" or any(name.startswith("invoice.") for name in fields):
        return None
    return frozenset(name for name in fields if "." not in name)


def _about(rule: Rule, must: Condition | None, document: DocumentType) -> frozenset[str] | None:
    """What a condition says of no field at all, it says wherever none of its own fields is there."""
    fields = mentioned(rule.must or {})
    unbroken = must is not None and must(Facts(document, {}))
    return fields if unbroken and all("." not in name for name in fields) else None


def _both(must: Condition | None, function: Function | None) -> Condition:
    if function is None:
        assert must is not None
        return must
    if must is None:
        return function.holds
    return lambda facts: must(facts) and function.holds(facts)


def _while_in_force(rule: Rule, holds: Condition) -> Condition:
    """A rule for some dates of service holds for all others."""
    low, high = rule.service_from or date.min, rule.service_to or date.max
    return lambda facts: not any(low <= day <= high for day in facts.service_dates()) or holds(facts)
