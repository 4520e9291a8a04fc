"""Compares a registry file with what is known: the steps from one to the other.

The tables it is given are copies; it makes them into the registry as it would be, for `contradictions` to look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from gateway.identifiers import new_id
from gateway.models import Account, Accreditation, Agency, Source, TransmissionNumber
from gateway.registry.dated import DatedFacts
from gateway.registry.file import AccountEntry, AccreditationEntry, AgencyEntry, Dated, RegistryFile, SourceEntry
from gateway.registry.steps import CLOSE, Work, adding, setting_payers, setting_practitioners
from gateway.store import registry as rows


class Diff:
    """`run` gives the work to do. A value the file leaves out of a table is left alone, unless the file is complete."""

    def __init__(self, file: Path, said: RegistryFile, tables: rows.Tables, now: datetime) -> None:
        self.work = Work(file)
        self._folder, self._said, self._tables, self._now = file.absolute().parent, said, tables, now
        self._agencies = {agency.name: agency for agency in tables.agencies}
        self._names = {agency.id: agency.name for agency in tables.agencies}
        self._accounts = {account.id: account for account in tables.accounts}
        self._practices: dict[str, set[str]] = defaultdict(set)
        for row in tables.practitioners:
            self._practices[row.account_id].add(row.practice)
        self._facts = DatedFacts(self.work, tables, now, said.complete)

    def run(self, today: date) -> Work:
        """Everything the file asks for, in an order in which it can be written."""
        for agency in self._said.agencies:
            if self.work.first(f"agency[{agency.name}]"):
                self._agency(agency)
        for account in self._said.accounts:
            if self.work.first(f"account[{account.id}]"):
                self._account(account)
        by_number: dict[str, list[TransmissionNumber]] = defaultdict(list)
        for fact in self._tables.numbers:
            by_number[fact.number].append(fact)
        for position, accreditation in enumerate(self._said.accreditations, 1):
            self._accreditation(f"accreditation[{position}]", accreditation, by_number)
        if self._said.complete:
            self._facts.end_the_rest(today)
            self._stop_the_rest()
        return self.work

    def _agency(self, entry: AgencyEntry) -> None:
        agency = self._agencies.get(entry.name)
        wanted = self._wanted(entry, {"kind", "active", "language", "migrated_on", "rules", "on_invalid", "set_aside"})
        if agency is None:
            agency = Agency(id=new_id("AGE"), name=entry.name, learned_at=self._now, **wanted)
            self._tables.agencies.append(agency)
            self._agencies[entry.name], self._names[agency.id] = agency, entry.name
            self.work.steps.append(adding(agency, "agency_added", {"name": entry.name, "kind": entry.kind}))
        else:
            self.work.change(agency, wanted, "agency_changed", {"name": entry.name})
        self._payers(agency, entry)
        for number in entry.numbers:
            row = TransmissionNumber(
                id=new_id("NUM"), payer=number.payer, number=number.number, agency_id=agency.id, **self._dates(number)
            )
            self._facts.say(f"agency[{entry.name}].number[{number.number}]", number, row, entry.name)
        self._sources(agency, entry)

    def _payers(self, agency: Agency, entry: AgencyEntry) -> None:
        before = [row.payer for row in self._tables.payers if row.agency_id == agency.id]
        if ("payers" in entry.model_fields_set or self._said.complete) and before != list(entry.payers):
            self.work.steps.append(setting_payers(agency, before, entry.payers))

    def _sources(self, agency: Agency, entry: AgencyEntry) -> None:
        known = {source.name: source for source in self._tables.sources if source.agency_id == agency.id}
        whole = {source.name for source in entry.sources} >= {name for name, row in known.items() if row.active}
        for place, source in enumerate(entry.sources, 1):
            key = f"agency[{entry.name}].source[{source.name}]"
            if not self.work.first(key):
                continue
            columns = self._columns(source)
            row = known.get(source.name)
            if whole or row is None:  # the file's order counts once it names all of them
                columns["position"] = place if whole else len(known) + place
            shown = {"name": entry.name, "source": source.name}
            if row is None:
                row = Source(id=new_id("SRC"), agency_id=agency.id, name=source.name, **columns)
                self._tables.sources.append(row)
                self.work.steps.append(adding(row, "source_added", {**shown, "kind": source.pickup.kind}))
            else:
                self.work.change(row, columns, "source_changed", shown)
            self.work.keys[row.id] = key

    def _columns(self, entry: SourceEntry) -> dict[str, Any]:
        columns = self._wanted(entry, {"active", "strict"})
        columns |= {"pickup": entry.pickup.settings(self._folder), "returns": entry.returns.settings(self._folder)}
        if "tolerances" in entry.model_fields_set or self._said.complete:
            columns["tolerances"] = list(entry.tolerances)
        if software := entry.software:
            columns |= {"developer": software.developer, "software": software.name, "version": software.version}
            columns["salvage_agreed"] = software.salvage_agreed  # what one software agreed to, the next one did not
        return columns

    def _account(self, entry: AccountEntry) -> None:
        account = self._accounts.get(entry.id)
        if account is None:
            account = Account(id=entry.id, kind=entry.kind, learned_at=self._now)
            self._accounts[entry.id] = account
            self.work.steps.append(adding(account, "account_added", {"account": entry.id, "kind": entry.kind}))
        else:
            self.work.change(account, {"kind": entry.kind}, "account_changed", {"account": entry.id})
        before = self._practices[entry.id]
        if ("practitioners" in entry.model_fields_set or self._said.complete) and before != set(entry.practitioners):
            self.work.steps.append(setting_practitioners(account, before, set(entry.practitioners)))

    def _accreditation(
        self, key: str, entry: AccreditationEntry, by_number: Mapping[str, list[TransmissionNumber]]
    ) -> None:
        if entry.account not in self._accounts:
            self.work.refuse("account_unknown", key, account=entry.account)
            return
        found = self._agencies_called(entry, by_number)
        if len(found) != 1:
            self.work.refuse("agency_ambiguous" if found else "agency_unknown", key, agency=entry.agency)
            return
        name = found.pop()
        agency_id = self._agencies[name].id
        row = Accreditation(id=new_id("ACC"), account_id=entry.account, agency_id=agency_id, **self._dates(entry))
        self._facts.say(key, entry, row, name)

    def _agencies_called(
        self, entry: AccreditationEntry, by_number: Mapping[str, list[TransmissionNumber]]
    ) -> set[str]:
        """A name, or a number: its holder on the first day of the accreditation, else whoever held it at all."""
        if entry.agency in self._agencies:
            return {entry.agency}
        facts = by_number.get(entry.agency, [])
        then = {self._names[f.agency_id] for f in facts if f.valid_from <= entry.start <= (f.valid_to or date.max)}
        return then or {self._names[f.agency_id] for f in facts}

    def _stop_the_rest(self) -> None:
        """The file is complete: sources and agencies it does not mention are no longer looked at."""
        for source in self._tables.sources:
            if source.active and source.id not in self.work.keys:
                shown = {"name": self._names[source.agency_id], "source": source.name}
                self.work.change(source, {"active": False}, "source_ended", shown, CLOSE)
        for agency in self._tables.agencies:
            if agency.active and f"agency[{agency.name}]" not in self.work.seen:
                self.work.change(agency, {"active": False}, "agency_ended", {"name": agency.name}, CLOSE)

    def _wanted(self, entry: AgencyEntry | SourceEntry, names: Iterable[str]) -> dict[str, Any]:
        """The values the file says. Whatever it mentions is active, unless it says otherwise."""
        said = set(names) if self._said.complete else {n for n in names if n in entry.model_fields_set or n == "active"}
        return {name: getattr(entry, name) for name in sorted(said)}

    def _dates(self, entry: Dated) -> dict[str, Any]:
        return {"valid_from": entry.start, "valid_to": entry.to, "learned_at": self._now}
