"""What the registry says of one thing on one day, as names and values for a person to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from gateway.models import AgencyStanding, TransmissionNumber
from gateway.models.facts import ALWAYS, Fact
from gateway.registry.book import Book
from gateway.registry.meant import Meant

Values = list[str]
Picture = dict[str, Values]  # the names are keys of the sentences `registry.is_…`


def picture(book: Book, thing: Meant, on: date) -> Picture:
    """What holds on that day; names without a value are left out."""
    drawn = _OF[thing.kind](book, thing.id, on)
    return {name: found for name, found in ((name, list(values)) for name, values in drawn.items()) if found}


def _account(book: Book, id_: str, on: date) -> dict[str, Iterator[str] | Values]:
    account = book.account(id_, on)
    coordinates = book.statement_coordinates(id_, on)
    agency = book.agency_of(id_, on)
    return {
        "kind": [account.kind] if account else [],
        "agency": [_agency_named(book, fact.agency_id, on) + _days(fact) for fact in book.accreditations(id_, on)],
        "covers_services_from": [
            str(fact.covers_services_from) for fact in book.accreditations(id_, on) if fact.covers_services_from
        ],
        "other_times": [
            book.agency(fact.agency_id).name + _days(fact)
            for fact in book.holders(id_, on)
            if fact not in book.accreditations(id_, on)
        ],
        "practitioners": [f"{number} ({book.standing(number, on)})" for number in sorted(book.practitioners(id_, on))],
        "statements": [] if coordinates is None else [_route(book, coordinates.route, coordinates.agency_id)],
        "channels": sorted(book.channels(id_, on)),
        "mandates": [f"{m.form}: {', '.join(m.signatories)}{_days(m)}" for m in book.mandates(id_, agency or "", on)],
        "unsigned": sorted(book.signatures_missing(id_, agency, on)) if agency and _commercial(book, agency) else [],
    }


def _agency(book: Book, id_: str, on: date) -> dict[str, Iterator[str] | Values]:
    agency = book.agency(id_)
    return {
        "kind": [agency.kind],
        "language": [agency.language],
        "group": [book.group(agency.group_id).name] if agency.group_id else [],
        "standings": [fact.standing + _days(fact) for fact in book.line(AgencyStanding, id_).on(on)],
        "numbers": [f"{number} ({payer})" for payer in book.payers(id_) for number in book.numbers(id_, payer, on)],
        "sources": (_source(book, source.id, source.name, on) for source in book.sources(id_)),
        "accounts": book.accounts(id_, on),
    }


def _source(book: Book, source_id: str, name: str, on: date) -> str:
    declared = book.declared_software(source_id, on)
    return name if declared is None else f"{name}: {declared.name} {declared.version or ''}".rstrip() + _days(declared)


def _number(book: Book, id_: str, on: date) -> dict[str, Iterator[str] | Values]:
    payer, _, number = id_.partition(":")
    now = book.line(TransmissionNumber, payer, number).on(on)
    return {
        "agency": [book.agency(fact.agency_id).name + _days(fact) for fact in now],
        "other_times": [book.agency(f.agency_id).name + _days(f) for f in book.held(payer, number) if f not in now],
        "suspended": [_days(fact).strip() for fact in book.suspensions(payer, number, on)],
    }


def _practitioner(book: Book, id_: str, on: date) -> dict[str, Iterator[str] | Values]:
    person = book.practitioner(id_, on)
    return {
        "person": [person.name] if person and person.name else [],
        "profession": [person.profession] if person else [],
        "class": [person.class_digit] if person and person.class_digit else [],
        "practice_numbers": list(book.practice_numbers(id_, on)),
        "standing": [book.standing(id_, on)],
        "groups": [group.name for group in book.groups_of(id_, on)],
        "accounts": book.accounts_of(id_, on),
    }


def _group(book: Book, id_: str, on: date) -> dict[str, Iterator[str] | Values]:
    return {
        "members": sorted(book.members(id_, on)),
        "agency": [agency.name for agency in book.all_agencies() if agency.group_id == id_],
    }


def _developer(book: Book, id_: str, on: date) -> dict[str, Iterator[str] | Values]:
    return {"software": [f"{fact.name} {fact.version}" + _days(fact) for fact in book.software(id_, on)]}


def _route(book: Book, route: str, agency_id: str | None) -> str:
    return f"{route}: {book.agency(agency_id).name}" if agency_id else route


def _commercial(book: Book, agency_id: str) -> bool:
    return book.agency(agency_id).kind == "commercial"


def _agency_named(book: Book, agency_id: str, on: date) -> str:
    number = book.first_number(agency_id, on)
    return book.agency(agency_id).name + (f" ({number})" if number else "")


def _days(fact: Fact) -> str:
    first = "…" if fact.valid_from == ALWAYS else fact.valid_from.isoformat()
    return f" [{first} – {fact.valid_to or '…'}]"


_OF: dict[str, Callable[[Book, str, date], dict[str, Iterator[str] | Values]]] = {
    "account": _account,
    "agency": _agency,
    "number": _number,
    "practitioner": _practitioner,
    "group": _group,
    "developer": _developer,
}
