"""What a document that came under an agency's number says against the registry; a proposal, never a change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gateway.identifiers import new_id
from gateway.models import Proposal
from gateway.registry.book import Book
from gateway.store import Tx, proposals

ACCREDITATION, COORDINATES, MIGRATION = "accreditation", "coordinates", "migration"


def observe(
    tx: Tx, book: Book, record_id: str, account: str, payer: str, number: str, day: date, *,
    statement: bool = False, migrated_only: bool = False,
) -> list[str]:  # fmt: skip
    """The payer dealt with the account under this number on that day: keep what the registry would have to say for it
    to be right, once for each record. `statement`: it was a statement of account, and of the new system where
    `migrated_only`. The ids of the proposals; none where the number was nobody's, or has become somebody else's."""
    agency_id = book.holder(payer, number, day)
    at_last = book.holder(payer, number, date.max)
    if agency_id is None or at_last not in (None, agency_id) or not book.agency(agency_id).active:
        return []
    made = []
    for what, subject in _against(book, agency_id, account, day, statement=statement, migrated_only=migrated_only):
        claim = Proposal(
            id=new_id("PRO"),
            opened_at=tx.now,
            what=what,
            subject=subject,
            agency_id=agency_id,
            payer=payer,
            number=number,
            since=day,
        )
        if (id_ := proposals.note(tx, claim, record_id, day, lambda known: stands(book, known))) is not None:
            made.append(id_)
    return made


def waiting(tx: Tx, book: Book) -> list[Proposal]:
    """The proposals that wait for a decision: nobody decided, and the registry still says otherwise; oldest first."""
    return [proposal for proposal in proposals.every(tx) if stands(book, proposal)]


def stands(book: Book, proposal: Proposal) -> bool:
    """Whether the registry still says otherwise on the proposal's first day; else there is nothing left to accept."""
    day, agency_id = proposal.since, proposal.agency_id
    if proposal.what == MIGRATION:
        return not book.agency_is(agency_id, "migrated", day)
    if proposal.what == COORDINATES:
        return _goes_elsewhere(book, proposal.subject, agency_id, day)
    return _is_not_accredited(book, proposal.subject, agency_id, day)


def _against(
    book: Book, agency_id: str, account: str, day: date, *, statement: bool, migrated_only: bool
) -> Iterator[tuple[str, str]]:
    known = book.account(account, day)
    name = known.id if known else account
    if _is_not_accredited(book, name, agency_id, day):
        yield ACCREDITATION, name
    if statement and _goes_elsewhere(book, name, agency_id, day):
        yield COORDINATES, name
    if migrated_only and not book.agency_is(agency_id, "migrated", day):
        yield MIGRATION, agency_id


def _is_not_accredited(book: Book, account: str, agency_id: str, day: date) -> bool:
    return {fact.agency_id for fact in book.accreditations(account, day)} != {agency_id}


def _goes_elsewhere(book: Book, account: str, agency_id: str, day: date) -> bool:
    """Whether somebody said where its statements go, and it is not there."""
    where = book.statement_coordinates(account, day)
    return where is not None and (where.route, where.agency_id) != ("agency", agency_id)
