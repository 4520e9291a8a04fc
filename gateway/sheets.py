"""What a printed page holds, whatever prints it: `rendering` makes HTML and PDF of the same sheets."""

from __future__ import annotations

from dataclasses import dataclass


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


Block = Heading | Text | Pairs | Grid


@dataclass(frozen=True, slots=True)
class Sheet:
    """One thing to print; the next one begins on a new page. `foot` stands at the foot of each of its pages."""

    title: str
    about: str
    blocks: tuple[Block, ...]
    foot: str = ""
