"""The registry as it would be after a plan, as a book that answers; and which accounts or numbers the plan touches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from gateway.models import Accreditation, Mandate, StatementCoordinates, TransmissionNumber
from gateway.models.facts import Fact
from gateway.registry.book import Book
from gateway.registry.desk import Desk
from gateway.store.registry_writes import Insert, Supersede

OF_ACCOUNTS: tuple[type[Fact], ...] = (Accreditation, Mandate, StatementCoordinates)


def after(desk: Desk, accounts: Iterable[str]) -> Book:
    """What the plan on the desk makes of these accounts, and of the numbers; everything else as it is."""
    wanted = set(accounts)
    facts: dict[type[Fact], list[Any]] = {**desk.tables.facts}
    numbers = (one for _, some in desk.facts.after(TransmissionNumber) for one in some)
    facts[TransmissionNumber] = [SimpleNamespace(**one) for one in numbers]
    for family in OF_ACCOUNTS:
        others = [row for row in facts.get(family, []) if row.account_id not in wanted]
        theirs = (values for account in sorted(wanted) for values in desk.facts.of(family, account))
        facts[family] = [*others, *(SimpleNamespace(**values) for values in theirs)]
    return Book(replace(desk.tables, facts=facts, agencies=list(desk.agencies.values())))


def corrected(desk: Desk, families: Iterable[type[Fact]], column: str) -> set[str]:
    """The subjects of these families of which something is believed no longer."""
    ended: dict[type[Fact], set[str]] = {}
    for step in desk.work.steps:
        if isinstance(step.write, Supersede):
            ended.setdefault(step.write.family, set()).add(step.write.old)
    found: set[str] = set()
    for family in families:
        rows: list[Any] = desk.tables.facts.get(family, []) if family in ended else []
        found |= {getattr(row, column) for row in rows if row.id in ended[family]}
    return found


def touched(desk: Desk, families: tuple[type[Fact], ...], column: str) -> set[str]:
    """Those, and the known ones of which something new is said."""
    known = {getattr(row, column) for family in families for row in desk.tables.facts.get(family, [])}
    new = {
        str(step.write.values[column])
        for step in desk.work.steps
        if isinstance(step.write, Insert) and step.write.model in families
    }
    return corrected(desk, families, column) | (new & known)
