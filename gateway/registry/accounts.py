"""What the book knows of accounts: who bills through them, who holds them, their mandates and statements."""

from __future__ import annotations

from datetime import date

from gateway.models import (
    Account,
    AccountChannel,
    AccountPractitioner,
    Accreditation,
    Mandate,
    StatementCoordinates,
)
from gateway.registry.people import People
from gateway.store.registry import Tables

PERSONAL = "personal:"


class Accounts(People):
    """Questions about accounts. A personal account is found under every form of its practitioner's number."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self._accounts = {row.id: row for row in tables.accounts}

    def account(self, account: str, on: date) -> Account | None:
        """The account so named, or the personal account of the practitioner who also has this number on that day."""
        return self._accounts.get(self._same(account, on))

    def agency_of(self, account: str, on: date) -> str | None:
        """The one agency accredited for the account on that day; None when there is none (or, never by our own hand,
        two: nobody is better than a guess)."""
        agencies = {fact.agency_id for fact in self.line(Accreditation, self._same(account, on)).on(on)}
        return agencies.pop() if len(agencies) == 1 else None

    def accreditations(self, account: str, on: date) -> tuple[Accreditation, ...]:
        """Those that hold on that day: one, or none, or (never by our own hand) several."""
        return self.line(Accreditation, self._same(account, on)).on(on)

    def holders(self, account: str, on: date = date.max) -> tuple[Accreditation, ...]:
        """Every accreditation the account ever had, or is to have, by first day. `on`: the day its name is read on."""
        return self.line(Accreditation, self._same(account, on)).facts

    def statement_coordinates(self, account: str, on: date) -> StatementCoordinates | None:
        """Where the payer sends the account's statements on that day; None: nobody said."""
        facts = self.line(StatementCoordinates, self._same(account, on)).on(on)
        return facts[0] if len(facts) == 1 else None

    def coordinates_line(self, account: str, on: date) -> tuple[StatementCoordinates, ...]:
        """Every place its statements ever went, or are to go, by first day. `on`: the day its name is read on."""
        return self.line(StatementCoordinates, self._same(account, on)).facts

    def practitioners(self, account: str, on: date = date.max) -> frozenset[str]:
        """Who bills through the account on that day, each by the number it is known by; who lastingly does, without."""
        facts = self.line(AccountPractitioner, self._same(account, on)).on(on)
        return frozenset(self.known_as(fact.practice, on) for fact in facts)

    def accounts_of(self, number: str, on: date) -> list[str]:
        """The accounts the practitioner bills through that day, by any form of its number."""
        named = (self.line(AccountPractitioner, n, by=("practice",)).on(on) for n in self.practice_numbers(number, on))
        return sorted({fact.account_id for facts in named for fact in facts})

    def bills_through(self, number: str, account: str, on: date) -> bool:
        """Whether this practitioner, by any form of its number, bills through the account on that day."""
        return self.known_as(number, on) in self.practitioners(account, on)

    def channels(self, account: str, on: date) -> frozenset[str]:
        """The ways of billing through it that day which are not ours: `facturacte`."""
        return frozenset(fact.channel for fact in self.line(AccountChannel, self._same(account, on)).on(on))

    def mandates(self, account: str, agency_id: str, on: date) -> tuple[Mandate, ...]:
        """The mandates the account's users gave the agency, that hold on that day."""
        facts = self.line(Mandate, self._same(account, on)).on(on)
        return tuple(fact for fact in facts if fact.agency_id == agency_id)

    def signatures_missing(self, account: str, agency_id: str, on: date) -> frozenset[str]:
        """Who bills through the account on that day and has not signed a mandate to the agency (letter 003: a group's
        mandate is signed by every user of the account)."""
        signed = {self.known_as(n, on) for fact in self.mandates(account, agency_id, on) for n in fact.signatories}
        return self.practitioners(account, on) - signed

    def _same(self, account: str, on: date) -> str:
        """The name the account is known by."""
        if account in self._accounts or not account.startswith(PERSONAL):
            return account
        others = self.practice_numbers(account.removeprefix(PERSONAL), on)
        known = [name for number in others if (name := PERSONAL + number) in self._accounts]
        return known[0] if len(known) == 1 else account
