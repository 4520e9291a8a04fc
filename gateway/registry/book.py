"""A snapshot of the registry that answers whose something is on a day; numbers are compared as exact strings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TypeVar

from gateway.models import Accreditation, Agency, Source, TransmissionNumber
from gateway.models.registry import Fact
from gateway.store import Tx
from gateway.store import registry as rows

AnyFact = TypeVar("AnyFact", bound=Fact)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the registry says. `code` is OK or ACCOUNT_UNKNOWN, ACCOUNT_NOT_YET, ACCOUNT_OTHER_AGENCY; `facts` tell of
    the asking agency only, never of another one."""

    ok: bool
    code: str
    agency_id: str | None = None
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Book:
    """Read-only. Days are dates in America/Toronto; a fact holds on its first and on its last day."""

    def __init__(self, tables: rows.Tables) -> None:
        self._agencies = {agency.id: agency for agency in tables.agencies}
        self._sources = {source.id: source for source in tables.sources}
        self._numbers = _grouped((n.agency_id, n) for n in tables.numbers)
        self._holders = _grouped(((n.payer, n.number), n) for n in tables.numbers)
        self._accreditations = _grouped((a.account_id, a) for a in tables.accreditations)
        self._payers = _grouped((p.agency_id, p.payer) for p in tables.payers)
        self._sources_of = _grouped((s.agency_id, s) for s in tables.sources if s.active)
        self._practitioners = _grouped((p.account_id, p.practice) for p in tables.practitioners)
        self._accounts = {account.id for account in tables.accounts}

    @classmethod
    def load(cls, tx: Tx) -> Book:
        """The registry as this transaction sees it; a constant number of queries."""
        return cls(rows.load(tx))

    def agency(self, agency_id: str) -> Agency:
        """The agency, active or not. Raises KeyError."""
        return self._agencies[agency_id]

    def agencies(self) -> list[Agency]:
        """The active ones, by name."""
        return [agency for agency in self._agencies.values() if agency.active]

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
        return [a for a, facts in sorted(self._accreditations.items()) if _holder(facts, day) == agency_id]

    def numbers(self, agency_id: str, payer: str, day: date) -> list[str]:
        """The transmission numbers it holds at the payer on that day, the longest held first."""
        held = [n for n in _on(self._numbers.get(agency_id, ()), day) if n.payer == payer]
        return list(dict.fromkeys(n.number for n in sorted(held, key=lambda n: (n.valid_from, n.number))))

    def first_number(self, agency_id: str, day: date) -> str | None:
        """The number the agency is called by: the first one at its first payer."""
        return next((n for payer in self.payers(agency_id) for n in self.numbers(agency_id, payer, day)), None)

    def holder(self, payer: str, number: str, day: date) -> str | None:
        """The agency that holds the number on that day."""
        return _holder(self._holders.get((payer, number), ()), day)

    def live_numbers(self, day: date) -> list[tuple[str, str, str]]:
        """Every (payer, number, agency id) held on that day by an active agency."""
        found = ((payer, number, _holder(facts, day)) for (payer, number), facts in self._holders.items())
        return sorted((p, n, agency) for p, n, agency in found if agency and self._agencies[agency].active)

    def may_send(self, agency_id: str, account: str | None, day: date) -> Answer:
        """May the agency send for the account on that day? A document that names no account needs no accreditation."""
        if account is None:
            return Answer(True, "OK", agency_id)
        facts = self._accreditations.get(account, ())
        if _holder(facts, day) == agency_id:
            return Answer(True, "OK", agency_id)
        own = [fact for fact in facts if fact.agency_id == agency_id]
        if later := [fact.valid_from for fact in own if fact.valid_from > day]:
            return Answer(False, "ACCOUNT_NOT_YET", agency_id, {"from": min(later).isoformat()})
        if _on(facts, day):
            return Answer(False, "ACCOUNT_OTHER_AGENCY", agency_id)
        ended = [fact.valid_to for fact in own if fact.valid_to is not None]
        return Answer(False, "ACCOUNT_UNKNOWN", agency_id, {"ended": max(ended).isoformat()} if ended else {})

    def recipient(self, account: str, day: date) -> Answer:
        """Who is entitled to what concerns the account on that day; nobody is better than a guess."""
        agency = _holder(self._accreditations.get(account, ()), day)
        return Answer(True, "OK", agency) if agency else Answer(False, "ACCOUNT_UNKNOWN")

    def practitioners(self, account: str) -> frozenset[str]:
        """The practice numbers that bill through the account."""
        return frozenset(self._practitioners.get(account, ()))


def _on(facts: Iterable[AnyFact], day: date) -> list[AnyFact]:
    return [fact for fact in facts if fact.valid_from <= day <= (fact.valid_to or date.max)]


def _holder(facts: Iterable[TransmissionNumber | Accreditation], day: date) -> str | None:
    """The one agency these facts name on that day; None when there is none, or (never by our own hand) two."""
    agencies = {fact.agency_id for fact in _on(facts, day)}
    return agencies.pop() if len(agencies) == 1 else None


Key = TypeVar("Key")
Value = TypeVar("Value")


def _grouped(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    groups: dict[Key, list[Value]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)
