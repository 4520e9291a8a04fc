"""A snapshot of the registry that answers whose something is on a day; numbers are compared as exact strings."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date, datetime, time, timedelta
from threading import Lock

from gateway.clock import TORONTO
from gateway.models import (
    Accreditation,
    Agency,
    AgencyStanding,
    DeclaredSoftware,
    NumberSuspension,
    Source,
    TransmissionNumber,
)
from gateway.registry.accounts import Accounts
from gateway.registry.called import Called
from gateway.registry.index import grouped
from gateway.store import Tx
from gateway.store import registry as rows


class Book(Accounts):
    """Read-only. Days are dates in America/Toronto; a fact holds on its first and on its last day."""

    def __init__(self, tables: rows.Tables) -> None:
        super().__init__(tables)
        self._agencies = {agency.id: agency for agency in tables.agencies}
        self._sources = {source.id: source for source in tables.sources}
        self._payers = grouped((p.agency_id, p.payer) for p in tables.payers)
        self._sources_of = grouped((s.agency_id, s) for s in tables.sources if s.active)
        self.called = Called(tables)

    @classmethod
    def load(cls, tx: Tx, known_on: date | None = None) -> Book:
        """The registry as this transaction sees it, or as it was believed at the end of the day `known_on`.

        A constant number of queries, and only one while nothing changed: books of the same rows are the same book.
        """
        if known_on is not None:
            return cls(rows.load(tx, end_of(known_on)))
        return _LATEST.get(tx)

    # -- agencies --

    def agency(self, agency_id: str) -> Agency:
        """The agency, active or not. Raises KeyError."""
        return self._agencies[agency_id]

    def agencies(self) -> list[Agency]:
        """The active ones, by name."""
        return [agency for agency in self._agencies.values() if agency.active]

    def all_agencies(self) -> list[Agency]:
        """Those that are no longer active too, by name."""
        return list(self._agencies.values())

    def all_sources(self, agency_id: str) -> list[Source]:
        """Those that are no longer active too."""
        return [source for source in self._sources.values() if source.agency_id == agency_id]

    def source(self, source_id: str) -> Source:
        """The source, active or not: it may still be owed replies. Raises KeyError."""
        return self._sources[source_id]

    def sources(self, agency_id: str) -> list[Source]:
        """The agency's active sources in its order; the first one gets the statements."""
        return list(self._sources_of.get(agency_id, ()))

    def payers(self, agency_id: str) -> list[str]:
        """The payers it sends to, in its order; which one is chosen by the document's family."""
        return list(self._payers.get(agency_id, ()))

    def accounts(self, agency_id: str, day: date) -> list[str]:
        """The accounts accredited to the agency on that day."""
        named = {f.account_id for f in self.line(Accreditation, agency_id, by=("agency_id",)).on(day)}
        return sorted(account for account in named if self.agency_of(account, day) == agency_id)

    def agency_is(self, agency_id: str, standing: str, on: date) -> bool:
        """Whether the agency is `migrated`, `unrecognised` or `suspended` on that day."""
        return any(fact.standing == standing for fact in self.line(AgencyStanding, agency_id).on(on))

    def migrated_on(self, agency_id: str) -> date | None:
        """The first day the agency is in the new system; None: never."""
        days = (f.valid_from for f in self.line(AgencyStanding, agency_id).facts if f.standing == "migrated")
        return min(days, default=None)

    def declared_software(self, source_id: str, on: date) -> DeclaredSoftware | None:
        """What the source had declared, by that day, that it bills with."""
        facts = self.line(DeclaredSoftware, source_id).on(on)
        return facts[-1] if facts else None

    # -- transmission numbers --

    def in_shadow(self, payer: str, number: str, day: date) -> bool:
        """Whether the agency that holds the number that day is in shadow: nobody logs in under it."""
        holder = self.holder(payer, number, day)
        return holder is not None and self.agency(holder).transmit == "shadow"

    def numbers(self, agency_id: str, payer: str, day: date) -> list[str]:
        """The transmission numbers it holds at the payer on that day, the longest held first."""
        held = self.line(TransmissionNumber, agency_id, payer, by=("agency_id", "payer")).on(day)
        return list(dict.fromkeys(n.number for n in sorted(held, key=lambda n: (n.valid_from, n.number))))

    def first_number(self, agency_id: str, day: date) -> str | None:
        """The number the agency is called by: the first one at its first payer."""
        return next((n for payer in self.payers(agency_id) for n in self.numbers(agency_id, payer, day)), None)

    def holder(self, payer: str, number: str, day: date) -> str | None:
        """The agency that holds the number on that day."""
        agencies = {fact.agency_id for fact in self.line(TransmissionNumber, payer, number).on(day)}
        return agencies.pop() if len(agencies) == 1 else None

    def owner(self, number: str, on: date) -> str | None:
        """The agency that holds the number that day at whichever payer; None when two payers disagree."""
        agencies = {fact.agency_id for fact in self.line(TransmissionNumber, number, by=("number",)).on(on)}
        return agencies.pop() if len(agencies) == 1 else None

    def held(self, payer: str, number: str) -> tuple[TransmissionNumber, ...]:
        """Everybody who ever held the number at the payer, or is to, by first day."""
        return self.line(TransmissionNumber, payer, number).facts

    def suspensions(self, payer: str, number: str, on: date) -> tuple[NumberSuspension, ...]:
        """Why the payer takes nothing under the number that day; nothing when it does."""
        return self.line(NumberSuspension, payer, number).on(on)

    def live_numbers(self, day: date) -> list[tuple[str, str, str]]:
        """Every (payer, number, agency id) held on that day by an active agency."""
        found = (
            (payer, number, self.holder(payer, number, day)) for payer, number in self.subjects(TransmissionNumber)
        )
        return sorted((p, n, agency) for p, n, agency in found if agency and self._agencies[agency].active)


def end_of(day: date) -> datetime:
    """The moment the day ends in America/Toronto: what was recorded before it was known that day."""
    return datetime.combine(day + timedelta(days=1), time(), TORONTO)


class _Latest:
    """The last few books, by the token of the rows they were made of."""

    KEPT = 4

    def __init__(self) -> None:
        self._books: OrderedDict[str, Book] = OrderedDict()
        self._lock = Lock()

    def get(self, tx: Tx) -> Book:
        token = rows.token(tx)
        with self._lock:
            if token in self._books:
                self._books.move_to_end(token)
                return self._books[token]
        book = Book(rows.load(tx))
        with self._lock:
            self._books[token] = book
            while len(self._books) > self.KEPT:
                self._books.popitem(last=False)
        return book


_LATEST = _Latest()
