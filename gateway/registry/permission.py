"""May an agency send for an account? Decided on the day of sending, in Toronto, and on the account (DOMAIN section 2).

An accreditation is a date from which billing may be *entrusted*: it must cover the day of sending. Services from before
it may be sent as well, unless it says itself from which service it covers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from gateway.models import Accreditation
from gateway.registry.book import Book
from gateway.registry.reasons import Reason, reason

PERSONAL = "personal:"
# What this room may say. All of it may change with the registry or with the day: held, never refused.
CODES = frozenset(
    {
        "ACCOUNT_UNKNOWN",
        "ACCOUNT_NOT_YET",
        "ACCOUNT_OTHER_AGENCY",
        "ACCOUNT_TWO_AGENCIES",
        "SERVICES_NOT_COVERED",
        "SOLO_OTHER_HOLDER",
        "PRACTITIONER_NOT_BILLING",
        "AGENCY_SUSPENDED",
        "AGENCY_UNRECOGNISED",
    }
)


@dataclass(frozen=True, slots=True)
class Permission:
    """The answer: yes where nothing is said against it, else the request is HELD."""

    reasons: tuple[Reason, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the agency may send."""
        return not self.reasons


def may_send(
    book: Book,
    agency_id: str,
    account: str | None,
    day_of_sending: date,
    service_dates: Collection[date] = (),
    practitioners: Collection[str] = (),
) -> Permission:
    """May the agency send for the account on that day, what these practitioners did on these days?

    A document that names no account needs no accreditation. The facts of a reason are the asking agency's only, never
    another one's.
    """
    found = list(_agency(book, agency_id, day_of_sending))
    if account is not None:
        found += _account(book, agency_id, account, day_of_sending, service_dates)
    found += _solo(book, agency_id, account, day_of_sending, practitioners)
    found += _standing(book, practitioners, service_dates)
    return Permission(tuple(found))


def holder_of_solo(book: Book, agency_id: str, day: date) -> frozenset[str]:
    """Who bills alone through this agency: whoever its personal and individual accounts belong to. One, if the
    registry is right."""
    return frozenset(person for account in book.accounts(agency_id, day) for person in _owners(book, account, day))


def _owners(book: Book, account: str, day: date) -> Iterable[str]:
    if account.startswith(PERSONAL):
        return (book.known_as(account.removeprefix(PERSONAL), day),)
    known = book.account(account, day)
    return book.practitioners(account, day) if known and known.kind == "admin_individual" else ()


def _agency(book: Book, agency_id: str, day: date) -> Iterator[Reason]:
    if book.agency_is(agency_id, "suspended", day):
        yield reason("AGENCY_SUSPENDED", day=day)
    if book.agency(agency_id).kind == "commercial" and book.agency_is(agency_id, "unrecognised", day):
        yield reason("AGENCY_UNRECOGNISED", day=day)


def _account(book: Book, agency_id: str, account: str, day: date, service_dates: Collection[date]) -> Iterator[Reason]:
    holding = book.accreditations(account, day)
    agencies = {fact.agency_id for fact in holding}
    if agencies == {agency_id}:
        yield from _covered(account, holding, service_dates)
        return
    own = [fact for fact in book.holders(account, day) if fact.agency_id == agency_id]
    if len(agencies) > 1 and agency_id in agencies:
        yield reason("ACCOUNT_TWO_AGENCIES", account=account, day=day)
    elif later := [fact.valid_from for fact in own if fact.valid_from > day]:
        yield reason("ACCOUNT_NOT_YET", account=account, start=min(later))
    elif agencies:
        yield reason("ACCOUNT_OTHER_AGENCY", account=account, day=day)
    else:
        ended = [fact.valid_to for fact in own if fact.valid_to is not None]
        yield reason("ACCOUNT_UNKNOWN", account=account, ended=max(ended, default=None))


def _covered(account: str, holding: Collection[Accreditation], service_dates: Collection[date]) -> Iterator[Reason]:
    """Whether the services are those the accreditation is for; it does not matter that they came before it."""
    starts = [fact.covers_services_from for fact in holding]
    first = min((start for start in starts if start is not None), default=None)
    if first is None or None in starts:
        return
    if before := [day for day in service_dates if day < first]:
        yield reason("SERVICES_NOT_COVERED", account=account, start=first, service=min(before))


def _solo(
    book: Book, agency_id: str, account: str | None, day: date, practitioners: Collection[str]
) -> Iterator[Reason]:
    """The number of who bills alone is for nobody else's invoices (letter 003: "vous seul pouvez l'utiliser")."""
    if book.agency(agency_id).kind != "solo" or account is None or not practitioners:
        return
    holder = holder_of_solo(book, agency_id, day)
    if not holder:
        return
    for number in sorted(practitioners):
        if {book.known_as(number, day)} != holder:
            yield reason("SOLO_OTHER_HOLDER", account=account, practice=number)


def _standing(book: Book, practitioners: Collection[str], service_dates: Collection[date]) -> Iterator[Reason]:
    """Services of who has left the plan, or retired, are not billed (DOMAIN section 2)."""
    for number in sorted(practitioners):
        stopped = [day for day in sorted(service_dates) if not book.may_bill(number, day)]
        if stopped:
            day = stopped[0]
            yield reason("PRACTITIONER_NOT_BILLING", practice=number, standing=book.standing(number, day), day=day)
