"""`gateway check FILE|DIR…`: judge documents and ZIPs where they lie; no database, nothing sent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from gateway.cli.common import Call
from gateway.cli.days import day
from gateway.cli.judged import Outcome, catalog_folders, files_in
from gateway.cli.light import LightCommand
from gateway.cli.many import judge_files
from gateway.cli.progress import Progress, wants_colour
from gateway.cli.usage import nearest
from gateway.errors import ConfigError
from gateway.platform import as_text
from gateway.rendering.excerpt import Excerpts
from gateway.rendering.text import one_line, render, summary
from gateway.report import Report
from gateway.validation.encoding import TOLERANCES

EXIT = {"valid": 0, "invalid": 1, "not_judged": 2}
# How reports are written for a program or a browser: (reports, language, excerpts) → bytes. Loaded when asked for.
WRITERS = {
    "json": ("gateway.rendering.data", "reports_json"),
    "html": ("gateway.rendering.overview", "reports_html"),
    "junit": ("gateway.rendering.junit", "reports_junit"),
    "sarif": ("gateway.rendering.sarif", "reports_sarif"),
}
FORMATS = ("text", *WRITERS)


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("check", help="check.help", cls=LightCommand)(check)


def check(
    ctx: typer.Context,
    files: list[str] = typer.Argument(..., help="check.files", metavar="FILE|DIR…"),
    form: str = typer.Option("text", "--format", help="check.format", metavar="|".join(FORMATS)),
    output: str = typer.Option("", "--output", help="check.output", metavar="FILE|DIR"),
    on: str = typer.Option("", "--on", help="check.on", metavar="YYYY-MM-DD|today"),
    jobs: str = typer.Option("0", "--jobs", help="check.jobs", metavar="N"),
    allow: list[str] = typer.Option(
        [], "--allow", help="check.allow", metavar="iso_8859_1|windows_1252|utf16_declared"
    ),
    watch: bool = typer.Option(False, "--watch", help="check.watch"),
) -> int:
    call: Call = ctx.obj
    run = Run(call, one_of(call, form, FORMATS, "--format"), output, count(call, jobs, "--jobs"), day(call, on, "--on"))
    run.tolerances = [one_of(call, word, list(TOLERANCES), "--allow") for word in allow]
    paths = [Path(file) for file in files]
    if watch:
        watching: Callable[[Run, Sequence[Path]], int] = import_module("gateway.cli.watch").watch
        return watching(run, paths)
    return run.judge(found(call, paths))


def one_of(call: Call, word: str, known: Sequence[str], option: str) -> str:
    """A word out of a list. Raises ConfigError, naming the nearest one."""
    if word not in known:
        raise ConfigError(call.say("usage.bad_value", what=option) + nearest(word, known, call.lang))
    return word


def count(call: Call, word: str, option: str) -> int:
    """A whole number, not negative. Raises ConfigError."""
    if not (word.isascii() and word.isdigit()):
        raise ConfigError(f"{call.say('usage.bad_value', what=option)} {call.say('usage.whole_number')}")
    return int(word)


def found(call: Call, paths: Iterable[Path]) -> list[Path]:
    """Every file meant. Raises ConfigError for folders without a document: nothing judged is not "valid"."""
    given = list(paths)
    files = files_in(given)
    if not files:
        raise ConfigError(call.say("check.nothing", folder=", ".join(map(str, given))))
    return files


class Run:
    """One judging of some files, written in one format."""

    def __init__(self, call: Call, form: str, output: str = "", jobs: int = 0, on: date | None = None) -> None:
        self.call, self._form, self._output, self._jobs, self._on = call, form, output, jobs, on
        self.tolerances: Sequence[str] = ()  # of the source whose documents these are

    @property
    def piecewise(self) -> bool:
        """Whether each document is told as soon as it is judged: text, on the screen."""
        return self._form == "text" and not self._output

    def judge(self, files: Sequence[Path]) -> int:
        """Judge and write; gives the exit code: that of the worst document."""
        reports: list[Report] = []
        excerpts: dict[tuple[str, int, int], str] = {}
        look = self._form in ("text", "html")
        progress = Progress(len(files))
        folders, tolerances = catalog_folders(self.call), self.tolerances
        for outcome in judge_files(files, folders, jobs=self._jobs, on=self._on, look=look, tolerances=tolerances):
            progress.clear()
            self._tell(outcome, alone=len(files) == 1)
            progress.step()
            reports += outcome.reports
            excerpts.update(outcome.excerpts)
        progress.clear()
        self._end(reports, excerpts)
        return max((EXIT[report.verdict] for report in reports), default=2)

    def _tell(self, outcome: Outcome, *, alone: bool) -> None:
        """What is told of a file as soon as it is judged."""
        if outcome.why is not None:
            self.call.complain(
                self.call.say("check.unreadable", file=as_text(outcome.file), why=outcome.why[self.call.lang])
            )
        if not self.piecewise:
            return
        colour, lang = wants_colour(sys.stdout), self.call.lang
        for report in outcome.reports:
            brief = not alone and report.verdict == "valid" and not report.findings
            text = one_line(report, lang, colour=colour) if brief else ""
            many = not alone or len(outcome.reports) > 1
            sys.stdout.write(text or render(report, lang, excerpts=outcome.excerpts, colour=colour, among=many))

    def _end(self, reports: Sequence[Report], excerpts: Excerpts) -> None:
        """What is told when everything is judged."""
        if self.piecewise:
            if len(reports) > 1:
                sys.stdout.write(summary(reports, self.call.lang, colour=wants_colour(sys.stdout)))
            sys.stdout.flush()
        elif self._output:
            self._write_files(reports, excerpts)
            self.call.complain(summary(reports, self.call.lang).partition("\n")[0])
        else:
            sys.stdout.buffer.write(self._written(reports, excerpts))
            sys.stdout.flush()

    def _written(self, reports: Sequence[Report], excerpts: Excerpts) -> bytes:
        if self._form == "text":
            many = len(reports) > 1
            texts = [render(report, self.call.lang, excerpts=excerpts, among=many) for report in reports]
            return "".join([*texts, *([summary(reports, self.call.lang)] if many else [])]).encode()
        module, name = WRITERS[self._form]
        writer: Any = getattr(import_module(module), name)
        return bytes(writer(reports, self.call.lang, excerpts))

    def _write_files(self, reports: Sequence[Report], excerpts: Excerpts) -> None:
        """One file for all; in a folder, one for each document, named after it, and a page over them all."""
        target = Path(self._output)
        if not (target.is_dir() or self._output.endswith(("/", "\\"))):
            target.write_bytes(self._written(reports, excerpts))
            return
        target.mkdir(parents=True, exist_ok=True)
        suffix = {"text": "txt", "junit": "xml"}.get(self._form, self._form)
        for number, report in enumerate(reports, 1):
            name = f"{number:03d}-{Path(report.file).name}.{suffix}"
            (target / name).write_bytes(self._written([report], excerpts))
        if self._form == "html":
            (target / "index.html").write_bytes(self._written(reports, excerpts))
