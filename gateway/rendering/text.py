"""A report as text: for a terminal, a log file, a mail."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from gateway.messages import say
from gateway.rendering.excerpt import Excerpts
from gateway.report import Finding, InvoiceRef, Report

_WIDTH = 100
_MARKS = {"error": "✗", "warning": "!", "info": "·"}
_TONES = {"error": "31", "invalid": "1;31", "warning": "33", "not_judged": "1;33", "valid": "1;32", "info": "36"}
_BOLD, _SOFT = "1", "2"


def render(
    report: Report, lang: str, *, excerpts: Excerpts | None = None, colour: bool = False, among: bool = False
) -> str:
    """The whole report, ending with an empty line. Findings stand under the invoice they are about; `excerpts` is
    what stands at their places; `colour` is for a terminal only. `among` many, what was not checked is left to their
    summary."""
    text = _Text(report, lang, excerpts or {}, colour)
    tail = [] if among else text.tail()
    return "\n".join([*text.head(), *text.findings(), *tail, ""]) + "\n"


def one_line(report: Report, lang: str, *, colour: bool = False) -> str:
    """The verdict alone: for a document without findings, among many."""
    return _Text(report, lang, {}, colour).verdict() + "\n"


def summary(reports: Sequence[Report], lang: str, *, colour: bool = False) -> str:
    """One line over many documents."""
    verdicts = [report.verdict for report in reports]
    said = say(
        "rendering.text_summary",
        lang,
        documents=len(reports),
        valid=verdicts.count("valid"),
        invalid=verdicts.count("invalid"),
        not_judged=verdicts.count("not_judged"),
        invoices=sum(report.invoices for report in reports),
        bad=sum(report.invalid_invoices for report in reports),
        findings=sum(report.findings_total for report in reports),
    )
    missing = sorted({code for report in reports for code in report.not_checked})
    rest = indented(say("rendering.text_not_checked", lang, codes=", ".join(missing)), by=0) if missing else ()
    return "\n".join([painted(said, _BOLD, colour), *rest]) + "\n"


def painted(text: str, tone: str, colour: bool) -> str:
    """The text in a colour of the terminal's own."""
    return f"\x1b[{tone}m{text}\x1b[0m" if colour else text


class _Text:
    """One report while it is written."""

    def __init__(self, report: Report, lang: str, excerpts: Excerpts, colour: bool) -> None:
        self._report, self._lang, self._excerpts, self._colour = report, lang, excerpts, colour

    def verdict(self) -> str:
        verdict = say(f"rendering.verdict_{self._report.verdict}", self._lang)
        return f"{plain(self._report.file)}: {self._paint(verdict, _TONES[self._report.verdict])}"

    def head(self) -> Iterator[str]:
        report = self._report
        yield self.verdict()
        if report.document is not None:
            by = say(f"rendering.authority_{report.authority}", self._lang)
            yield "  " + self._say("text_format", document=report.document, format=report.format, authority=by)
        if report.invoices:
            yield "  " + self._say("text_invoices", invoices=report.invoices, invalid=report.invalid_invoices)

    def findings(self) -> Iterator[str]:
        for invoice, findings in by_invoice(self._report.findings):
            if invoice is not None:
                number = plain(invoice.number or "–")
                of = self._say("text_invoice", number=number, ordinal=invoice.ordinal, line=invoice.line)
                yield "  " + self._paint(of, _BOLD)
            for finding in findings:
                yield from self._finding(finding, 2 if invoice is None else 4)
        if hidden := self._report.findings_total - len(self._report.findings):
            yield "  " + self._say("text_hidden", hidden=hidden, total=self._report.findings_total)

    def tail(self) -> Iterator[str]:
        if self._report.not_checked:
            yield from indented(self._say("text_not_checked", codes=", ".join(self._report.not_checked)), by=2)

    def _finding(self, finding: Finding, by: int) -> Iterator[str]:
        where = f"{finding.line}:{finding.column} " if finding.line is not None else ""
        authority = say(f"rendering.authority_{finding.authority}", self._lang)
        mark = self._paint(f"{_MARKS.get(finding.severity, '·')} {where}{finding.code}", _TONES[finding.severity])
        letter = f", {plain(finding.letter)}" if finding.letter else ""
        yield " " * by + f"{mark} ({authority}{letter})"
        yield from indented(finding.message[self._lang], by + 4)
        if finding.path:
            yield " " * (by + 4) + self._paint(plain(finding.path), _SOFT)
        yield from self._excerpt(finding, by + 4)
        yield from indented("→ " + finding.next[self._lang], by + 4)

    def _excerpt(self, finding: Finding, by: int) -> Iterator[str]:
        found = self._excerpts.get((self._report.file, finding.line or 0, finding.column or 0))
        if found is not None:
            yield " " * by + self._paint(f"{finding.line} │ {plain(found)}", _SOFT)

    def _say(self, key: str, **values: object) -> str:
        return say(f"rendering.{key}", self._lang, **values)

    def _paint(self, text: str, tone: str) -> str:
        return painted(text, tone, self._colour)


def by_invoice(findings: Sequence[Finding]) -> Iterator[tuple[InvoiceRef | None, list[Finding]]]:
    """The document's own findings first, then each invoice's, in the order of the document."""
    order: Mapping[int, int] = {id(f): f.invoice.ordinal if f.invoice else 0 for f in findings}
    for _, group in groupby(sorted(findings, key=lambda f: order[id(f)]), key=lambda f: order[id(f)]):
        found = list(group)
        yield found[0].invoice, found


def indented(sentence: str, by: int = 6) -> Iterator[str]:
    """A sentence in lines of a width that can be read."""
    indent = " " * by
    yield from textwrap.wrap(
        plain(sentence),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def plain(text: str) -> str:
    """Unable to act on a terminal: names may hold what a terminal would obey."""
    return "".join(c if c.isprintable() else "�" for c in text)
