"""Sheets as one self-contained HTML page, each on pages of its own when printed, or as text; `pdf` makes a PDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from markupsafe import Markup

from gateway.messages import say
from gateway.rendering.html import environment, words
from gateway.sheets import Block, Code, Grid, Heading, Pairs, Sheet, Text


def sheets_html(sheets: Sequence[Sheet], lang: str) -> bytes:
    """One page that fetches nothing and runs no script, with a heading for each sheet."""
    page = environment().get_template("sheets.html")
    return page.render(kind="sheets", sheets=sheets, of=_kind, qr=_picture, **words(lang)).encode()


def _kind(block: object) -> str:
    """What a block is, for the template."""
    kinds = {Heading: "heading", Pairs: "pairs", Grid: "grid", Code: "code"}
    return kinds.get(type(block), "text")


def _picture(code: Code) -> Markup:
    """A drawing in the page itself: squares only, no script, nothing fetched."""
    size = len(code.rows)
    dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(code.rows) for x, square in enumerate(row) if square)
    return Markup(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" style="width:{}mm;max-width:100%;background:#fff">'
        '<path fill="#000" shape-rendering="crispEdges" d="{}"/></svg>'
    ).format(code.said, size, size, size, dark)


def sheets_text(sheets: Sequence[Sheet], lang: str, width: int = 78) -> str:
    """The same sheets as plain text. What must be copied exactly, the value of a pair, is never broken."""
    return "\n\n\n".join("\n".join(_lines(sheet, lang, width)) for sheet in sheets) + "\n"


def _lines(sheet: Sheet, lang: str, width: int) -> Iterator[str]:
    yield from (sheet.title, "=" * min(len(sheet.title), width), sheet.about)
    for block in sheet.blocks:
        yield ""
        yield from _block(block, lang, width)
    if sheet.foot:
        yield ""
        yield from _wrapped(sheet.foot, width)


def _block(block: Block, lang: str, width: int) -> Iterator[str]:
    match block:
        case Heading():
            yield from (block.text, "-" * min(len(block.text), width))
        case Text():
            yield from _wrapped(("! " if block.strong else "") + block.text, width)
        case Pairs():
            for name, value in block.rows:
                yield f"  {name}{say('rendering.colon', lang)}{value or '_' * 30}"
        case Code():
            yield from _wrapped(block.said, width)
        case Grid():
            yield f"{block.caption}{say('rendering.colon', lang)}".rstrip()
            yield "  " + " | ".join(block.columns)
            yield from ("  " + " | ".join(row) for row in block.rows)


def _wrapped(text: str, width: int) -> list[str]:
    """A path, or a command with its hyphens, stays whole."""
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)
