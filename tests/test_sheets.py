"""Printed sheets: the same content as HTML and as PDF, in letters every printer has, nothing fetched."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime

import pytest
from lxml import html

from gateway import rendering
from gateway.rendering.pdf import printable
from gateway.sheets import Grid, Heading, Pairs, Sheet, Text

MADE = datetime(2026, 11, 25, 15, tzinfo=UTC)
GRID = Grid("Lignes", ("Facture", "Montant"), tuple((f"F-{n}", f"{n},00 $") for n in range(120)), frozenset({1}))
SHEETS = [
    Sheet(
        "Accréditation – « œuvre » à 5 €",
        "À propos",
        (
            Heading("Section 3"),
            Pairs((("nom", "Clinique <b>Été</b>"), ("signature", None))),
            Text("Attention", strong=True),
        ),
        "Pied de page",
    ),
    Sheet("Deuxième", "", (GRID,)),
]


def pages(data: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", data))


def drawn(data: bytes) -> str:
    """What the content streams of a PDF write, as text."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    text = b"".join(zlib.decompress(stream) for stream in streams if stream[:1] == b"x")
    shown = re.findall(rb"\((.*?)(?<!\\)\) Tj", text, re.DOTALL)
    return " ".join(part.decode("cp1252") for part in shown)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_page_is_whole_escaped_and_accessible(lang: str) -> None:
    data = rendering.sheets_html(SHEETS, lang)
    page = html.fromstring(data.decode())
    assert page.get("lang") == f"{lang}-CA"
    assert [h.text for h in page.iter("h1")] == ["Accréditation – « œuvre » à 5 €", "Deuxième"]
    assert all(section.get("aria-labelledby") for section in page.iter("section"))
    assert b"<b>" not in data
    assert not re.search(rb'(src|href)="|<script', data)
    assert [th.get("scope") for th in page.iter("th")] == ["col", "col"]
    assert b"break-before: page" in data


def test_a_value_nobody_knows_is_a_line_to_write_on() -> None:
    assert 'class="byhand">à remplir à la main' in rendering.sheets_html(SHEETS, "fr").decode()


def test_a_pdf_has_every_letter_of_french_and_a_page_for_each_sheet() -> None:
    data = rendering.sheets_pdf(SHEETS, "fr", MADE)
    assert data.startswith(b"%PDF-")
    said = drawn(data)
    assert "« œuvre » à 5 €" in said
    assert "Clinique <b>Été</b>" in said
    assert "Pied de page" in said
    assert "page 1 de" in said
    assert pages(data) > 3  # one, then a table of 120 rows
    assert said.count("Facture") == pages(data) - 1  # its heading on each
    assert said.count("Pied de page") == 1  # the other sheet has none


def test_the_same_sheets_and_moment_give_the_same_bytes() -> None:
    assert rendering.sheets_pdf(SHEETS, "fr", MADE) == rendering.sheets_pdf(SHEETS, "fr", MADE)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Été – l'œuvre « 5 € »", "Été – l'œuvre « 5 € »"),
        ("e\u0301te\u0301", "été"),
        ("Łódź ā", "Lódz a"),
        ("1\u202f000 →", "1\xa0000 ->"),
        ("a\x00b\u200b\tc", "ab c"),
        ("ᐃᓄᒃ", "???"),
    ],
)
def test_a_letter_the_fonts_lack_is_replaced_and_never_an_error(text: str, printed: str) -> None:
    assert printable(text) == printed


def test_a_very_long_value_goes_on_to_the_next_page() -> None:
    sheet = Sheet("Longue", "", (Pairs((("texte", "mot " * 4000), ("suite", "fin"))),))
    data = rendering.sheets_pdf([sheet], "fr", MADE)
    assert pages(data) > 2
    assert "fin" in drawn(data)
