"""What every part of a comparison shares: the file, the known tables, the work, and the dated facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from gateway.config.strict import Table
from gateway.models import Agency, PracticeNumber, TransmissionNumber
from gateway.registry.called import Called
from gateway.registry.dated import DatedFacts
from gateway.registry.file import RegistryFile
from gateway.registry.steps import Work, adding
from gateway.store.registry import Tables
from gateway.store.registry_writes import Thing


class Desk:
    """One comparison. Each kind of thing by the name or number people call it by; those the file makes are put there
    too (of accounts, practitioners and developers only that they are: nothing more is asked)."""

    def __init__(self, file: Path, said: RegistryFile, tables: Tables, today: date, lines: Sequence[int] = ()) -> None:
        self.folder, self.said, self.tables, self.today = file.absolute().parent, said, tables, today
        self._file, self._lines = file, lines
        self.work = Work(file)
        self.called = Called(tables)
        self.facts = DatedFacts(self.work, tables, self.called, said.complete, today)
        self.agencies = {agency.name: agency for agency in tables.agencies}
        self.groups = {group.name: group.id for group in tables.groups}
        self.accounts: dict[str, Any] = {account.id: account for account in tables.accounts}
        self.practitioners: dict[str, Any] = {row.id: row for row in tables.practitioners}
        self.developers: dict[str, Any] = {row.id: row for row in tables.developers}

    def wanted(self, entry: Table, *names: str, always: Iterable[str] = ()) -> dict[str, Any]:
        """The values the file says in a table; left out means left alone, unless the file is complete. `always`: what
        counts although it is not written."""
        said = entry.model_fields_set | set(always)
        return {name: getattr(entry, name) for name in names if self.said.complete or name in said}

    def place(self, table: str, position: int) -> str:
        """Where in the file an unnamed table stands, from 1; in a spreadsheet, its line."""
        return f"{self._file.name}:{self._lines[position - 1]}" if self._lines else f"{table}[{position}]"

    def make(self, model: type[Thing], values: dict[str, Any], reason: str, **facts: object) -> None:
        """Plan a new thing."""
        self.work.steps.append(adding(model, values, reason, facts))

    def agency(self, agency_id: str) -> Agency:
        """As it would be."""
        return self.agencies[self.called.agency[agency_id]]

    def person(self, number: str) -> str:
        """The number somebody is known by, of any form of it ever written down; a stranger's is its own."""
        if number in self.practitioners:
            return number
        owners = {str(fact["practitioner_id"]) for fact in self.facts.of(PracticeNumber, number)}
        return owners.pop() if len(owners) == 1 else number

    def agency_called(self, key: str, called: str, on: date) -> str | None:
        """The id of the agency with this name, or that holds this number on the day, else whoever held it at all. When
        there is none, or more than one, the file is refused."""
        if called in self.agencies:
            return self.agencies[called].id
        facts = self._numbers.get(called, [])
        then = {f["agency_id"] for f in facts if f["valid_from"] <= on <= (f["valid_to"] or date.max)}
        found = then or {f["agency_id"] for f in facts}
        if len(found) != 1:
            self.work.refuse("agency_ambiguous" if found else "agency_unknown", key, agency=called)
            return None
        return str(found.pop())

    def account_known(self, key: str, account: str) -> bool:
        """Whether the account is in the registry or in the file; else the file is refused."""
        if account not in self.accounts:
            self.work.refuse("account_unknown", key, account=account)
        return account in self.accounts

    def numbers_are_said(self) -> None:
        """Every transmission number of the file is known now: agencies may be called by them."""
        self._numbers: dict[str, list[dict[str, Any]]] = {}
        for (_, number), facts in self.facts.after(TransmissionNumber):
            self._numbers.setdefault(str(number), []).extend(facts)
