"""The page over many reports: one file, two languages, no script, readable by everyone, nothing of a patient."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from gateway.messages import LANGUAGES
from gateway.rendering.html import report_html
from gateway.rendering.overview import bars, reports_html
from gateway.rendering.sarif import reports_sarif
from gateway.rendering.text import render
from gateway.report import Finding, InvoiceRef, Report
from gateway.resources import data_dir
from gateway.validation import check

HOSTILE = "<script>alert(1)</script>\" onload='x'"
VOID = {"meta", "rect", "input"}


class Page(HTMLParser):
    """A page read strictly; each text with the languages of the elements around it."""

    def __init__(self, source: bytes) -> None:
        super().__init__()
        self.open: list[tuple[str, str | None]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str | None, str]] = []
        self.feed(source.decode())
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("lang")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and "style" not in [tag for tag, _ in self.open]:
            self.texts.append((next((lang for _, lang in reversed(self.open) if lang), None), data))


def finding(code: str, ordinal: int | None = 1, severity: str = "error") -> Finding:
    of = InvoiceRef("F-1", ordinal, 5) if ordinal else None
    words = {"fr": "Défaut.", "en": "Defect."}
    return Finding(code, severity, "ours", 7, 3, "/a/b", of, words, {"fr": "Corrigez.", "en": "Correct."})


@pytest.fixture
def reports() -> list[Report]:
    bad = Report("bad.xml", "ab" * 32, "f", "lot", "reconstructed", "invalid", 9, 1)
    bad.findings = [finding("ONE"), finding("ONE", 2), finding("TWO", None, "warning")]
    bad.findings_total, bad.not_checked = 950, ["FOREIGN_NUMBER"]
    return [
        bad,
        Report("good.xml", "cd" * 32, "f", "lot", "ours", "valid", 3),
        Report("x", "", None, None, None, "not_judged"),
    ]


@pytest.mark.parametrize("opened", LANGUAGES)
def test_the_page_holds_both_languages_and_opens_in_one(reports: list[Report], opened: str) -> None:
    page = Page(reports_html(reports, opened))
    parts = [attributes for tag, attributes in page.tags if tag == "main"]
    assert [part["lang"] for part in parts] == ["fr-CA", "en-CA"]
    picks = [attributes for tag, attributes in page.tags if tag == "input"]
    assert [pick["id"] for pick in picks if "checked" in pick] == [opened]
    for lang, word, other in (("fr-CA", "Défaut.", "Defect."), ("en-CA", "Defect.", "Défaut.")):
        said = " ".join(text for of, text in page.texts if of == lang)
        assert word in said
        assert other not in said
        assert all(seen in said for seen in ("bad.xml", "good.xml", "F-1", "/a/b", "ONE", "FOREIGN_NUMBER"))


def test_the_page_stands_alone_and_runs_nothing(reports: list[Report]) -> None:
    source = reports_html(reports, "fr")
    page = Page(source)
    names = {name for _, attributes in page.tags for name in attributes}
    assert not names & {"src", "href", "onload", "onclick", "action"}
    assert "script" not in {tag for tag, _ in page.tags}
    for forbidden in (b"@import", b"url(", b"None", b"Undefined"):
        assert forbidden not in source
    assert b"default-src 'none'" in source


def test_the_page_is_made_for_everyone(reports: list[Report]) -> None:
    source = reports_html(reports, "fr").decode()
    page = Page(source.encode())
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes.get("for") for tag, attributes in page.tags if tag == "label"} <= set(ids)
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    assert all({"aria-labelledby", "aria-hidden"} & set(attributes) for tag, attributes in page.tags if tag == "svg")
    assert "focus-visible" in source
    assert "@media print" in source
    assert [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)][:3] == ["h1", "h2", "h2"]


def test_hostile_values_are_only_text(reports: list[Report]) -> None:
    reports[0].file, reports[0].document, reports[0].format = HOSTILE, HOSTILE, HOSTILE
    page = Page(reports_html(reports, "en", {(HOSTILE, 7, 3): HOSTILE}))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [1 for _, attributes in page.tags if "onload" in attributes]
    assert sum(text.count(HOSTILE) for _, text in page.texts) >= 4


def test_the_chart_counts_the_findings_of_each_rule(reports: list[Report]) -> None:
    assert [(bar.code, bar.count, bar.tone, bar.width) for bar in bars(reports)] == [
        ("ONE", 2, "bad", 100.0),
        ("TWO", 1, "doubt", 50.0),
    ]
    assert bars([]) == []
    assert Page(reports_html([], "fr")).texts


def test_a_rule_of_a_letter_names_the_letter_on_every_page() -> None:
    letter = "Infolettre 375 (2018-02-28)"
    (report,) = check(data_dir("schemas") / "ramq-dp" / "samples" / "rule_956_service_after_the_old_system.xml")
    assert [found.letter for found in report.findings if found.code == "956"] == [letter]
    pages = [reports_html([report], "fr"), report_html(report, "fr"), reports_sarif([report], "fr")]
    pages += [render(report, "en").encode(), json.dumps(report.public()).encode()]
    assert all(letter.encode() in page for page in pages)
