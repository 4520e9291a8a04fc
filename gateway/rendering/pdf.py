"""Prints sheets as PDF with fpdf2 and the standard Helvetica, whose Windows-1252 letters cover French and English.

No font travels with the program: a letter outside Windows-1252 is printed without its accent, else as a question mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from gateway.messages import say
from gateway.sheets import Block, Code, Grid, Heading, Pairs, Sheet, Text

_ENCODING = "windows-1252"
_MARGIN, _LINE, _SMALL = 18.0, 5.5, 4.2  # millimetres
_SQUARE = 1.0  # millimetres of a QR code's squares
_NAMES = 62.0  # millimetres for the names of pairs
_SOFT, _INK, _RULE = 90, 20, 190  # greys
# Narrow space, hyphen that does not break, minus, arrow; letters with a stroke, which do not come apart.
_INSTEAD = {"\u202f": "\xa0", "\u2011": "-", "\u2212": "-", "\u2192": "->"} | dict(zip("ŁłĐđ", "LlDd", strict=True))


class Printer(FPDF):
    """One document. Its own pages, header and footer are FPDF's callbacks."""

    def __init__(self, lang: str, title: str, made: datetime) -> None:
        super().__init__(format="letter")
        self.core_fonts_encoding = _ENCODING
        self._words, self._foot = lang, ""
        self.set_creation_date(made)
        self.set_lang(f"{lang}-CA")
        self.set_title(title)
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(True, 2 * _MARGIN)
        self.alias_nb_pages("{pages}")

    def sheet(self, sheet: Sheet) -> None:
        """Begin a page and print the sheet on it, and on as many as it takes."""
        self.add_page()  # which prints the foot of the page before
        self._foot = sheet.foot
        self._write(sheet.title, 15, "B", 7)
        self.set_text_color(_SOFT)
        self._write(sheet.about, 10, "", _LINE)
        self.set_text_color(_INK)
        self.ln(2)
        for block in sheet.blocks:
            self._block(block)

    def done(self) -> bytes:
        """The bytes of the document."""
        return bytes(self.output())

    def footer(self) -> None:
        """What FPDF prints at the foot of each page."""
        self.set_y(-_MARGIN)
        self.set_font("Helvetica", "", 8)
        self.set_text_color(_SOFT)
        page = say("rendering.sheet_page", self._words, page=self.page_no(), pages="{pages}")
        self.multi_cell(0, _SMALL, printable(f"{self._foot}    {page}"), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_color(_INK)

    def _block(self, block: Block) -> None:
        match block:
            case Heading(text):
                self._heading(text)
            case Text(text, strong):
                self._write(text, 10, "B" if strong else "", _LINE)
                self.ln(1)
            case Pairs(rows):
                for name, value in rows:
                    self._pair(name, value)
                self.ln(1)
            case Grid():
                self._grid(block)
            case Code(rows):
                self._code(rows)

    def _heading(self, text: str) -> None:
        if self.will_page_break(4 * _LINE):
            self.add_page()
        self.ln(2)
        self._write(text, 12, "B", 6)
        self._rule(self.get_y())
        self.ln(1.5)

    def _pair(self, name: str, value: str | None) -> None:
        """A name and its value side by side, or a line to write on."""
        if self.will_page_break(3 * _LINE):
            self.add_page()
        top = self.get_y()
        self.set_font("Helvetica", "", 10)
        self.multi_cell(_NAMES, _LINE, printable(name), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        below, page = self.get_y(), self.page_no()
        left = self.l_margin + _NAMES + 3
        self.set_xy(left, top)
        if value is None:
            self._rule(top + _LINE, left)
        else:
            self.set_font("Helvetica", "B", 10)
            self.multi_cell(0, _LINE, printable(value), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if self.page_no() == page:  # a long value may have ended on the next page
            self.set_xy(self.l_margin, max(below, self.get_y()) + (2.5 if value is None else 0.5))

    def _code(self, rows: Sequence[bytes]) -> None:
        if self.will_page_break(len(rows) * _SQUARE):
            self.add_page()
        left, top = self.l_margin, self.get_y()
        self.set_fill_color(0)
        for down, row in enumerate(rows):
            for across, dark in enumerate(row):
                if dark:
                    self.rect(left + across * _SQUARE, top + down * _SQUARE, _SQUARE, _SQUARE, "F")
        self.set_y(top + len(rows) * _SQUARE)

    def _grid(self, grid: Grid) -> None:
        self._write(grid.caption, 10, "", _LINE)
        self.set_font("Helvetica", "", 9)
        align = tuple("RIGHT" if n in grid.numbers else "LEFT" for n in range(len(grid.columns)))
        with self.table(text_align=align, line_height=_SMALL, padding=0.8, borders_layout="HORIZONTAL_LINES") as table:
            for cells in (grid.columns, *grid.rows):
                row = table.row()
                for cell in cells:
                    row.cell(printable(cell))
        self.ln(2)

    def _write(self, text: str, size: float, style: str, height: float) -> None:
        self.set_font("Helvetica", style, size)
        self.multi_cell(0, height, printable(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _rule(self, at: float, left: float | None = None) -> None:
        self.set_draw_color(_RULE)
        self.line(self.l_margin if left is None else left, at, self.w - self.r_margin, at)


def sheets_pdf(sheets: Sequence[Sheet], lang: str, made: datetime) -> bytes:
    """A PDF of letter size. `made`: the aware moment it says it was made at; the same sheets and moment give the same
    bytes."""
    printer = Printer(lang, sheets[0].title if sheets else "", made)
    for sheet in sheets:
        printer.sheet(sheet)
    return printer.done()


def printable(text: str) -> str:
    """The text in letters the standard fonts have. No control character but the end of a line."""
    return "".join(map(_letter, unicodedata.normalize("NFC", text)))


def _letter(letter: str) -> str:
    if letter == "\n":
        return letter
    if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn"):
        return "" if letter != "\t" else " "
    if letter in _INSTEAD:
        return _INSTEAD[letter]
    return next((form for form in (letter, *unicodedata.normalize("NFKD", letter)) if _has(form)), "?")


def _has(letter: str) -> bool:
    try:
        letter.encode(_ENCODING)
    except UnicodeEncodeError:
        return False
    return True
