"""What a printed page holds, whatever prints it: `rendering` makes HTML and PDF of the same sheets."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of what follows."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `strong` when it must not be missed."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and their values, one below another. A value of None is a line to write on by hand."""

    rows: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the names of its columns, its rows, and which columns (from 0) hold numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code: its squares row by row, dark where a byte is not 0, with the white around it that readers need; `said`
    tells what it is where it cannot be seen. Its repr shows no square."""

    rows: tuple[bytes, ...] = field(repr=False)
    said: str


Block = Heading | Text | Pairs | Grid | Code


@dataclass(frozen=True, slots=True)
class Sheet:
    """One thing to print; the next one begins on a new page. `foot` stands at the foot of each of its pages."""

    title: str
    about: str
    blocks: tuple[Block, ...]
    foot: str = ""
