"""`gateway init`: from nothing to an installation whose way was tried, and a page that says what to do tomorrow."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gateway.cli.bar import bar
from gateway.cli.common import Call, set_up_logs
from gateway.cli.init import landing, questions
from gateway.cli.init.house import PAGES
from gateway.cli.init.shapes import Answers
from gateway.clock import SystemClock, today
from gateway.errors import ConfigError
from gateway.messages import both, say

if TYPE_CHECKING:
    from gateway.cli.init.rehearsal import Seen


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("init", help="init.help")(init)


def init(
    ctx: typer.Context,
    folder: Path = typer.Argument(Path("passerelle"), metavar="FOLDER", help="init.opt_folder"),
    answers: Path | None = typer.Option(None, "--answers", metavar="FILE", help="init.opt_answers"),
    no_test_lot: bool = typer.Option(False, "--no-test-lot", help="init.opt_no_test_lot"),
) -> None:
    call: Call = ctx.obj
    if call.config_file or call.state_dir:
        raise ConfigError(both("init.writes_its_own"))
    if landing.is_set_up(folder):
        call.tell("init.already", folder=folder.resolve())
        return
    target = landing.place(folder)
    try:
        told = _answered(call, answers)
        seen = _made(call, told, target, test_lot=not no_test_lot)
    except KeyboardInterrupt:
        if not landing.is_set_up(target):
            call.complain(call.say("init.nothing_made"))
        raise
    _tell(told, target, seen)


def _answered(call: Call, file: Path | None) -> Answers:
    day = today(SystemClock())
    if file is not None:
        return questions.from_file(file, call.lang, day)
    if not sys.stdin.isatty():
        raise ConfigError(both("init.no_terminal"))
    return questions.from_terminal(call.lang, day)


def _made(call: Call, told: Answers, target: Path, *, test_lot: bool) -> Seen:
    """What it takes to work is loaded only now: the first question need not wait for it."""
    set_up_logs(logging.ERROR)
    making = import_module("gateway.cli.init.making")
    with bar(call.say("init.step_folders")) as tell:
        seen: Seen = making.make(told, target, lambda key: tell(call.say(key)), test_lot=test_lot)
    return seen


def _tell(told: Answers, target: Path, seen: Seen) -> None:
    lang = told.language
    values = {"folder": target, "invoices": seen.invoices, "receivable": seen.receivable}
    lines = [say("init.done" if seen.invoices else "init.done_untried", lang, **values)]
    lines += [f"? {warning[lang]}" for warning in seen.warnings]
    lines.append(say("init.done_page", lang, page=target / f"{PAGES[lang]}.html"))
    sys.stdout.write("\n".join(lines) + "\n")
