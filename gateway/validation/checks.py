"""Rules ready to be asked, one by one, in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.catalog import Rule
from gateway.validation.conditions import Condition
from gateway.validation.facts import Facts
from gateway.validation.functions import Sure, Teller, Unsure
from gateway.validation.shapes import Row


@dataclass(frozen=True, slots=True)
class Check:
    """A rule ready to be asked: one call says whether it holds."""

    number: int  # its place among the rules
    rule: Rule
    holds: Condition
    about: frozenset[str] | None  # where none of these fields is there it holds; None: always ask
    reads: frozenset[str] | None  # it looks at nothing of the invoice or line but these (and its kind); None: who knows
    teller: Teller | None = None
    hears: bool = False  # it hears of every invoice
    sure: Sure | None = None  # whether it surely holds for an invoice and its lines
    unsure: Unsure | None = None  # the same of columns
    covers: Collection[str] = ()  # functions whose rules hold too, wherever this one is sure
    each: Check | None = None  # asked about each line; where it holds for all of them, this rule holds for the invoice
    passes: Callable[[Sequence[Row]], bool] | None = None  # the same of many, remembering what it has to
    forgets: bool = False  # it remembers nothing from one invoice to the next, so it can be kept for the next document
    again: Callable[[], None] | None = None  # makes it forget what it remembers, so that it can
    near: bool = False  # it looks at what the document itself says

    def is_about(self, kind: str | None) -> bool:
        """Whether it is about invoices of a kind."""
        return not self.rule.kinds or kind in self.rule.kinds

    def may_be_about(self, there: Collection[str]) -> bool:
        """Whether it could fail where these fields are there."""
        return self.about is None or not self.about.isdisjoint(there)

    def tell(self, facts: Facts) -> Rule:
        """The rule that does not hold, with its placeholders filled."""
        return self.rule if self.teller is None else _told(self.rule, self.teller.values(facts))


def _told(rule: Rule, values: Mapping[str, object]) -> Rule:
    """The rule with its placeholders filled."""
    message = {lang: text.format_map(values) for lang, text in rule.message.items()}
    return replace(rule, message=message, next={lang: text.format_map(values) for lang, text in rule.next.items()})
