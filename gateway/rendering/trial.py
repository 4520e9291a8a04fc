"""What would become of an agency's exports, on one page: counts by document type, the reasons, the files concerned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.messages import say
from gateway.rendering.text import indented, painted, plain
from gateway.report import Finding, Report

FATES = ("sent", "held", "refused", "repeated", "not_judged", "not_sent")
_TONES = {"sent": "1;32", "held": "1;33", "refused": "1;31", "not_judged": "1;33"}
_LISTED = 20  # files told one by one
_BOLD = "1"


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding, and how many times it was found."""

    finding: Finding
    count: int


@dataclass(frozen=True, slots=True)
class Tried:
    """One document: what would become of it (one of FATES), the code that decides, and its report."""

    fate: str
    code: str
    report: Report


@dataclass(frozen=True, slots=True)
class Trial:
    """What judging some folders gave."""

    name: str  # of the folders
    documents: Sequence[Tried]
    reasons: Sequence[Reason]
    not_checked: Sequence[str]  # codes that need the registry or the past

    def rows(self) -> list[tuple[str, list[int]]]:
        """For each document type (empty: none we know), how many documents of each fate."""
        counted = Counter((one.report.document or "", one.fate) for one in self.documents)
        names = sorted({name for name, _ in counted}, key=lambda name: (not name, name))
        return [(name, [counted[name, fate] for fate in FATES]) for name in names]

    def table(self) -> dict[str, Any]:
        """The same for a page."""
        reasons = [
            {
                "code": reason.finding.code,
                "severity": reason.finding.severity,
                "authority": reason.finding.authority,
                "letter": reason.finding.letter,
                "message": reason.finding.message,
                "next": reason.finding.next,
                "count": reason.count,
            }
            for reason in self.reasons
        ]
        return {"columns": FATES, "rows": self.rows(), "reasons": reasons}


def trial_text(trial: Trial, lang: str, *, colour: bool = False) -> str:
    """The page as text."""

    def heading(key: str, **values: object) -> str:
        return painted(say(f"rendering.{key}", lang, **values), _BOLD, colour)

    lines = [heading("fate_title", folder=plain(trial.name)), "", *_table(trial, lang)]
    if trial.reasons:
        lines += ["", heading("fate_why"), *_reasons(trial, lang)]
    if stayed := [one for one in trial.documents if one.fate not in ("sent", "not_sent")]:
        lines += ["", heading("fate_files"), *_files(stayed, lang, colour)]
    if trial.not_checked:
        lines += ["", *indented(say("rendering.text_not_checked", lang, codes=", ".join(trial.not_checked)), by=0)]
    return "\n".join(lines) + "\n"


def _table(trial: Trial, lang: str) -> Iterator[str]:
    heads = [say(f"rendering.fate_{fate}", lang) for fate in FATES]
    rows = [(name or say("rendering.authority_none", lang), counts) for name, counts in trial.rows()]
    rows.append((say("rendering.fate_all", lang), [sum(column) for column in zip(*(c for _, c in rows), strict=True)]))
    first = max(len(name) for name, _ in rows)
    yield "  " + " " * first + "".join(f"  {head}" for head in heads)
    for name, counts in rows:
        cells = (f"  {number:>{len(head)}}" for number, head in zip(counts, heads, strict=True))
        yield f"  {name:<{first}}" + "".join(cells)


def _reasons(trial: Trial, lang: str) -> Iterator[str]:
    for reason in trial.reasons:
        finding = reason.finding
        authority = say(f"rendering.authority_{finding.authority}", lang)
        severity = say(f"rendering.severity_{finding.severity}", lang)
        letter = f", {plain(finding.letter)}" if finding.letter else ""
        yield f"  {reason.count:>6} × {finding.code} ({severity}, {authority}{letter})"
        yield from indented(finding.message[lang], by=11)
        yield from indented("→ " + finding.next[lang], by=11)


def _files(stayed: Sequence[Tried], lang: str, colour: bool) -> Iterator[str]:
    for one in stayed[:_LISTED]:
        word = painted(say(f"rendering.fate_{one.fate}", lang), _TONES.get(one.fate, _BOLD), colour)
        yield f"  {word}: {plain(one.report.file)} ({one.code})"
    if len(stayed) > _LISTED:
        yield "  " + say("rendering.fate_more", lang, count=len(stayed) - _LISTED)
