"""A block of invoices in runs: several in a row that are right for certain, or one that is not."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from gateway.validation.shapes import Row

_BEGINS = re.compile(r"<([^\s<>/]+)(?=[\s>])")
_BLANKS = re.compile(r"[ \t\r\n]*")


class Run(NamedTuple):
    """Some invoices in a row, from one character of the text to another, blanks after them included."""

    begin: int
    end: int
    invoices: int
    certain: bool
    rows: Sequence[Row] = ()  # their fields, where they were read


def written_tag(text: str) -> str:
    """The tag of the first invoice of a block, as it is written; empty where there is none."""
    begins = _BEGINS.match(text, blanks(text, 0))
    return begins[1] if begins is not None else ""


def one_invoice(text: str, begin: int, tag: str) -> Run | None:
    """The invoice that begins here, by its tags alone; None where they do not tell, because there is one like them in
    it. Nothing in the text may hide a tag (comments and the like)."""
    opening, closing = f"<{tag}", f"</{tag}>"
    if not text.startswith(opening, begin) or text[begin + len(opening) : begin + len(opening) + 1] not in " \t\r\n>":
        return None
    end = text.find(closing, begin)
    again = text.find(opening, begin + len(opening), end)
    while again >= 0 and text[again + len(opening)] not in " \t\r\n>/":
        again = text.find(opening, again + len(opening), end)
    if end < 0 or again >= 0:
        return None
    return Run(begin, blanks(text, end + len(closing)), 1, certain=False)


def apart(text: str, tag: str, invoices: int, places: Collection[int]) -> list[Run]:
    """The runs of a block of so many invoices of one tag, where those at some places are not certain. None at all where
    their end tags do not tell where they end."""
    begins = [0, *[found.end() for found in re.finditer(f"</{re.escape(tag)}>", text)]]
    if len(begins) != invoices + 1:
        return []
    begins[-1] = len(text)
    bounds = sorted({0, invoices, *places, *[place + 1 for place in places]})
    return [Run(begins[a], begins[b], b - a, certain=a not in places) for a, b in pairwise(bounds)]


def blanks(text: str, at: int) -> int:
    """Where the blanks end that begin here."""
    found = _BLANKS.match(text, at)
    return found.end() if found is not None else at
