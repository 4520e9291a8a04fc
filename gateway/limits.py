"""Until when a service may be billed and an invoice changed: dated facts of a family, and what extends them.

`[[settings.submission_limit]]` counts from the oldest service, `[[settings.change_limit]]` from the newest statement
that shows the invoice; `[[settings.extension]]` moves a last day by a letter (a retroactive agreement, an authorised
late billing). An operator's own stand in `<state_dir>/tables/<family>/limits.toml`, without `settings.`.

A limit never refuses. While a change of one is not confirmed, the earlier day counts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from gateway.errors import CatalogError

TABLES = ("submission_limit", "change_limit", "extension")
FILE = "limits.toml"
_FORM = {"days": int, "warn": int, "until": date, "from": date, "to": date, "confirmed": bool, "letter": str, "of": str}
_LISTS = ("professions", "kinds", "practices", "actions")
_REQUIRED = {"submission_limit": ("from", "days"), "change_limit": ("from", "days"), "extension": ("of", "until")}


@dataclass(frozen=True, slots=True)
class Who:
    """Whose invoice it is, as far as it is known. `professions`: one, or several it may be; None: any."""

    professions: frozenset[str] | None = None
    kind: str | None = None  # the invoice's element
    practice: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One dated limit or extension; it holds for days from `start` to `to` (both included) and for whom it names."""

    start: date
    to: date
    days: int  # of a limit
    until: date  # of an extension: the last day, where the limit's own is before it
    warn: int  # days before the end at which it is told
    professions: frozenset[str]  # empty: all
    kinds: frozenset[str]
    practices: frozenset[str]
    actions: frozenset[str]  # of a change: modify, cancel; empty: both
    confirmed: bool
    letter: str

    def covers(self, day: date, profession: str | None, who: Who) -> bool:
        """Whether it speaks of that day and of that invoice."""
        return (
            self.start <= day <= self.to
            and (not self.professions or profession in self.professions)
            and (not self.kinds or who.kind is None or who.kind in self.kinds)
            and (not self.practices or who.practice in self.practices)
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """A last day (included), the limit it is counted by, and the extension that moved it. `others`: what is said
    beside it while it is not settled, with their last days."""

    last: date
    limit: Fact
    extension: Fact | None = None
    others: tuple[tuple[Fact, date], ...] = ()

    def left(self, today: date) -> int:
        """Days left; 0: today is the last one; negative: too late."""
        return (self.last - today).days


class Limits:
    """A family's limits. Raises CatalogError when a table has not the form it should have."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        read = {name: [_fact(name, row) for row in settings.get(name, ())] for name in TABLES}
        newest = {name: sorted(facts, key=lambda fact: fact.start, reverse=True) for name, facts in read.items()}
        self._submission, self._change = newest["submission_limit"], newest["change_limit"]
        self._extensions: dict[str, list[Fact]] = {"submission": [], "change": []}
        for row, fact in zip(settings.get("extension", ()), read["extension"], strict=True):
            self._extensions[row["of"]].append(fact)
        self._kinds: Mapping[str, str] = settings.get("professions", {})

    @property
    def by_practice(self) -> bool:
        """Whether it matters whose practice number an invoice bears."""
        return any(fact.practices for facts in self._extensions.values() for fact in facts)

    def of_kind(self, kind: str | None, practice: str | None = None) -> Who:
        """Whose an invoice is by its element; an element with no known profession has none."""
        known = self._kinds.get(kind or "")
        return Who(frozenset({known}) if known else frozenset(), kind, practice)

    def submission(self, service: date, who: Who) -> Counted | None:
        """The last day to submit a service of that day; None where no limit is known."""
        return _count(self._submission, self._extensions["submission"], service, who)

    def change(self, shown: date, who: Who, action: str | None = "modify") -> Counted | None:
        """The last day to change an invoice whose newest statement is of that day; None where no limit is known."""
        return _count(_of(self._change, action), _of(self._extensions["change"], action), shown, who)

    def limits_action(self, action: str | None) -> bool:
        """Whether some limit is known for requests of this action (modify, cancel)."""
        return bool(_of(self._change, action))


def _of(facts: Iterable[Fact], action: str | None) -> list[Fact]:
    return [fact for fact in facts if action in ("modify", "cancel") and (not fact.actions or action in fact.actions)]


def _count(limits: Sequence[Fact], extensions: Sequence[Fact], day: date, who: Who) -> Counted | None:
    """The earliest of what may hold: the newest confirmed limit, and every newer one nobody confirmed yet."""
    facts = (fact for one in _may_be(limits, who) for fact in _unsettled(limits, day, one, who))
    may = {fact: day + timedelta(days=fact.days) for fact in facts}
    if not may:
        return None
    limit, last = min(may.items(), key=lambda item: item[1])
    others = tuple((fact, end) for fact, end in may.items() if fact is not limit)
    moved = [f for f in extensions if f.confirmed and all(f.covers(day, one, who) for one in _may_be(limits, who))]
    extension = max(moved, key=lambda fact: fact.until, default=None)
    if extension and extension.until > last:
        return Counted(extension.until, limit, extension, others)
    return Counted(last, limit, None, others)


def _may_be(limits: Sequence[Fact], who: Who) -> Iterable[str | None]:
    """Each profession it may be of; None stands for one that no limit names."""
    if who.professions is None:
        return [*sorted({name for fact in limits for name in fact.professions}), None]
    return sorted(who.professions) or [None]


def _unsettled(limits: Sequence[Fact], day: date, profession: str | None, who: Who) -> Iterator[Fact]:
    for fact in limits:
        if fact.covers(day, profession, who):
            yield fact
            if fact.confirmed:
                return


class Settings(dict[str, Any]):
    """A family's dated facts, whose limits are read once for all documents."""

    @cached_property
    def limits(self) -> Limits:
        """Raises CatalogError."""
        return Limits(self)


def of(settings: Mapping[str, Any]) -> Limits:
    """The limits among these settings. Raises CatalogError."""
    return settings.limits if isinstance(settings, Settings) else Limits(settings)


def merged(settings: Mapping[str, Any], files: Iterable[Path]) -> Settings:
    """A family's settings with the limits and extensions of an operator's files. Raises CatalogError."""
    whole = Settings(settings)
    for file in files:
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise CatalogError(f"{file}: {error}") from error
        if wrong := next((name for name in data if name not in TABLES), None):
            raise CatalogError(f"{file}: {wrong}: one of {', '.join(TABLES)}")
        try:
            Limits(data)
        except CatalogError as error:
            raise CatalogError(f"{file}: {error}") from error
        whole.update({name: [*whole.get(name, ()), *rows] for name, rows in data.items()})
    assert whole.limits  # read now: a wrong one is told at the start
    return whole


def _fact(table: str, row: Any) -> Fact:
    if not isinstance(row, Mapping):
        raise CatalogError(f"{table}: [[{table}]]")
    for key, value in row.items():
        fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not (fits if key in _LISTS else type(value) is _FORM.get(key)):
            raise CatalogError(f"{table}.{key} = {value!r}")
    if missing := next((key for key in _REQUIRED[table] if key not in row), None):
        raise CatalogError(f"{table}.{missing}: missing")
    if table == "extension" and row["of"] not in ("submission", "change"):
        raise CatalogError(f"extension.of = {row['of']!r}")
    return Fact(
        start=row.get("from", date.min),
        to=row.get("to", date.max),
        days=row.get("days", 0),
        until=row.get("until", date.min),
        warn=row.get("warn", 0),
        professions=frozenset(row.get("professions", ())),
        kinds=frozenset(row.get("kinds", ())),
        practices=frozenset(row.get("practices", ())),
        actions=frozenset(row.get("actions", ())),
        confirmed=row.get("confirmed", True),
        letter=row.get("letter", ""),
    )
