"""Many reports as one self-contained page in both languages: the reader switches without a script, and prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.messages import LANGUAGES
from gateway.rendering import formats
from gateway.rendering.excerpt import Excerpts
from gateway.rendering.html import environment, words
from gateway.rendering.text import by_invoice
from gateway.report import Report

_BARS = 12  # rules drawn; the rest are in the table


@dataclass(frozen=True, slots=True)
class Bar:
    """One rule in the chart: how many listed findings it has, and how long its bar is, in percent of the longest."""

    code: str
    count: int
    tone: str
    width: float


def reports_html(
    reports: Sequence[Report], lang: str, excerpts: Excerpts | None = None, fates: Mapping[str, Any] | None = None
) -> bytes:
    """The page of these reports, opened in `lang`. `fates` is what `gateway trial` adds: what would become of each."""
    page = environment().get_template("overview.html")
    facts = {
        "reports": reports,
        "groups": {report.file: list(by_invoice(report.findings)) for report in reports},
        "bars": bars(reports),
        "segments": {one: formats.bar(_verdicts(reports, one)) for one in LANGUAGES},
        "excerpts": excerpts or {},
        "fates": fates,
        "opened": lang,
        "languages": {one: words(one) for one in LANGUAGES},
        "verdicts": Counter(report.verdict for report in reports),
        "invoices": sum(report.invoices for report in reports),
        "invalid_invoices": sum(report.invalid_invoices for report in reports),
        "findings": sum(report.findings_total for report in reports),
        "listed": sum(len(report.findings) for report in reports),
    }
    return page.render(facts).encode()


def bars(reports: Sequence[Report]) -> list[Bar]:
    """The rules with the most findings, the most first."""
    found = [finding for report in reports for finding in report.findings]
    severity = {finding.code: finding.severity for finding in found}
    counted = Counter(finding.code for finding in found).most_common(_BARS)
    tones = {"error": "bad", "warning": "doubt"}
    longest = counted[0][1] if counted else 1
    return [
        Bar(code, number, tones.get(severity[code], "plain"), round(100 * number / longest, 1))
        for code, number in counted
    ]


def _verdicts(reports: Sequence[Report], lang: str) -> list[tuple[str, int, str]]:
    word, counted = words(lang)["word"], Counter(report.verdict for report in reports)
    tones = {"valid": "good", "invalid": "bad", "not_judged": "doubt"}
    return [(word("verdict", verdict), counted[verdict], tone) for verdict, tone in tones.items()]
