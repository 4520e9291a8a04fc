"""`gateway trial DIR`: what would become of an agency's real exports, judged where they lie; nothing is sent."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

import typer

from gateway import catalog as catalogs
from gateway.catalog import Catalog
from gateway.cli.check import count, found
from gateway.cli.common import Call
from gateway.cli.days import day
from gateway.cli.judged import catalog_folders
from gateway.cli.light import LightCommand
from gateway.cli.many import judge_files
from gateway.cli.progress import Progress, wants_colour
from gateway.rendering.trial import Reason, Trial, Tried, trial_text
from gateway.report import Finding, Report

_REASONS = 10  # the most frequent findings told


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("trial", help="trial.help", cls=LightCommand)(trial)


def trial(
    ctx: typer.Context,
    folders: list[str] = typer.Argument(..., help="trial.folders", metavar="DIR…"),
    output: str = typer.Option("", "--output", help="trial.output", metavar="FILE.html"),
    on: str = typer.Option("", "--on", help="check.on", metavar="YYYY-MM-DD|today"),
    jobs: str = typer.Option("0", "--jobs", help="check.jobs", metavar="N"),
) -> int:
    call: Call = ctx.obj
    files, where = found(call, map(Path, folders)), catalog_folders(call)
    reports: list[Report] = []
    excerpts: dict[tuple[str, int, int], str] = {}
    progress = Progress(len(files))
    processes, when = count(call, jobs, "--jobs"), day(call, on, "--on")
    for outcome in judge_files(files, where, jobs=processes, on=when, look=bool(output)):
        progress.step()
        reports += outcome.reports
        excerpts.update(outcome.excerpts)
    progress.clear()
    tried = told(", ".join(folders), reports, catalogs.load(where))
    sys.stdout.write(trial_text(tried, call.lang, colour=wants_colour(sys.stdout)))
    if output:
        page = import_module("gateway.rendering.overview").reports_html(reports, call.lang, excerpts, tried.table())
        Path(output).write_bytes(page)
    fates = {document.fate for document in tried.documents}
    return 2 if "not_judged" in fates else int(bool(fates & {"held", "refused"}))


def told(name: str, reports: Sequence[Report], catalog: Catalog) -> Trial:
    """What would become of each document, in the order they lie there: the first of two alike is the one that goes."""
    seen: set[str] = set()
    numbers: set[str] = set()
    documents: list[Tried] = []
    for report in reports:
        fate, code = _fate(report, catalog, seen, numbers)
        documents.append(Tried(fate, code, report))
        if fate != "not_sent":  # a reply names the request it answers
            seen.add(report.sha256)
            numbers.add(report.index.request_number or "")
    missing = sorted({code for report in reports for code in report.not_checked})
    return Trial(name, documents, _frequent(reports), missing)


def _fate(report: Report, catalog: Catalog, seen: set[str], numbers: set[str]) -> tuple[str, str]:
    """What would become of it (one of FATES), and the code that decides."""
    if report.verdict == "not_judged":
        return "not_judged", "NOT_JUDGED"
    if report.format is not None and catalog.document(report.format, report.document or "").role != "request":
        return "not_sent", ""
    if report.sha256 in seen:
        return "repeated", "REQUEST_REPEATED"
    if refusing := next((f.code for f in report.findings if f.refuses), None):
        return "refused", refusing
    if report.verdict == "invalid":
        return "held", next((f.code for f in report.findings if f.severity == "error"), "INVALID")
    number = report.index.request_number
    return ("held", "REQUEST_NUMBER_REUSED") if number and number in numbers else ("sent", "")


def _frequent(reports: Iterable[Report]) -> list[Reason]:
    """Findings that say the same, counted; the most frequent first."""
    first: dict[tuple[str, str], Finding] = {}
    counted: Counter[tuple[str, str]] = Counter()
    for report in reports:
        for finding in report.findings:
            same = (finding.code, finding.message["en"])
            first.setdefault(same, finding)
            counted[same] += 1
    return [Reason(first[same], number) for same, number in counted.most_common(_REASONS)]
