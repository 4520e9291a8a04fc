"""What is wrong with a schema family: one sentence in both languages, with the file and the place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.messages import both


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `place` is a line, or a key as TOML has it: `document[2].fields.sender`."""

    file: str  # in the folder; empty: the folder itself
    place: str
    text: Mapping[str, str]  # fr, en
    stops: bool = True  # a remark stops nothing

    def said(self, lang: str) -> str:
        """The whole line for a person."""
        where = ":".join(part for part in (self.file, self.place) if part)
        return f"{where}: {self.text[lang]}" if where else self.text[lang]


def problem(key: str, /, file: str = "", place: str | int = "", *, stops: bool = True, **values: object) -> Problem:
    """A problem; `key` names its sentence in locales/families.toml."""
    return Problem(file, str(place), both(f"families.{key}", **values), stops)
