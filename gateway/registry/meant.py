"""What in the registry a person means by a name or a number: everything that bears it, never a guess."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from gateway.identifiers import ACCOUNT, PRACTICE_NUMBER
from gateway.models import TransmissionNumber
from gateway.registry.book import Book

PERSONAL, ADMIN = "personal:", "admin:"


@dataclass(frozen=True, slots=True)
class Meant:
    """One thing of the registry. `kind`: agency, number, account, practitioner, group or developer; `id` is what the
    registry knows it by: of a number `payer:number`."""

    kind: str
    id: str
    name: str


def meant(book: Book, text: str, on: date) -> list[Meant]:
    """Everything that bears this name, number or id, a practice number in either form; compared as exact strings."""
    return list(dict.fromkeys(_all(book, text, on)))


def _all(book: Book, text: str, on: date) -> Iterator[Meant]:
    for agency in book.all_agencies():
        if text in (agency.id, agency.name):
            yield Meant("agency", agency.id, agency.name)
    for payer, number in book.subjects(TransmissionNumber):
        if text in (number, f"{payer}:{number}"):
            yield Meant("number", f"{payer}:{number}", number)
            holder = book.holder(payer, number, on)
            if holder:
                yield Meant("agency", holder, book.agency(holder).name)
    yield from _people(book, text, on)
    for group in book.all_groups():
        if text in (group.id, group.name):
            yield Meant("group", group.id, group.name)
    for developer in book.developers():
        if text in (developer.id, developer.name):
            yield Meant("developer", developer.id, developer.name)


def _people(book: Book, text: str, on: date) -> Iterator[Meant]:
    if PRACTICE_NUMBER.fullmatch(text) and (person := book.practitioner(text, on)):
        yield Meant("practitioner", person.id, person.name or person.id)
    names = [text] if ACCOUNT.fullmatch(text) else [PERSONAL + text, ADMIN + text]
    for name in names:
        if account := book.account(name, on):
            yield Meant("account", account.id, account.id)
    if PRACTICE_NUMBER.fullmatch(text):
        for id_ in book.accounts_of(text, on):
            yield Meant("account", id_, id_)
