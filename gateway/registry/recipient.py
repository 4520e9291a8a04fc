"""Who is owed a statement of account, and by which way: one agency, paper, or nobody until a person has looked.

The matrix (DOMAIN sections 2 and 9, letter 001): a statement is owed to the agency accredited for the account on the
statement's date; that document goes to exactly one agency. Who held the account before is owed its own entries only,
as an extract. An agency that has not migrated cannot read a statement of the new system: paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from gateway.models import Accreditation, Reply
from gateway.registry.book import Book
from gateway.registry.reasons import Reason, reason

WINDOW = timedelta(days=180)  # within which going away and coming back is the practice letter 001 speaks of
Route = Literal["agency", "paper", "held"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agency that held the account, holds it or will, between these days."""

    agency_id: str
    first: date
    last: date | None

    def public(self) -> dict[str, Any]:
        """For events and JSON."""
        days = {"from": self.first.isoformat(), "to": self.last.isoformat() if self.last else None}
        return {"agency": self.agency_id, **days}


@dataclass(frozen=True, slots=True)
class Recipient:
    """The answer. `agency_id` is None exactly where `route` is "held"; `candidates` are everybody it may be about, by
    first day; `warnings` change nothing about where it goes."""

    route: Route
    agency_id: str | None
    reasons: tuple[Reason, ...]
    candidates: tuple[Candidate, ...] = ()
    warnings: tuple[Reason, ...] = ()


def statement_recipient(
    book: Book, account: str, statement_date: date, *, migrated_only: bool = False, window: timedelta = WINDOW
) -> Recipient:
    """Who is owed the account's statement of that date. `migrated_only`: it is of the new system. `window`: how long
    an account may have been away for its coming back to count as switching."""
    held = book.accreditations(account, statement_date)
    agencies = sorted({fact.agency_id for fact in held})
    everybody = candidates(book, account, statement_date)
    if len(agencies) != 1:
        return Recipient("held", None, (_nobody(book, account, statement_date, bool(agencies)),), everybody)
    agency_id = agencies[0]
    if said := _contradicts(book, account, agency_id, statement_date):
        return Recipient("held", None, (said,), everybody)
    warnings = tuple(switched(book, account, statement_date, window))
    if on_paper := _paper(book, account, agency_id, statement_date, migrated_only):
        return Recipient("paper", agency_id, (on_paper,), everybody, warnings)
    accredited = reason("STATEMENT_ACCREDITED", account=account, day=statement_date, start=held[0].valid_from)
    return Recipient("agency", agency_id, (accredited,), everybody, warnings)


def candidates(book: Book, account: str, day: date) -> tuple[Candidate, ...]:
    """Everybody the account was, is or will be accredited to, by first day."""
    return tuple(Candidate(fact.agency_id, fact.valid_from, fact.valid_to) for fact in book.holders(account, day))


def held_before(book: Book, account: str, agency_id: str, day: date) -> bool:
    """Whether the agency held the account on that day or earlier: its invoices may still be spoken of."""
    return any(fact.agency_id == agency_id and fact.valid_from <= day for fact in book.holders(account, day))


def is_owed(book: Book, reply: Reply) -> bool:
    """Whether a matched statement or extract is still its agency's, by the registry of now; other replies are."""
    if reply.kind not in ("statement", "extract") or reply.agency_id is None or "account" not in reply.facts:
        return True
    account, dated = str(reply.facts["account"]), date.fromisoformat(reply.facts["dated"])
    if reply.kind == "extract":
        return held_before(book, account, reply.agency_id, dated)
    return statement_recipient(book, account, dated).agency_id == reply.agency_id


def switched(book: Book, account: str, day: date, window: timedelta = WINDOW) -> Iterator[Reason]:
    """Whether the account, or its statements, left an agency and came back to it not long ago: the payer then sends
    paper for every mode of payment (letter 001)."""
    lately = day - window
    for back, away in _returns(book.holders(account, day)):
        if lately <= back <= day and back - away <= window:
            yield reason("SWITCHED_ACCREDITATION", account=account, away=away, back=back)
    line = [f for f in book.coordinates_line(account, day) if f.valid_from <= day]
    for before, after in zip(line, line[2:], strict=False):
        same = (before.route, before.agency_id) == (after.route, after.agency_id)
        if same and before.valid_to is not None and lately <= after.valid_from:
            away = before.valid_to + timedelta(days=1)
            if after.valid_from - away <= window:
                yield reason("SWITCHED_COORDINATES", account=account, away=away, back=after.valid_from)


def _returns(facts: tuple[Accreditation, ...]) -> Iterator[tuple[date, date]]:
    """The days an account came back to an agency, each with the first day it had been away from it."""
    left: dict[str, date] = {}
    for fact in facts:
        away = left.get(fact.agency_id)
        if away is not None and fact.valid_from > away:
            yield fact.valid_from, away
        if fact.valid_to is not None:
            left[fact.agency_id] = fact.valid_to + timedelta(days=1)


def _nobody(book: Book, account: str, day: date, several: bool) -> Reason:
    if several:
        return reason("STATEMENT_TWO_AGENCIES", account=account, day=day)
    known = book.holders(account, day)
    ended = [fact.valid_to for fact in known if fact.valid_to is not None and fact.valid_to < day]
    if ended and not any(fact.valid_from > day for fact in known):
        return reason("STATEMENT_ACCOUNT_CLOSED", account=account, day=day, ended=max(ended))
    later = [fact.valid_from for fact in known if fact.valid_from > day]
    if known:
        return reason("STATEMENT_BETWEEN", account=account, day=day, start=min(later, default=None))
    return reason("STATEMENT_ACCOUNT_UNKNOWN", account=account, day=day)


def _contradicts(book: Book, account: str, agency_id: str, day: date) -> Reason | None:
    """The coordinates name another agency than the accredited one: nobody is better than a guess."""
    where = book.statement_coordinates(account, day)
    if where is None or where.route != "agency" or where.agency_id in (None, agency_id):
        return None
    return reason("STATEMENT_COORDINATES_DISAGREE", account=account, day=day, start=where.valid_from)


def _paper(book: Book, account: str, agency_id: str, day: date, migrated_only: bool) -> Reason | None:
    where = book.statement_coordinates(account, day)
    if where is not None and where.route == "paper":
        return reason("STATEMENT_ON_PAPER", account=account, day=day, start=where.valid_from)
    if migrated_only and not book.agency_is(agency_id, "migrated", day):
        return reason("STATEMENT_FOR_UNMIGRATED", account=account, day=day)
    return None
