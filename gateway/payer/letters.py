"""The register of the payer's letters: number, date, subject, and the rules and dates each one changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import Table, nearest, read
from gateway.errors import ConfigError
from gateway.messages import Both, both
from gateway.payer import shelf

Day = Annotated[date, Field(strict=True)]
Text = Annotated[str, Field(min_length=1)]


class Words(Table):
    """A sentence in both languages."""

    fr: Text
    en: Text

    @property
    def both(self) -> Both:
        """As the rest of the house holds a sentence."""
        return {"fr": self.fr, "en": self.en}


class Change(Table):
    """[[letter.change]]: one thing the letter changes, between days (both included); `rules` are codes of ours."""

    what: Text
    start: Day | None = Field(None, alias="from")
    to: Day | None = None
    rules: tuple[Text, ...] = ()
    says: Words

    def holds(self, day: date) -> bool:
        """Whether the change is in force on that day; an end nobody stated is open."""
        return (self.start or date.min) <= day <= (self.to or date.max)


class Letter(Table):
    """[[letter]]: `date` is the one on it; one without a date has the day it cannot precede."""

    id: Text
    number: str | None = None
    date: Day | None = None
    no_earlier_than: Day | None = None
    sources: tuple[Text, ...] = ()
    subject: Words
    changes: tuple[Change, ...] = Field((), alias="change")

    @model_validator(mode="after")
    def _dated(self) -> Letter:
        if (self.date is None) == (self.no_earlier_than is None):
            raise PydanticCustomError("payer.letter_undated", "date or no_earlier_than")
        return self

    @property
    def since(self) -> Day:
        """The day it counts from where the newest is wanted."""
        day = self.date or self.no_earlier_than
        assert day is not None  # the validator's business
        return day

    @property
    def name(self) -> Both:
        """How people call it: « infolettre 375 (2018-02-28) », or its id when it bears no number."""
        if self.number is None:
            return both("payer.letter_page", id=self.id)
        return both("payer.letter_numbered", number=self.number, day=self.since)


class _File(Table):
    letters: tuple[Letter, ...] = Field((), alias="letter")


class Letters:
    """Every known letter; an operator's own replaces the program's of the same id."""

    def __init__(self, letters: Iterable[Letter]) -> None:
        known = {letter.id: letter for letter in letters}
        self._known: Mapping[str, Letter] = dict(sorted(known.items(), key=lambda item: (item[1].since, item[0])))

    @classmethod
    def load(cls, folders: Iterable[Path]) -> Letters:
        """The letters in these folders. Raises ConfigError."""
        return cls(letter for _, file in shelf.files(folders, "letters", _File) for letter in file.letters)

    def every(self) -> list[Letter]:
        """Oldest first."""
        return list(self._known.values())

    def get(self, id_: str, file: Path | str) -> Letter:
        """The letter of that id or number, named in `file`. Raises ConfigError, with the nearest known one."""
        if id_ in self._known:
            return self._known[id_]
        raise ConfigError(both("payer.letter_unknown", file=file, id=id_, near=nearest(id_, list(self._known))))

    def changing(self, rule: str, day: date) -> list[tuple[Letter, Change]]:
        """What says something of this rule (a code), or of this thing, on that day."""
        return [
            (letter, change)
            for letter in self.every()
            for change in letter.changes
            if (rule in change.rules or rule == change.what) and change.holds(day)
        ]


def check(source: Path) -> int:
    """Judge a file of letters before it is kept; give how many it has. Raises ConfigError."""
    return len(read(source, _File).letters)
