"""How to reach the payer's services: what each letter says, and of every way the newest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import Table, read
from gateway.messages import LANGUAGES, Both
from gateway.payer import shelf
from gateway.payer.hours import Hours
from gateway.payer.letters import Day, Letter, Letters, Text, Words

WAYS = ("phones", "fax", "post", "email", "hours")
IN_LETTER = "in_letter"  # the letter has an e-mail address, which is not copied: no host of the payer travels with us
_PHONE = re.compile(r"(1 )?[2-9][0-9]{2} [0-9]{3}-[0-9]{4}", re.ASCII)


def _phone(text: str) -> str:
    if _PHONE.fullmatch(text) is None:
        raise PydanticCustomError("payer.phone_shape", "418 555-0123 or 1 800 555-0123")
    return text


def _week(written: dict[str, str]) -> dict[str, str]:
    try:
        Hours.parse(written)
    except ValueError:
        raise PydanticCustomError("payer.hours_shape", "mon to sun, 08:30-16:30") from None
    return written


class Line(Table):
    """A telephone or fax number, and from where it is called."""

    region: Literal["quebec", "montreal", "elsewhere", "toll_free"]
    number: Annotated[str, AfterValidator(_phone)]


class Contact(Table):
    """[[contact]]: what a letter (or, from a day, the operator) says of a service; ways it lacks are empty."""

    service: Text
    letter: str | None = None
    start: Day | None = Field(None, alias="from")
    phones: tuple[Line, ...] = ()
    choose: str | None = None  # the option to press
    fax: tuple[Line, ...] = ()
    post: tuple[Text, ...] = ()
    email: str | None = None
    hours: Annotated[dict[str, str], AfterValidator(_week)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _dated(self) -> Contact:
        if self.letter is None and self.start is None:
            raise PydanticCustomError("payer.contact_undated", "letter or from")
        return self


@dataclass(frozen=True, slots=True)
class Said:
    """One way to reach a service: its value, since when it holds, and the letter that gives it (None: the operator)."""

    value: Any
    since: date
    letter: Letter | None


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the payer: of each way the newest; `older` what it replaced, newest first."""

    name: str
    title: Both
    ways: Mapping[str, Said]
    older: Mapping[str, tuple[Said, ...]]

    @property
    def hours(self) -> Hours | None:
        """When it answers, where a letter says so."""
        return Hours.parse(self.ways["hours"].value) if "hours" in self.ways else None


class Title(Table):
    """[[service]]: what a service is called."""

    id: Text
    title: Words


class _File(Table):
    services: tuple[Title, ...] = Field((), alias="service")
    contacts: tuple[Contact, ...] = Field((), alias="contact")


class Directory:
    """Every service and what was said of it, as dated facts."""

    def __init__(self, titles: Mapping[str, Both], said: Iterable[tuple[Contact, Letter | None]]) -> None:
        self._titles = titles
        self._said = sorted(said, key=lambda pair: _since(*pair))

    @classmethod
    def load(cls, folders: Iterable[Path], letters: Letters) -> Directory:
        """The directory in these folders. Raises ConfigError, also for a letter nobody knows."""
        files = list(shelf.files(folders, "contacts", _File))
        titles = {title.id: title.title.both for _, told in files for title in told.services}
        return cls(titles, [(contact, _letter(contact, letters, file)) for file, t in files for contact in t.contacts])

    def services(self, day: date) -> list[Service]:
        """Every service as it was known to be reached on that day."""
        return [made for name in dict.fromkeys(c.service for c, _ in self._said) if (made := self.service(name, day))]

    def service(self, name: str, day: date) -> Service | None:
        """One service; None when nothing is said of it by that day."""
        ways: dict[str, list[Said]] = {}
        for contact, letter in reversed(self._said):
            since = _since(contact, letter)
            if contact.service != name or since > day:
                continue
            for way in (*WAYS, "choose"):
                if value := getattr(contact, way):
                    ways.setdefault(way, []).append(Said(value, since, letter))
        if not ways:
            return None
        newest = {way: said[0] for way, said in ways.items()}
        title = self._titles.get(name, dict.fromkeys(LANGUAGES, name))
        return Service(name, title, newest, {way: tuple(said[1:]) for way, said in ways.items()})


def _since(contact: Contact, letter: Letter | None) -> date:
    day = contact.start or (letter.since if letter else None)
    assert day is not None  # the validator's business
    return day


def _letter(contact: Contact, letters: Letters, file: Path) -> Letter | None:
    return letters.get(contact.letter, file) if contact.letter else None


def check(source: Path, letters: Letters) -> int:
    """Judge a file of contacts before it is kept; give how many it has. Raises ConfigError."""
    told = read(source, _File)
    for contact in told.contacts:
        _letter(contact, letters, source)
    return len(told.contacts)
