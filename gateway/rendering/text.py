"""A report as text: for a terminal, a log file, a mail."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from gateway.messages import say
from gateway.report import Finding, Report

_WIDTH = 100
_MARKS = {"error": "✗", "warning": "!", "info": "·"}


def render(report: Report, lang: str) -> str:
    """The whole report, ending with an empty line."""
    return "\n".join([*_head(report, lang), *_findings(report, lang), *_tail(report, lang), ""]) + "\n"


def _head(report: Report, lang: str) -> Iterator[str]:
    verdict = say(f"rendering.verdict_{report.verdict}", lang)
    yield f"{_plain(report.file)}: {verdict}"
    if report.document is not None:
        by = say(f"rendering.authority_{report.authority}", lang)
        yield "  " + say("rendering.text_format", lang, document=report.document, format=report.format, authority=by)
    if report.invoices:
        yield "  " + say("rendering.text_invoices", lang, invoices=report.invoices, invalid=report.invalid_invoices)


def _findings(report: Report, lang: str) -> Iterator[str]:
    for finding in report.findings:
        yield from _finding(finding, lang)
    if hidden := report.findings_total - len(report.findings):
        yield "  " + say("rendering.text_hidden", lang, hidden=hidden, total=report.findings_total)


def _finding(finding: Finding, lang: str) -> Iterator[str]:
    where = f"{finding.line}:{finding.column} " if finding.line is not None else ""
    authority = say(f"rendering.authority_{finding.authority}", lang)
    yield f"  {_MARKS.get(finding.severity, '·')} {where}{finding.code} ({authority})"
    yield from _indented(finding.message[lang])
    if finding.path:
        yield f"      {_plain(finding.path)}"
    if finding.invoice is not None:
        of = finding.invoice
        yield from _indented(
            say("rendering.text_invoice", lang, number=of.number or "–", ordinal=of.ordinal, line=of.line)
        )
    yield from _indented("→ " + finding.next[lang])


def _indented(sentence: str, by: int = 6) -> Iterator[str]:
    indent = " " * by
    yield from textwrap.wrap(
        _plain(sentence),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(text: str) -> str:
    """Unable to act on a terminal: names may hold what a terminal would obey."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _tail(report: Report, lang: str) -> Iterator[str]:
    if report.not_checked:
        yield from _indented(say("rendering.text_not_checked", lang, codes=", ".join(report.not_checked)), by=2)
