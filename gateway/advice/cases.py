"""The cases, forms, marks and notes of `advice.toml`: the program's, and before them those an operator added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.advice.question import Asker, Billed, Kind, Profession, Question, Tie, Way, YesNo
from gateway.config.strict import Table
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.payer import shelf
from gateway.payer.letters import Letters, Words

Authority = Literal["official", "letter", "reconstructed", "ours"]
Channel = Literal[
    "new_system", "modify", "old_system", "paper", "paper_or_agency", "facturacte_or_agency", "agency_software",
    "revision", "form", "online_forms", "new_account", "ask",
]  # fmt: skip
Day = Annotated[date, Field(strict=True)]


class Counting(Table):
    """limit: the family's dated fact (`of`, for the system so called), or a letter's days after a day."""

    of: Literal["submission", "change"] | None = None
    system: str = "RFP"
    days: int | None = Field(None, ge=0)
    after: Literal["statement", "service"] = "statement"
    authority: Authority = "letter"

    @model_validator(mode="after")
    def _one(self) -> Counting:
        if (self.of is None) == (self.days is None):
            raise PydanticCustomError("advice.limit_form", "of or days")
        return self


class Case(Table):
    """[[case]]: conditions, and the answer where they all hold."""

    id: str
    letter: str | None = None
    section: str | None = None
    authority: Authority = "letter"
    professions: tuple[Profession, ...] = ()
    kinds: tuple[Kind, ...] = ()
    first_billed: tuple[Billed, ...] = ()
    old_software: tuple[YesNo, ...] = ()
    by: tuple[Asker, ...] = ()
    via: tuple[Way, ...] = ()
    account: tuple[Tie, ...] = ()
    service_from: Day | None = None
    service_to: Day | None = None
    today_from: Day | None = None
    today_to: Day | None = None
    channel: Channel
    says: Words
    forms: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    limit: Literal["submission", "change"] | Counting | None = None

    @property
    def counting(self) -> Counting | None:
        """How its limit is counted; None: the source gives none."""
        return Counting(of=self.limit) if isinstance(self.limit, str) else self.limit

    def holds(self, asked: Question) -> bool | None:
        """Whether it answers; None: that hangs on a fact nobody gave (the old software)."""
        facts = (
            (self.professions, asked.profession),
            (self.kinds, asked.kind),
            (self.first_billed, asked.first_billed),
            (self.by, asked.by),
            (self.via, asked.via),
            (self.account, asked.account),
        )
        in_time = _between(self.service_from, asked.service, self.service_to)
        if not in_time or not _between(self.today_from, asked.today, self.today_to):
            return False
        if any(wanted and fact not in wanted for wanted, fact in facts):
            return False
        if self.old_software and asked.old_software is None:
            return None
        return not self.old_software or asked.old_software in self.old_software


def _between(first: date | None, day: date, last: date | None) -> bool:
    return (first or date.min) <= day <= (last or date.max)


class Form(Table):
    """[[form]]: a form of the payer, for the professions and kinds it is for (none: all)."""

    number: str
    title: Words
    letter: str | None = None
    professions: tuple[Profession, ...] = ()
    kinds: tuple[Kind, ...] = ()
    until: Day | None = None  # the last day the payer takes it

    def is_for(self, asked: Question) -> bool:
        """Whether this is the form for who asks, on the day of the question."""
        return (
            (not self.professions or asked.profession in self.professions)
            and (not self.kinds or asked.kind in self.kinds)
            and asked.today <= (self.until or date.max)
        )


class MarkRow(Table):
    """[[mark]]: what to write in which box; {service}, {refused} and {statement} are filled in."""

    id: str
    box: Words
    value: str


class Note(Table):
    """[[note]]: something to know beside the answer."""

    id: str
    letter: str | None = None
    says: Words


class _File(Table):
    cases: tuple[Case, ...] = Field((), alias="case")
    forms: tuple[Form, ...] = Field((), alias="form")
    marks: tuple[MarkRow, ...] = Field((), alias="mark")
    notes: tuple[Note, ...] = Field((), alias="note")


Row = TypeVar("Row", Case, MarkRow, Note)


@dataclass(frozen=True)
class Cases:
    """Everything `advise` goes by, in the order in which it is looked at."""

    cases: tuple[Case, ...]
    forms: Mapping[str, Form]
    marks: Mapping[str, MarkRow]
    notes: Mapping[str, Note]
    letters: Letters

    @classmethod
    def load(cls, folders: Iterable[Path]) -> Cases:
        """The program's cases, an operator's before them. Raises ConfigError: an unknown letter, form, mark, note."""
        folders = list(folders)
        letters = Letters.load(folders)
        read = list(shelf.files(folders, "advice", _File))
        files = [file for _, file in read]
        cases = _by_id(case for file in reversed(files) for case in file.cases)
        known = cls(
            tuple(cases.values()),
            {form.number: form for file in files for form in file.forms},
            _newest(mark for file in files for mark in file.marks),
            _newest(note for file in files for note in file.notes),
            letters,
        )
        for path, file in read:
            known._check(path, file)
        return known

    def _check(self, path: Path, file: _File) -> None:
        rows: tuple[Case | Form | Note, ...] = (*file.cases, *file.forms, *file.notes)
        for row in rows:
            if row.letter:
                self.letters.get(row.letter, path)
        for case in file.cases:
            named = ("form", case.forms, self.forms), ("mark", case.marks, self.marks), ("note", case.notes, self.notes)
            for key, names, there in named:
                if lost := next((name for name in names if name not in there), None):
                    raise ConfigError(both("advice.lost", file=path, case=case.id, key=key, name=lost))


def _by_id(rows: Iterable[Case]) -> dict[str, Case]:
    """The first of each id: an operator's file is read before the program's."""
    found: dict[str, Case] = {}
    for row in rows:
        found.setdefault(row.id, row)
    return found


def _newest(rows: Iterable[Row]) -> dict[str, Row]:
    return {row.id: row for row in rows}
