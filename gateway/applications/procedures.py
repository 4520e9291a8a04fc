"""The payer's procedures and forms as dated data: kind × route × accounts → forms, signatories, numbers, delays.

Shipped in `config/ramq/procedures.toml` and `forms.toml` (letters "je-facture", "034"); what an operator adds counts
from its `from` day on. No decision of ours is hidden in code: a procedure that changes is another table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import Table, read
from gateway.errors import CatalogError
from gateway.messages import side_by_side
from gateway.payer import Letters, shelf
from gateway.payer.letters import Day, Text, Words

Kind = Literal[
    "self_no_software",
    "self_software",
    "relative",
    "new_on_site",
    "join_on_site",
    "join_commercial",
    "join_commercial_group",
    "change_agency",
    "change_software",
    "leave",
    "staff_access",
]
Route = Literal["online", "form", "account_opening"]
AccountKind = Literal["personal", "admin_individual", "admin_collective"]
Recipient = Literal["applicant", "developer", "authoriser"]
Way = Literal["online", "fax", "post"]
# What a form may need to be told; what is not in the application is left to be filled in by hand.
Fact = Literal[
    "practice",
    "account",
    "agency_name",
    "agency_number",
    "old_agency_name",
    "old_agency_number",
    "mandate_ends",
    "developer_name",
    "developer_number",
    "software_name",
    "software_version",
    "modification_new_software",
    "situation",
    "statement_address",
    "user_identity",
    "user_function",
    "user_signature",
    "authoriser",
    "other_authorisers",
]


class Form(Table):
    """[[form]]: one form of the payer, from a day on; `doubt` says that it may be superseded."""

    role: Text
    number: Text
    start: Day | None = Field(None, alias="from")
    letter: str | None = None
    title: Words
    doubt: Words | None = None


class Section(Table):
    """A section of a form to fill in, and what of the application goes there. `number` empty: the letter names none."""

    number: str = ""
    facts: tuple[Fact, ...] = ()


class NeededForm(Table):
    """A form a procedure needs. `when`: only where the new agency is commercial (« le cas échéant »)."""

    role: Text
    when: Literal["always", "commercial"] = "always"
    sections: tuple[Section, ...] = ()


class Delay(Table):
    """How long the payer takes, from receipt: nothing (`days = 0`), days, or from so many weeks to so many."""

    days: int | None = Field(None, ge=0)
    weeks: tuple[int, int] | None = None

    @model_validator(mode="after")
    def _one(self) -> Delay:
        if (self.days is None) == (self.weeks is None) or (self.weeks and self.weeks[0] > self.weeks[1]):
            raise PydanticCustomError("applications.delay_shape", "days or weeks")
        return self


class Procedure(Table):
    """[[procedure]]: how one thing is asked of the payer by one route, for accounts of these kinds, from a day on."""

    kind: Kind
    route: Route
    accounts: tuple[AccountKind, ...] = Field(min_length=1)
    start: Day | None = Field(None, alias="from")
    letter: Text
    tick: Words | None = None  # what to choose on the payer's screen, in its own words
    screen: tuple[Fact, ...] = ()  # what the screen asks for then
    forms: tuple[NeededForm, ...] = ()
    signatories: Literal["nobody", "applicant", "applicant_and_users", "user_and_authorisers"] = "nobody"
    signatories_stated: bool = True  # False: the letter does not say who signs
    send: tuple[Way, ...] = Field(min_length=1)
    original: bool = False  # neither a copy nor a fax is accepted
    send_to: str | None = None  # a service of the directory
    number_to: Recipient | None = None
    password_to: Recipient | None = None
    number_at_once: bool = False
    password_delay: Delay | None = None
    go_ahead: bool = False  # the developer's instructions are waited for before the number is used
    delay: Delay | None = None  # None: the letter states none
    confirmation: Literal["screen", "letter", "number", "identifiers", "not_stated"]
    exclusive: bool = False  # whoever bills does so for this professional only
    says: tuple[Words, ...] = ()  # what else the letter wants known


class _Forms(Table):
    forms: tuple[Form, ...] = Field((), alias="form")


class _Procedures(Table):
    procedures: tuple[Procedure, ...] = Field((), alias="procedure")


@dataclass(frozen=True)
class Book:
    """Every form and procedure, as dated facts; of two that hold, the one with the later day (then the later file)."""

    forms: tuple[Form, ...]
    procedures: tuple[Procedure, ...]

    @classmethod
    def load(cls, folders: Iterable[Path]) -> Book:
        """The forms and procedures in these folders. Raises ConfigError, and CatalogError for a role without a form."""
        folders = tuple(folders)
        forms = [form for _, file in shelf.files(folders, "forms", _Forms) for form in file.forms]
        files = shelf.files(folders, "procedures", _Procedures)
        book = cls(tuple(forms), tuple(procedure for _, file in files for procedure in file.procedures))
        roles = {form.role for form in forms}
        for procedure in book.procedures:
            for needed in procedure.forms:
                if needed.role not in roles:
                    raise CatalogError(side_by_side("applications.no_form", kind=procedure.kind, role=needed.role))
        return book

    def find(self, kind: str, route: str, account_kind: str, day: date) -> Procedure | None:
        """How this is asked on that day; None: there is no such way."""
        held = [p for p in self._of(kind, day) if p.route == route and account_kind in p.accounts]
        return held[-1] if held else None

    def routes(self, kind: str, account_kind: str, day: date) -> list[str]:
        """By which routes this may be asked for an account of that kind."""
        return list(dict.fromkeys(p.route for p in self._of(kind, day) if account_kind in p.accounts))

    def form(self, role: str, day: date) -> Form:
        """The form of a role as the payer calls it on that day. Raises CatalogError."""
        held = [form for form in self.forms if form.role == role and (form.start or date.min) <= day]
        if not held:
            raise CatalogError(side_by_side("applications.no_form", kind="–", role=role))
        return max(enumerate(held), key=lambda pair: (pair[1].start or date.min, pair[0]))[1]

    def _of(self, kind: str, day: date) -> list[Procedure]:
        held = [p for p in self.procedures if p.kind == kind and (p.start or date.min) <= day]
        return sorted(held, key=lambda p: p.start or date.min)


def check(source: Path, kind: str, letters: Letters) -> int:
    """Judge a file of `forms` or `procedures` before it is kept; give how many it has. Raises ConfigError."""
    told: tuple[Form | Procedure, ...]
    told = read(source, _Forms).forms if kind == "forms" else read(source, _Procedures).procedures
    for entry in told:
        if entry.letter:
            letters.get(entry.letter, source)
    return len(told)
