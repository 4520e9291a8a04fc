"""Everything the registry ever said of a thing: each version with its days, and from when to when it was believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateway.messages import Both
from gateway.models import (
    AccountChannel,
    AccountPractitioner,
    Accreditation,
    AgencyStanding,
    DeclaredSoftware,
    GroupMember,
    Mandate,
    NumberSuspension,
    PracticeNumber,
    PractitionerStanding,
    Software,
    StatementCoordinates,
    TransmissionNumber,
)
from gateway.models.facts import ALWAYS, Fact
from gateway.registry.book import Book
from gateway.registry.called import phrase
from gateway.registry.meant import Meant
from gateway.store import Tx
from gateway.store import registry as rows

_OF: dict[str, tuple[tuple[type[Fact], str], ...]] = {
    "account": tuple(
        (family, "account_id")
        for family in (Accreditation, AccountPractitioner, Mandate, StatementCoordinates, AccountChannel)
    ),
    "agency": (
        *((f, "agency_id") for f in (TransmissionNumber, AgencyStanding, Accreditation, Mandate, StatementCoordinates)),
        (DeclaredSoftware, "source_id"),
    ),
    "number": ((TransmissionNumber, "number"), (NumberSuspension, "number")),
    "practitioner": (
        *((family, "practitioner_id") for family in (PracticeNumber, PractitionerStanding, GroupMember)),
        (AccountPractitioner, "practice"),
    ),
    "group": ((GroupMember, "group_id"),),
    "developer": ((Software, "developer_id"), (DeclaredSoftware, "developer")),
}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a fact: what it says, its days, and the time it was believed (aware UTC)."""

    says: Both
    valid_from: date | None  # None: always
    valid_to: date | None
    recorded_at: datetime
    recorded_by: str
    superseded_at: datetime | None
    superseded_by: str | None


def story(tx: Tx, book: Book, thing: Meant) -> list[Version]:
    """Every version of the facts about a thing, in the order they were learned in."""
    found = [
        _told(book, row) for family, column in _OF[thing.kind] for row in _versions(tx, book, thing, family, column)
    ]
    return sorted(found, key=lambda version: (version.recorded_at, version.valid_from or ALWAYS, version.says["en"]))


def _versions(tx: Tx, book: Book, thing: Meant, family: type[Fact], column: str) -> list[tuple[type[Fact], Any]]:
    values = [thing.id]
    if column == "source_id":
        values = [source.id for source in book.all_sources(thing.id)]
    elif column == "practice":
        values = list(book.practice_numbers(thing.id, date.max))
    elif column == "number":
        payer, _, number = thing.id.partition(":")
        return [(family, row) for row in rows.history(tx, family, column, [number]) if vars_of(row)["payer"] == payer]
    return [(family, row) for row in rows.history(tx, family, column, values)]


def vars_of(row: Any) -> dict[str, Any]:
    """The columns of a bare row."""
    return dict(row._mapping)


def _told(book: Book, found: tuple[type[Fact], Any]) -> Version:
    family, row = found
    return Version(
        says=phrase(family.word(), book.called.words(vars_of(row))),
        valid_from=None if row.valid_from == ALWAYS else row.valid_from,
        valid_to=row.valid_to,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        superseded_at=row.superseded_at,
        superseded_by=row.superseded_by,
    )
