"""Pages stand alone: nothing fetched, nothing run, every value escaped, both languages, right to the cent."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from gateway.messages import LANGUAGES
from gateway.rendering import report_html, report_json, report_text, summary_html, summary_json
from gateway.rendering.formats import bar, day, moment, money, size
from gateway.report import Finding, InvoiceRef, Report

SAYS = {"fr": "Votre lot est arrivé.", "en": "Your lot arrived."}
HOSTILE = "<script>alert(1)</script>\" onload='x'"
MESSAGES = [{"code": "1081", "text": "Le professionnel doit être le demandeur"}]
LINE = {"number": "1", "status": "receivable", "preliminary_cents": 4500, "formula": "1 × 45,00 $", "messages": []}
FINDING: dict[str, Any] = {
    "code": "SCHEMA_VALUE",
    "severity": "error",
    "authority": "reconstructed",
    "line": 42,
    "column": 11,
    "path": "/dem_paimt/liste_fact",
    "invoice": {"number": "F-1", "ordinal": 1, "line": 24},
    "message": {"fr": "La valeur n’est pas permise.", "en": "The value is not allowed."},
    "next": {"fr": "Corrigez-la.", "en": "Correct it."},
}
FACTS: dict[str, dict[str, Any]] = {
    "receipt": {
        "lot": "LOT-1",
        "file": "lot.zip",
        "sha256": "ab" * 32,
        "size": 123_456,
        "received_at": "2026-11-20T19:03:04+00:00",
        "documents": 4,
        "says": SAYS,
        "next": SAYS,
        "same_as": "LOT-0",
        "requests": [{"request": "DEM-1", "member": "a.xml", "number": "A-1", "state": "READY", "reason": None}],
        "requests_total": 1,
    },
    "report": {"file": "lot.zip", "member": "a.xml", "state": "REFUSED", "findings": [FINDING], "findings_total": 950},
    "receivability": {
        "request_number": "A-17",
        "status": "receivable",
        "action": "new",
        "account": "admin:12345",
        "messages": MESSAGES,
        "invoices_total": 3,
        "receivable": 2,
        "not_receivable": 1,
        "preliminary_cents": 900_050,
        "invoices": [
            {"number": "F-1", "payer_number": "12345678901", "token": "12345678", "status": "receivable"}
            | {"preliminary_cents": 4500, "messages": [], "lines": [LINE]},
            {"number": "F-2", "status": "not_receivable", "messages": MESSAGES},
        ],
    },
    "statement": {
        "number": "EC-1",
        "dated": "2026-11-19",
        "mode": "ACTE",
        "system": "RFP",
        "account": "admin:12345",
        "total_cents": -123_456,
        "entries_total": 2,
        "entries": [{"kind": kind, "number": "F-1", "paid_cents": -4500} for kind in ("PAIE", "REFUS")],
    },
}


class Page(HTMLParser):
    """Reads a page the strict way: every tag closed in order, every attribute noted."""

    VOID = frozenset({"meta", "rect"})

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(page.decode())
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def report() -> Report:
    finding = Finding(
        "SCHEMA_VALUE", "error", "ours", 3, 7, "/lot/no", InvoiceRef("F-1", 1, 3), dict(SAYS), {"fr": "Bon", "en": "OK"}
    )
    found = Report("lot.zip!/a.xml", "ab" * 32, "ramq-rfp", "dem_paimt", "reconstructed", "invalid", 9, 1, [finding], 5)
    found.not_checked = ["FOREIGN_NUMBER"]
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", sorted(FACTS))
def test_a_page_stands_alone_and_is_well_made(kind: str, lang: str) -> None:
    source = summary_html(kind, FACTS[kind], lang)
    page = Page(source)
    assert ("html", "lang", f"{lang}-CA") in page.attributes
    assert not {name for _, name, _ in page.attributes} & {"src", "href", "onload", "onclick", "action"}
    assert len(re.findall("<th ", source.decode())) == len(re.findall('<th scope="', source.decode()))
    assert b"default-src 'none'" in source
    assert b"@import" not in source
    assert b"url(" not in source
    assert b"None" not in source
    assert b"Undefined" not in source


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_every_fact_may_be_missing(kind: str) -> None:
    Page(summary_html(kind, {}, "fr"))
    for missing in FACTS[kind]:
        Page(summary_html(kind, {key: value for key, value in FACTS[kind].items() if key != missing}, "en"))


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_a_hostile_value_is_only_text(kind: str) -> None:
    def hostile(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: hostile(own) for key, own in value.items()}
        if isinstance(value, list):
            return [hostile(own) for own in value]
        return HOSTILE if isinstance(value, str) else value

    page = Page(summary_html(kind, hostile(FACTS[kind]), "fr"))
    assert not [tag for tag, name, _ in page.attributes if tag == "script" or name == "onload"]
    assert HOSTILE in page.text


def test_a_page_says_the_verdict_the_counts_and_the_money() -> None:
    french = Page(summary_html("receivability", FACTS["receivability"], "fr")).text
    english = Page(summary_html("receivability", FACTS["receivability"], "en")).text
    assert "9\u00a0000,50\u00a0$" in french
    assert "$9,000.50" in english
    assert "non recevable" in french
    assert "recevables : 2" in french
    assert "not receivable: 1" in english
    assert "1081" in french
    assert "12345678901" in french
    statement = Page(summary_html("statement", FACTS["statement"], "fr")).text
    assert "−1\u00a0234,56\u00a0$" in statement.replace("-", "−")
    assert "19 novembre 2026" in statement
    assert "refusée" in statement
    assert "950" in Page(summary_html("report", FACTS["report"], "en")).text


def test_a_long_list_is_capped_and_its_count_true() -> None:
    facts = FACTS["receivability"] | {"invoices": FACTS["receivability"]["invoices"][:1] * 3000, "invoices_total": 3000}
    page = summary_html("receivability", facts, "en").decode()
    assert page.count('<th scope="row">') == 1000
    assert "1,000 of 3,000 shown" in page


def test_the_same_facts_make_the_same_bytes() -> None:
    for kind, facts in FACTS.items():
        assert summary_html(kind, facts, "fr") == summary_html(kind, json.loads(json.dumps(facts)), "fr")
        assert summary_json(kind, facts) == summary_json(kind, json.loads(json.dumps(facts)))


def test_another_kind_of_summary_is_an_error() -> None:
    with pytest.raises(KeyError):
        summary_html("../base", {}, "fr")


def test_a_report_reads_the_same_in_every_form(report: Report) -> None:
    assert json.loads(report_json(report))["findings"][0]["line"] == 3
    assert json.loads(summary_json("report", report.public()))["kind"] == "report"
    for lang, verdict in (("fr", "non valide"), ("en", "invalid")):
        text, page = report_text(report, lang), Page(report_html(report, lang)).text
        for written in (text, page):
            assert verdict in written
            assert SAYS[lang] in written
            assert "/lot/no" in written
            assert "F-1" in written
            assert "FOREIGN_NUMBER" in written
        assert "3:7" in text
    assert "4 more findings: 5 in all" in report_text(report, "en")


def test_text_cannot_act_on_a_terminal(report: Report) -> None:
    report.file = "a\x1b]0;x\x07.xml"
    assert all(line.isprintable() for line in report_text(report, "fr").splitlines())


def test_moments_are_told_in_toronto_and_amounts_in_canadian_dollars() -> None:
    assert moment("2026-07-01T03:30:00+00:00", "fr").startswith("30 juin 2026")
    assert moment("2026-07-01T03:30:00", "en").startswith("June 30, 2026")
    assert (moment(None, "fr"), moment("soon", "fr"), day("", "en"), day("2026-13-01", "en")) == (
        "–",
        "soon",
        "–",
        "2026-13-01",
    )
    assert (money(None, "fr"), money(5, "en"), money(-150_000, "fr")) == ("–", "$0.05", "-1\u00a0500,00\u00a0$")
    assert (size(12, "fr"), size(1536, "fr"), size(3 << 30, "en"), size(None, "fr")) == (
        "12 octets",
        "1,5 Kio",
        "3 GiB",
        "–",
    )


def test_a_bar_is_full_and_leaves_out_what_is_nought() -> None:
    parts = bar([("a", 1, "good"), ("b", 0, "bad"), ("c", 3, "plain")])
    assert [(p.name, p.start, p.width) for p in parts] == [("a", 0, 25.0), ("c", 25.0, 75.0)]
    assert bar([]) == []
