"""How a part of an invoice is written: a pattern with holes for its values, and the same bit by bit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.validation.declared import Names

_BLANK = r"[ \t\r\n]*"


class UnlikeError(Exception):
    """It is not written as stencils are made, or not certainly right."""


class Atom(NamedTuple):
    """A bit of a part exactly as it is written: a tag, an attribute, a text, the blanks between tags (`templates`)."""

    key: str  # what it is, in its part
    pattern: str  # with one group where it has a hole
    lines: int  # line breaks in it
    hole: int | None = None  # its number in the part
    attribute: bool = False
    blank: bool = False
    required: bool = False  # an attribute that must be there


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
        self._put(f"({exact})" if wanted else exact, hole=self.holes if wanted else None)
        self.holes += wanted

    def put_attribute(
        self, found: re.Match[str], pattern: str, exact: str, *, wanted: bool, required: bool = False
    ) -> None:
        """Go on with an attribute. The first tag stands on one line: its last one counts as the invoice's."""
        blanks = r"[ \t]+" if self.steps == 1 else r"[ \t\r\n]+"
        name, quote, hole = re.escape(found["name"]), found["quote"], self.holes if wanted else None
        pattern, exact = (f"({pattern})", f"({exact})") if wanted else (pattern, exact)
        self.pattern += f"{blanks}{name}={quote}{pattern}{quote}"
        exactly = f"{re.escape(found['space'])}{name}={quote}{exact}{quote}"
        key, lines = f"{self.steps}@{found['name']}", found["space"].count("\n")
        self.atoms.append(Atom(key, exactly, lines, hole, attribute=True, required=required))
        self.holes += wanted

    def _put(self, pattern: str, lines: int = 0, hole: int | None = None, *, blank: bool = False) -> None:
        self.atoms.append(Atom(str(self.steps), pattern, lines, hole, blank=blank))
        self.steps += 1

    @property
    def written(self) -> tuple[str, str, Names]:
        """Two parts for which this is the same are written the same."""
        return self.pattern, self.rest, self.place


def blanks(text: str) -> str:
    """The pattern of what stands between tags. Raises UnlikeError where it is anything but blanks."""
    if text.strip(" \t\r\n"):
        raise UnlikeError
    return _BLANK
