"""How a part of an invoice is written: a pattern with holes for its values, and the same bit by bit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.validation.declared import Names
from gateway.validation.fields import LONGEST

_BLANK = r"[ \t\r\n]*"


class UnlikeError(Exception):
    """It is not written as stencils are made, or not certainly right."""


class Atom(NamedTuple):
    """A bit of a part exactly as it is written: a tag, an attribute, a text, the blanks between tags (`templates`)."""

    key: str  # what it is, in its part
    begins: str  # the pattern of what is always written like this
    lines: int  # line breaks in it
    value: str | None = None  # the pattern of what it goes on with, where it holds a value
    quote: str = ""  # after that; a text ends where a tag begins
    hole: int | None = None  # the number of the value in the part, where it is wanted
    attribute: bool = False
    blank: bool = False
    required: bool = False  # an attribute that must be there

    @property
    def pattern(self) -> str:
        """With one group where it has a hole."""
        value = self.value or ""
        return f"{self.begins}{f'({value})' if self.hole is not None else value}{self.quote}"

    @property
    def wide(self) -> str:
        """The same with one group, whatever value it holds there."""
        return f"{self.begins}({as_it_stands(self.quote)}){self.quote}"

    @property
    def ends(self) -> str:
        """The sign that comes after the value."""
        return self.quote or "<"


@dataclass(slots=True)
class Learned:
    """The pattern of an invoice up to its first line, or of one line. Its holes are numbered from 0."""

    tag: str  # of the invoice, or of the line, as written
    pattern: str = ""
    holes: int = 0
    own: list[tuple[str, int]] = field(default_factory=list)  # fields of the part, and their holes
    joins: list[tuple[str, list[int]]] = field(default_factory=list)  # fields of several holes
    invoice: list[tuple[str, int]] = field(default_factory=list)  # fields of the invoice, in a line
    closing: str = ""  # what the text goes on with after the last line
    rest: str = ""  # the pattern of that
    atoms: list[Atom] = field(default_factory=list)  # the pattern again, bit by bit and more exactly
    steps: int = 0  # those of them that are no attributes
    place: Names = ()  # where a line stands, or the lines of an invoice: tags as written, from the invoice's own on

    def put(self, written: str, *, blank: bool = False) -> None:
        """Go on with what is always written like this."""
        self.pattern += blanks(written) if blank else re.escape(written)
        self._put(re.escape(written), written.count("\n"), blank=blank)

    def put_text(self, pattern: str, exact: str, *, wanted: bool) -> None:
        """Go on with the text of an element."""
        self.pattern += f"({pattern})" if wanted else pattern
        self._put("", value=exact, hole=self.holes if wanted else None)
        self.holes += wanted

    def put_attribute(
        self, found: re.Match[str], pattern: str, exact: str, *, wanted: bool, required: bool = False
    ) -> None:
        """Go on with an attribute. The first tag stands on one line: its last one counts as the invoice's."""
        between = " " if found["space"] == " " else r"[ \t]+" if self.steps == 1 else r"[ \t\r\n]+"
        name, quote, hole = re.escape(found["name"]), found["quote"], self.holes if wanted else None
        self.pattern += f"{between}{name}={quote}{f'({pattern})' if wanted else pattern}{quote}"
        begins = f"{re.escape(found['space'])}{name}={quote}"
        key, lines = f"{self.steps}@{found['name']}", found["space"].count("\n")
        self.atoms.append(Atom(key, begins, lines, exact, quote, hole, attribute=True, required=required))
        self.holes += wanted

    def _put(
        self, begins: str, lines: int = 0, value: str | None = None, hole: int | None = None, *, blank: bool = False
    ) -> None:
        self.atoms.append(Atom(str(self.steps), begins, lines, value, hole=hole, blank=blank))
        self.steps += 1

    @property
    def written(self) -> tuple[str, str, Names]:
        """Two parts for which this is the same are written the same."""
        return self.pattern, self.rest, self.place


def as_it_stands(quote: str) -> str:
    """The pattern of a value that a parser hands on as it stands, and whole: in quotes, or a text."""
    return rf"[^{quote}<&\t\r\n]{{0,{LONGEST}}}"


def blanks(text: str) -> str:
    """The pattern of what stands between tags. Raises UnlikeError where it is anything but blanks."""
    if text.strip(" \t\r\n"):
        raise UnlikeError
    return _BLANK
