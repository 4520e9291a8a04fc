"""Sheets as one self-contained HTML page; each prints on pages of its own. `pdf` makes a PDF of the same sheets."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.rendering.html import environment, words
from gateway.sheets import Grid, Heading, Pairs, Sheet


def sheets_html(sheets: Sequence[Sheet], lang: str) -> bytes:
    """One page that fetches nothing and runs no script, with a heading for each sheet."""
    page = environment().get_template("sheets.html")
    return page.render(kind="sheets", sheets=sheets, of=_kind, **words(lang)).encode()


def _kind(block: object) -> str:
    """What a block is, for the template."""
    kinds = {Heading: "heading", Pairs: "pairs", Grid: "grid"}
    return kinds.get(type(block), "text")
